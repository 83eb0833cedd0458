"""The brush of every stroke: which voxels a disc or a sphere covers on its way, in mm.

Distances are measured between voxel centres with the grid's spacing, so a sphere is round in millimetres
however flat the voxels are. From one point to the next it is swept as one capsule: no gaps, however fast the
hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.planes import SliceFrame
from model.grid import Box, Float3

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.unsignedinteger[Any]]

# A voxel centre exactly on the rim belongs to the brush, whatever the last bits of its distance.
_RIM = 1e-9

# Backwards and onwards along a line of voxels, laid before none, one or two other axes.
_BOTH = tuple(np.array([-1.0, 1.0]).reshape(-1, *[1] * others) for others in range(3))


@dataclass(frozen=True)
class Brush:
    """The shape that is swept.

    Attributes:
        radius_mm: its radius.
        flat_axis: the array axis the disc has no thickness along; None for a sphere.
    """

    radius_mm: float
    flat_axis: int | None = None


@dataclass(frozen=True, eq=False)
class Covered:
    """The voxels of `box` that were swept: `mask` (z, y, x) has the box's shape."""

    box: Box
    mask: BoolArray


def sweep(
    brush: Brush, start: Float3, end: Float3, spacing: Float3, shape: tuple[int, int, int]
) -> Covered | None:
    """The voxels a brush covers on its straight way from `start` to `end` (continuous z, y, x).

    A voxel is covered if its centre lies within the radius of that line, in mm. A disc stays in the slice
    that holds `start`. Voxels right under the line are always covered: no brush is too small to paint.

    Returns:
        None if all of it lies outside a volume of `shape`.
    """
    axes = [axis for axis in range(3) if axis != brush.flat_axis]
    low, high = [0, 0, 0], [0, 0, 0]
    for axis in range(3):
        if axis == brush.flat_axis:
            first = math.floor(start[axis] + 0.5)
            last = first + 1
        else:
            # Half a voxel more than the radius needs, for the voxel under the line of a tiny brush.
            reach = max(brush.radius_mm / spacing[axis], 0.5)
            first = math.floor(min(start[axis], end[axis]) - reach)
            last = math.ceil(max(start[axis], end[axis]) + reach) + 1
        low[axis], high[axis] = max(first, 0), min(last, shape[axis])
        if low[axis] >= high[axis]:
            return None
    box = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    mask = _within(brush.radius_mm, start, end, spacing, box, axes)
    if brush.radius_mm < 0.5 * math.hypot(*(spacing[axis] for axis in axes)):
        _add_line(mask, start, end, box, axes)
    return Covered(box, mask) if mask.any() else None


def _within(
    radius_mm: float, start: Float3, end: Float3, spacing: Float3, box: Box, axes: list[int]
) -> BoolArray:
    """Voxels of `box` whose centre is within the radius of the line, measured along `axes` alone.

    A capsule is convex, so it cuts each line of voxels in one interval: its ends are worked out for all lines, and no
    distance for any voxel. A ball at t mm along the path leaves a line at t·step + √(inside + t·(2·along − curve·t)),
    where `inside` is the radius² less the line's distance² from `start`, `along` how far along the path it lies there,
    `step` the share of the path that goes along the lines and curve = 1 − step². That is greatest at
    t = (along + step·√(along² + curve·inside)) / curve, or at the end of the path before it. Backwards likewise; both
    ways are worked out at once, backwards first, and NaN stands for a line that is missed.
    """
    *across, lines = axes
    both = _BOTH[len(across)]
    way = [(end[axis] - start[axis]) * spacing[axis] for axis in range(3)]
    length = math.hypot(*(way[axis] for axis in axes))
    share = [mm / length if length > 0 else 0.0 for mm in way]
    step = share[lines]
    curve = 1.0 - step**2
    inside: FloatArray | float = radius_mm**2 + _RIM * max(1.0, radius_mm**2)
    along: FloatArray | float = 0.0
    for place, axis in enumerate(across, start=1):
        offset = np.arange(box.start[axis], box.stop[axis], dtype=np.float64).reshape(
            -1, *both.shape[1:-place]
        )
        offset -= start[axis]
        offset *= spacing[axis]
        inside, along = inside - offset * offset, along + offset * share[axis]
    count = box.stop[lines] - box.start[lines]
    with np.errstate(invalid="ignore"):
        if curve < 1e-12:  # along the lines: the path's own ends
            t = (1 + both * step) * (length / 2)
        else:
            t = both * (step / curve) * np.sqrt(along * along + curve * inside) + along * (1 / curve)
            t = np.minimum(np.maximum(t, 0.0), length)
        reach = np.sqrt(inside + t * (2 * along - curve * t)) + both * step * t
        # In voxels of the box that are reached: of the last ones backwards, of the first ones onwards.
        middle = both * (start[lines] - box.start[lines] - (count - 1) / 2) + (count + 1) / 2
        reach = reach * (1 / spacing[lines]) + middle
        voxels = np.fmin(np.fmax(reach, 0.0), count).astype(np.intp)
    backwards, onwards = _reached(count)
    covered: BoolArray = onwards.take(voxels[1].ravel(), axis=0)
    covered &= backwards.take(voxels[0].ravel(), axis=0)
    return covered.reshape(box.shape)


@lru_cache(maxsize=16)
def _reached(count: int) -> tuple[BoolArray, BoolArray]:
    """Row by row the last none, one, two, … of `count` voxels, and the first: copying rows beats comparing places."""
    onwards: BoolArray = np.tri(count + 1, count, -1, dtype=np.bool_)
    return np.ascontiguousarray(onwards[:, ::-1]), onwards


def _add_line(mask: BoolArray, start: Float3, end: Float3, box: Box, axes: list[int]) -> None:
    """Mark the voxels right under the line, looked at every quarter of a voxel."""
    longest = max(abs(end[axis] - start[axis]) for axis in axes)
    steps = max(1, math.ceil(longest * 4))
    share = np.linspace(0.0, 1.0, steps + 1)[:, None]
    points = np.asarray(start) + share * (np.asarray(end) - np.asarray(start))
    for axis in range(3):
        if axis not in axes:
            points[:, axis] = start[axis]
    voxels = np.floor(points + 0.5).astype(np.intp)
    inside = ((voxels >= box.start) & (voxels < box.stop)).all(axis=1)
    z, y, x = (voxels[inside] - box.start).T
    mask[z, y, x] = True


def outline(radius_mm: float, frame: SliceFrame, points: int = 64) -> FloatArray:
    """The rim of the brush in a view: (points, 2) offsets in rows and columns from its middle, not closed.

    A circle in millimetres, so an ellipse in voxels.
    """
    angle = np.linspace(0.0, 2 * math.pi, points, endpoint=False)
    return np.stack(
        [np.sin(angle) * radius_mm / frame.row_mm, np.cos(angle) * radius_mm / frame.column_mm], axis=1
    )


def radius_in_slice(radius_mm: float, distance_mm: float) -> float:
    """The radius of a sphere's cut by a slice `distance_mm` from its middle; 0 where they do not meet."""
    return math.sqrt(max(0.0, radius_mm**2 - distance_mm**2))
