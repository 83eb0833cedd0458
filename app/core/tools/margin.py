"""Margin: a mask grown or shrunk by a distance in mm, exact between voxel centres however flat the voxels are.

Also the two passes over a ball that smoothing needs. It knows a mask and its spacing, no label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.tools.brush import BoolArray, Covered
from model.grid import Box, Float3, Int3
from model.progress import CancelCheck, Report, never, silent, stop_if

_RIM = 1e-5
"""A voxel centre on the rim counts as within, whatever the last bits of a squared distance in single precision."""
_MANY_LINES = 300
"""Lines of voxels in half a ball above which one exact distance transform is quicker than their union."""


def margin(
    mask: BoolArray,
    mm: float,
    spacing: Float3,
    *,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Covered | None:
    """The mask grown by `mm`, or shrunk where it is negative.

    Growing takes every voxel whose centre lies at most `mm` from the centre of a voxel of the mask. Shrinking keeps
    every voxel whose centre lies farther than that from all background. What lies beyond the volume is not known
    and not background: a mask that the scan cuts off is not shrunk from there.

    Args:
        mask: (z, y, x).
        mm: the distance.
        spacing: mm between voxels along z, y, x.
        report: told how far it is.
        cancelled: asked at least once a slice, but not while a distance transform runs.

    Returns:
        The new mask, in the box of the old (shrunk, perhaps to nothing) or the new one (grown). None where nothing
        would change: an empty mask, a distance under every spacing, a mask that fills the volume.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    box = Box.around(mask)
    ball = Ball.of(abs(mm), spacing)
    if box is None or ball.is_one_voxel:
        return None
    if mm > 0:
        box = box.grown(ball.reach).clipped(mask.shape)
        before = mask[box.slices]
        after = within_reach(before, ball, report, cancelled)
    else:
        wide = box.grown((1, 1, 1)).clipped(mask.shape)
        inner = box.within(wide).slices
        before = mask[box.slices]
        after = ~within_reach(~mask[wide.slices], ball, report, cancelled)[inner]
    return None if np.array_equal(before, after) else Covered(box, after)


@dataclass(frozen=True)
class Ball:
    """The voxels whose centres lie within a radius of a voxel's centre, as lines along x.

    Attributes:
        radius_mm: the radius.
        spacing: mm between voxels along z, y, x.
        halves: for dz = 0, 1, … and in each for dy = 0, 1, …: how many voxels the line at (±dz, ±dy) reaches to
            either side of x.
    """

    radius_mm: float
    spacing: Float3
    halves: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, radius_mm: float, spacing: Float3) -> Ball:
        """The ball of a radius; under a voxel, or not a number, it is that one voxel."""
        radius_mm = radius_mm if math.isfinite(radius_mm) else 0.0
        squared = radius_mm**2 * (1 + _RIM)
        halves = []
        for dz in _counted(squared, spacing[0]):
            left = squared - (dz * spacing[0]) ** 2
            halves.append(
                tuple(
                    math.floor(math.sqrt(left - (dy * spacing[1]) ** 2) / spacing[2])
                    for dy in _counted(left, spacing[1])
                )
            )
        return cls(radius_mm, spacing, tuple(halves))

    @property
    def reach(self) -> Int3:
        """How many voxels it reaches along z, y, x."""
        return len(self.halves) - 1, len(self.halves[0]) - 1, self.halves[0][0]

    @property
    def size(self) -> int:
        """How many voxels it holds; always odd."""
        return sum(
            (2 * half + 1) * (2 if dz else 1) * (2 if dy else 1)
            for dz, lines in enumerate(self.halves)
            for dy, half in enumerate(lines)
        )

    @property
    def is_one_voxel(self) -> bool:
        """Whether the radius reaches no neighbour."""
        return self.reach == (0, 0, 0)


def _counted(squared: float, spacing_mm: float) -> range:
    return range(math.floor(math.sqrt(squared) / spacing_mm) + 1)


def within_reach(
    mask: BoolArray, ball: Ball, report: Report = silent, cancelled: CancelCheck = never
) -> BoolArray:
    """Where the ball round a voxel meets the mask (both z, y, x); nothing lies outside of it.

    A small ball is the union of its lines, moved; for a large one an exact distance transform is quicker.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    stop_if(cancelled)
    if sum(len(lines) for lines in ball.halves) <= _MANY_LINES:
        return over_ball(mask, ball, np.bool_, report, cancelled)
    import edt

    if not mask.any():  # a distance transform knows no distance to nothing
        return np.zeros(mask.shape, np.bool_)
    squared = edt.edtsq(np.logical_not(mask, order="C"), anisotropy=ball.spacing)
    return np.asarray(squared <= ball.radius_mm**2 * (1 + _RIM), np.bool_)


def over_ball(
    mask: BoolArray,
    ball: Ball,
    dtype: npt.DTypeLike,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> npt.NDArray[Any]:
    """How many voxels of the mask lie in the ball round each voxel; as bool, whether any does.

    Slice by slice, so that what is worked on stays in the processor's cache: from the lines along x of every
    length the discs of the ball are added up, and those to the slices they reach. Adding bools is their union.

    Args:
        mask: (z, y, x); nothing lies outside of it.
        ball: the ball.
        dtype: bool, or an integer type that holds `ball.size`.
        report: told the share of the slices done.
        cancelled: asked once a slice.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    depth, rows, columns = mask.shape
    _, pad_rows, pad = ball.reach
    # A frame of nothing round a slice lets every move be one of a flat array, and end in the frame.
    width = columns + 2 * pad
    framed = np.zeros((rows + 2 * pad_rows, width), dtype)
    lines = [framed.reshape(-1), *(np.empty(framed.size, dtype) for _ in range(pad))]
    disc = np.empty(framed.size, dtype)
    inside = disc.reshape(framed.shape)[pad_rows : pad_rows + rows, pad : pad + columns]
    total = np.zeros(mask.shape, dtype)
    for z in range(depth):
        stop_if(cancelled)
        report(z / depth, "measuring distances")
        if not mask[z].any():
            continue
        framed[pad_rows : pad_rows + rows, pad : pad + columns] = mask[z]
        for half in range(1, pad + 1):
            np.copyto(lines[half], lines[half - 1])
            _add_moved(lines[half], lines[0], half)
        for dz, halves in enumerate(ball.halves):
            if z - dz < 0 and z + dz >= depth:
                break
            _add_up(disc, lines, halves, width)
            for near in {z - dz, z + dz}:
                if 0 <= near < depth:
                    np.add(total[near], inside, out=total[near])
    return total


def _add_up(
    disc: npt.NDArray[Any], lines: Sequence[npt.NDArray[Any]], halves: tuple[int, ...], width: int
) -> None:
    """One disc of the ball from its lines, in a flat framed slice."""
    np.copyto(disc, lines[halves[0]])
    for dy, half in enumerate(halves[1:], start=1):
        _add_moved(disc, lines[half], dy * width)


def _add_moved(target: npt.NDArray[Any], source: npt.NDArray[Any], by: int) -> None:
    """Add a flat array to another, moved both ways."""
    np.add(target[by:], source[:-by], out=target[by:])
    np.add(target[:-by], source[by:], out=target[:-by])
