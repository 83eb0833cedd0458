"""Where the windows of a prediction lie and how their results are joined; nothing here knows a network.

Windows start on multiples of the network's coarsest stride, so that what neighbouring windows say of a
coarser scale (attention coefficients) falls on one grid. They are joined by Gaussian weights. Window starts
form a regular grid, so the weights are a product of three weights along the axes, and those are divided by
their sum beforehand: what is accumulated is the result, without a second buffer for weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from model.grid import Box, Int3

FloatArray = npt.NDArray[np.float32]

OVERLAP = 0.25
"""The least part of a window that its neighbour covers too."""

_STRETCH = 1.5
"""One window up to so much longer replaces two that would share half of their voxels or more."""

_SIGMA = 0.125
"""Standard deviation of the Gaussian as a part of the window's size, as in nnU-Net and MONAI."""


@dataclass(frozen=True)
class WindowPlan:
    """Windows that cover a region, in the order in which they are run: z slowest, x fastest.

    Attributes:
        shape: voxels (z, y, x) of the region.
        window: voxels (z, y, x) of every window, each a multiple of `stride`.
        stride: voxels per voxel of the coarsest scale; every start is a multiple of it.
        starts: for z, y and x the first voxels of the windows, ascending from 0.
    """

    shape: Int3
    window: Int3
    stride: int
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    @property
    def padded(self) -> Int3:
        """The region's shape with what the last windows reach beyond its far ends."""
        z, y, x = (starts[-1] + size for starts, size in zip(self.starts, self.window, strict=True))
        return z, y, x

    @property
    def count(self) -> int:
        """How many windows there are."""
        return math.prod(len(starts) for starts in self.starts)

    def positions(self) -> Iterator[Int3]:
        """Which start along z, y and x each window takes, in order."""
        for z in range(len(self.starts[0])):
            for y in range(len(self.starts[1])):
                for x in range(len(self.starts[2])):
                    yield z, y, x

    def box(self, position: Int3) -> Box:
        """The voxels of the window at `position`; it may reach beyond the far ends of the region."""
        start = tuple(starts[index] for starts, index in zip(self.starts, position, strict=True))
        z, y, x = (a + n for a, n in zip(start, self.window, strict=True))
        return Box((start[0], start[1], start[2]), (z, y, x))

    def weights(self, position: Int3, factor: Sequence[int] = (1, 1, 1)) -> FloatArray:
        """The weights (z, y, x) of a window; over all windows they add up to 1 in every voxel.

        `factor` gives weights on a grid that is coarser by so many voxels; it divides `stride`.
        """
        z, y, x = (
            _axis_weights(self.starts[axis], self.window[axis], factor[axis])[position[axis]]
            for axis in range(3)
        )
        return z[:, None, None] * y[:, None] * x


def plan_windows(
    shape: Sequence[int], window: Sequence[int], stride: int, overlap: float = OVERLAP
) -> WindowPlan:
    """Windows of `window` voxels (z, y, x; rounded up to the stride) over a region of `shape`.

    Along an axis where the region is smaller than a window, or not much larger, one window takes its size.
    Else as few windows as the overlap allows are spread evenly, their starts rounded to the stride.
    """
    sizes, starts = [], []
    for length, wanted in zip(shape, window, strict=True):
        covered = _round_up(length, stride)
        size = _round_up(wanted, stride)
        if covered <= _STRETCH * size:
            size = covered
        step = max(stride, math.floor(size * (1 - overlap) / stride) * stride)
        count = 1 + -(-(covered - size) // step)
        last = covered - size
        sizes.append(size)
        starts.append(tuple(round(last * i / max(1, count - 1) / stride) * stride for i in range(count)))
    return WindowPlan(
        (int(shape[0]), int(shape[1]), int(shape[2])),
        (sizes[0], sizes[1], sizes[2]),
        stride,
        (starts[0], starts[1], starts[2]),
    )


def cut_window(values: npt.NDArray[np.generic], box: Box) -> npt.NDArray[np.generic]:
    """The window `box` of `values` (z, y, x); beyond the far ends the last slices are repeated."""
    inside = box.clipped(values.shape)
    missing = [(0, wanted - have) for wanted, have in zip(box.shape, inside.shape, strict=True)]
    window = values[inside.slices]
    return np.pad(window, missing, mode="edge") if any(after for _, after in missing) else window


class SlabBlend:
    """Joins the logits of windows in a buffer as thick as one window, whatever the size of the region."""

    def __init__(self, plan: WindowPlan, channels: int) -> None:
        self._plan = plan
        self._first = 0
        self._sum: FloatArray = np.zeros((channels, plan.window[0], *plan.padded[1:]), dtype=np.float32)

    def add(self, position: Int3, values: FloatArray) -> None:
        """Add `values` (channel, z, y, x) of the window at `position`; windows come in the plan's order."""
        box = self._plan.box(position)
        if box.start[0] != self._first:
            raise ValueError(f"the window at {box.start} is not of the slab at {self._first}")
        self._sum[(slice(None), slice(None), *box.slices[1:])] += self._plan.weights(position) * values

    def finished(self, position: Int3) -> tuple[int, FloatArray] | None:
        """After the window at `position`: the planes that no later window touches, else None.

        Returns:
            The first plane, and values (channel, z, y, x) cropped to the region: a view that is valid until
            `advance` is called.
        """
        z, y, x = position
        starts = self._plan.starts
        if (y, x) != (len(starts[1]) - 1, len(starts[2]) - 1):
            return None
        stop = starts[0][z + 1] if z + 1 < len(starts[0]) else self._plan.shape[0]
        return self._first, self._sum[:, : stop - self._first, : self._plan.shape[1], : self._plan.shape[2]]

    def advance(self, planes: int) -> None:
        """Forget the first `planes` planes; the next windows start behind them."""
        kept = self._sum.shape[1] - planes
        # Copied channel by channel and plane by plane: source and target overlap.
        for channel in self._sum:
            for plane in range(kept):
                channel[plane] = channel[plane + planes]
            channel[kept:] = 0
        self._first += planes


@lru_cache(maxsize=64)
def _axis_weights(starts: tuple[int, ...], size: int, factor: int) -> tuple[FloatArray, ...]:
    """The weights along one axis of each window, divided by their sum over all windows that reach a voxel."""
    length = size // factor
    centres = np.arange(length) - (length - 1) / 2
    gaussian = np.exp(-0.5 * (centres / (_SIGMA * length)) ** 2)
    total = np.zeros(starts[-1] // factor + length)
    for start in starts:
        total[start // factor : start // factor + length] += gaussian
    return tuple(
        (gaussian / total[start // factor : start // factor + length]).astype(np.float32) for start in starts
    )


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
