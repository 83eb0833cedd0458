"""The scale behind a changed gate, measured: statistics for its BatchNorms on given volumes.

A closed or opened gate sends its skip through W and combine at a scale their BatchNorms have never seen, and
most of what a prediction then loses is lost to that. Measured statistics take the scale away, so that what
remains is what the gate's pattern was worth. Nothing of the network changes: the result is a value that
`SegmentationNetwork.intervene` takes as an argument. So the direct effect, too, keeps the coefficients that the
network itself had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from model.networks.attention_unet import AttentionUNet
from model.networks.blocks import batch_norm_of, crop
from model.networks.interventions import Effect, GateStatistics, Interventions, Moments
from model.networks.network import Encoded, SegmentationNetwork


@torch.no_grad()
def reestimate(
    network: SegmentationNetwork,
    volumes: Sequence[Tensor | Encoded],
    interventions: Interventions,
    *,
    effect: Effect = "total",
) -> GateStatistics:
    """Statistics of the BatchNorms behind the gates that `interventions` change, over all `volumes` together.

    Deepest level first, W before combine, each measured with those before it in place; padding does not count.

    Args:
        network: an Attention U-Net in eval mode; it is not changed.
        volumes: inputs (batch, channel, [z,] y, x) of any sizes. What `network.encode` gave may stand for one:
            faster, where memory allows, since every level asks for every volume again.
        interventions: as for `network.intervene`; regions and given maps must fit every volume.
        effect: as for `network.intervene`.

    Returns:
        What `network.intervene(..., statistics=...)` takes.

    Raises:
        ValueError: if there is no volume, no gate to intervene on, the network is in
            training mode, or its BatchNorms are folded away.
    """
    if not isinstance(network, AttentionUNet):
        raise ValueError("A plain U-Net has no gate to intervene on.")
    if network.training:
        raise ValueError("Statistics are re-estimated in eval mode, or the encoder's own would change.")
    if not volumes:
        raise ValueError("Give at least one volume to re-estimate statistics on.")

    found = GateStatistics()
    for level in sorted({level for level, _ in interventions}, reverse=True):
        gated_skip = network.gated_skip(level)
        gates = [gate for at, gate in interventions if at == level]
        # The alphas of this level do not depend on what is measured here, so one pass serves W and combine.
        alphas: list[list[Tensor]] = []
        weighed = {gate: _Sums() for gate in gates}
        for volume in volumes:
            encoded = _encoded(network, volume)
            alphas.append(
                network.coefficients(encoded, interventions, effect=effect, statistics=found)[level]
            )
            skip, visible = encoded.features[level - 1], network.config.visible(encoded.size, level)
            for gate in gates:
                block = gated_skip.gate(gate)
                batch_norm_of(block.W)
                weighed[gate].add(crop(block.W[0](block.x_hat(skip, alphas[-1][gate - 1])), visible))
        moments = {(level, gate): sums.moments() for gate, sums in weighed.items()}
        found = GateStatistics({**found.weighed, **moments}, found.combined)

        combined = _Sums()
        for volume, used in zip(volumes, alphas, strict=True):
            encoded = _encoded(network, volume)
            together = gated_skip.weighed(encoded.features[level - 1], used, found)
            combined.add(crop(gated_skip.combine[0](together), network.config.visible(encoded.size, level)))
        found = GateStatistics(found.weighed, {**found.combined, level: combined.moments()})
    return found


def _encoded(network: AttentionUNet, volume: Tensor | Encoded) -> Encoded:
    return volume if isinstance(volume, Encoded) else network.encode(volume)


@dataclass
class _Sums:
    """Running sums of every channel, in float64."""

    count: int = 0
    total: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    squares: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    like: Tensor | None = None

    def add(self, x: Tensor) -> None:
        """Count the voxels of `x` (batch, channel, [z,] y, x) in."""
        values = x.transpose(0, 1).flatten(1).double()
        self.count += values.shape[1]
        self.total = self.total.to(values.device) + values.sum(dim=1)
        self.squares = self.squares.to(values.device) + values.square().sum(dim=1)
        self.like = x

    def moments(self) -> Moments:
        """Mean and unbiased variance, as torch keeps running statistics."""
        if self.like is None or self.count < 2:
            raise ValueError("The volumes hold fewer than two voxels at this level: no variance.")
        mean = self.total / self.count
        variance = (self.squares / self.count - mean.square()).clamp(min=0) * self.count / (self.count - 1)
        return Moments(mean.to(self.like), variance.to(self.like))
