"""What may stand in for the coefficients of a gate, and where: to ask a network what its attention is good for.

Values only: `SegmentationNetwork.intervene` takes them as arguments, nothing is hooked into a network and
nothing of a network changes. For a network with a gate at level 3 and one at level 2::

    encoded = network.encode(x)                                     # once
    network.intervene(encoded, {(3, 1): Mean()})                    # total effect: gate (2, 1) recomputes
    network.intervene(encoded, {(3, 1): Mean()}, effect="direct")   # gate (2, 1) keeps what it had
    network.intervene(encoded, {(2, 1): Constant(1.0, region=tumour)})

The BatchNorm behind a changed gate expects the scale it was trained on; `model.networks.reestimation` measures
the scale it gets, and `intervene(..., statistics=...)` uses that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from model.grid import Box

GateName = tuple[int, int]
"""(level, gate), both from 1 as in `GateCoefficients`."""

Effect = Literal["total", "direct"]
"""Whether the gates that were not intervened on recompute (total) or keep what they had (direct)."""

Region = Box | Tensor
"""Where a replacement holds, on alpha's own grid: a box (3-D), or a boolean mask of alpha's visible ([z,] y, x)."""


@dataclass(frozen=True, eq=False)
class Constant:
    """Every coefficient is `value`, in [0, 1]: 1 opens the gate, 0 closes it."""

    value: float
    region: Region | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise ValueError(f"A coefficient lies in [0, 1]; {self.value} does not.")

    def stand_in(self, alpha: Tensor, inside: Tensor) -> Tensor:
        """What takes the place of the visible `alpha` (batch, 1, [z,] y, x) where `inside` ([z,] y, x) holds."""
        return torch.full_like(alpha, self.value)


@dataclass(frozen=True, eq=False)
class Mean:
    """Every coefficient is the gate's own mean: over the region where one is given, in each item of a batch."""

    region: Region | None = None

    def stand_in(self, alpha: Tensor, inside: Tensor) -> Tensor:
        """What takes the place of the visible `alpha` (batch, 1, [z,] y, x) where `inside` ([z,] y, x) holds."""
        mean = alpha.flatten(2)[:, :, inside.flatten()].mean(dim=2)
        return mean.view(*mean.shape, *(1,) * inside.dim()).expand_as(alpha)


@dataclass(frozen=True, eq=False)
class Shuffle:
    """The gate's own coefficients in other places: how many of each there are is kept, where they are is not.

    The same `seed` gives the same permutation, on every device and for every item of a batch; with a region,
    coefficients move within it.
    """

    seed: int = 0
    region: Region | None = None

    def stand_in(self, alpha: Tensor, inside: Tensor) -> Tensor:
        """What takes the place of the visible `alpha` (batch, 1, [z,] y, x) where `inside` ([z,] y, x) holds."""
        places = inside.flatten().nonzero()[:, 0]
        generator = torch.Generator().manual_seed(self.seed)
        drawn = torch.randperm(len(places), generator=generator).to(places.device)
        flat = alpha.flatten(2)
        moved = flat.clone()
        moved[:, :, places] = flat[:, :, places[drawn]]
        return moved.view_as(alpha)


@dataclass(frozen=True, eq=False)
class Given:
    """The coefficients of `alpha`, in [0, 1]: ([z,] y, x) or (batch, 1, [z,] y, x) of the gate's visible grid.

    So the alpha that `GateCoefficients` holds, of this input or of another one of its size, can be given back.
    """

    alpha: Tensor
    region: Region | None = None

    def __post_init__(self) -> None:
        if not bool(((self.alpha >= 0) & (self.alpha <= 1)).all()):
            raise ValueError("A coefficient lies in [0, 1]; the given map holds others.")

    def stand_in(self, alpha: Tensor, inside: Tensor) -> Tensor:
        """What takes the place of the visible `alpha` (batch, 1, [z,] y, x) where `inside` ([z,] y, x) holds."""
        given, batch = self.alpha.to(alpha), alpha.shape[0]
        if given.shape == inside.shape:
            return given.expand_as(alpha)
        if given.shape in (alpha.shape, (1, *alpha.shape[1:])):
            return given.expand(batch, *alpha.shape[1:])
        raise ValueError(
            f"The given map has shape {tuple(given.shape)}; this gate's alpha has {tuple(alpha.shape)}."
        )


Replacement = Constant | Mean | Shuffle | Given
Interventions = Mapping[GateName, Replacement]
"""What stands in for which gate's coefficients; a gate that is not named keeps its own."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and (unbiased) variance of every channel, each of shape (channel,)."""

    mean: Tensor
    variance: Tensor


@dataclass(frozen=True, eq=False)
class GateStatistics:
    """What the BatchNorms behind changed gates take for their running statistics, as measured by `reestimate`.

    `weighed` is for the BatchNorm of a gate's W, `combined` for that of a level's combine.
    """

    weighed: Mapping[GateName, Moments] = field(default_factory=dict)
    combined: Mapping[int, Moments] = field(default_factory=dict)


def replaced(replacement: Replacement, alpha: Tensor, visible: Sequence[int]) -> Tensor:
    """A gate's `alpha` (batch, 1, [z,] y, x) with `replacement` in its place.

    `alpha` may be padded; only its first `visible` voxels count for a mean, a shuffle, or the shape of a given map,
    and what is padded repeats the edge of the replacement (or stays, where that edge is outside the region).

    Raises:
        ValueError: if the region or a given map does not fit the visible grid, or the region is empty.
    """
    own = alpha
    for axis, length in enumerate(visible, start=2):
        own = own.narrow(axis, 0, length)
    inside = _mask(replacement.region, own)
    stand_in = replacement.stand_in(own, inside)
    size = alpha.shape[2:]
    return torch.where(_edge_padded(inside, size), _edge_padded(stand_in, size), alpha)


def _mask(region: Region | None, alpha: Tensor) -> Tensor:
    shape = tuple(alpha.shape[2:])
    inside = torch.ones(shape, dtype=torch.bool, device=alpha.device)
    if isinstance(region, Box):
        if len(shape) != 3:
            raise ValueError("A box has three axes; give the region of a 2-D network as a boolean mask.")
        inside = torch.zeros_like(inside)
        inside[region.clipped(shape).slices] = True
    elif region is not None:
        if region.dtype != torch.bool or tuple(region.shape) != shape:
            raise ValueError(
                f"A region is a boolean mask of shape {shape}, alpha's own grid; "
                f"this one is {str(region.dtype).removeprefix('torch.')} of shape {tuple(region.shape)}."
            )
        inside = region.to(alpha.device)
    if not bool(inside.any()):
        raise ValueError(f"The region holds no voxel of alpha's own grid, whose shape is {shape}.")
    return inside


def _edge_padded(x: Tensor, size: Sequence[int]) -> Tensor:
    """`x` with its last slices repeated until its last axes have `size`; works for masks, too."""
    for axis, length in enumerate(size, start=x.dim() - len(size)):
        if x.shape[axis] != length:
            x = x.index_select(axis, torch.arange(length, device=x.device).clamp(max=x.shape[axis] - 1))
    return x
