"""The brush of every stroke: which voxels a disc or a sphere covers on its way, in mm.

Distances are measured between voxel centres with the grid's spacing, so a sphere is round in millimetres
however flat the voxels are. From one point to the next it is swept as one capsule: no gaps, however fast the
hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
        a, b = sorted((start[axis], end[axis]))
        if axis == brush.flat_axis:
            low[axis] = math.floor(start[axis] + 0.5)
            high[axis] = low[axis] + 1
        else:
            # Half a voxel more than the radius needs, for the voxel under the line of a tiny brush.
            reach = max(brush.radius_mm / spacing[axis], 0.5)
            low[axis], high[axis] = math.floor(a - reach), math.ceil(b + reach) + 1
    box = Box((low[0], low[1], low[2]), (high[0], high[1], high[2])).clipped(shape)
    if box.size == 0:
        return None
    mask = _within(brush.radius_mm, start, end, spacing, box, axes).reshape(box.shape)
    if brush.radius_mm < 0.5 * math.hypot(*(spacing[axis] for axis in axes)):
        _add_line(mask, start, end, box, axes)
    return Covered(box, mask) if mask.any() else None


def _within(
    radius_mm: float, start: Float3, end: Float3, spacing: Float3, box: Box, axes: list[int]
) -> BoolArray:
    """Voxels of `box` whose centre is within the radius of the line, measured along `axes` alone.

    A capsule is convex, so it cuts each line of voxels in one interval: its ends are worked out for all lines,
    and no distance for any voxel.
    """
    lines = axes[-1]  # the last axis, along which voxels lie next to each other in memory
    across = axes[:-1]
    tolerance = radius_mm**2 + _RIM * max(1.0, radius_mm**2)
    way = [(end[axis] - start[axis]) * spacing[axis] for axis in range(3)]
    length = math.sqrt(sum(way[axis] ** 2 for axis in axes))
    # Offsets in mm from `start` to each line of voxels; along the line itself from `start` on.
    squared, along = np.zeros((1, 1, 1)), np.zeros((1, 1, 1))
    squared_end = np.zeros((1, 1, 1))
    for axis in across:
        offset = _offsets(box, axis, start[axis], spacing[axis])
        squared = squared + offset**2
        squared_end = squared_end + (offset - way[axis]) ** 2
        along = along + offset * (way[axis] / length if length > 0 else 0.0)
    first, last = _ball(squared, tolerance, 0.0)
    if length > 0:
        step = way[lines] / length
        for begin, finish in (
            _ball(squared_end, tolerance, way[lines]),
            _cylinder(squared, along, step, length, tolerance),
        ):
            first, last = np.minimum(first, begin), np.maximum(last, finish)
    places = _offsets(box, lines, start[lines], spacing[lines])
    covered: BoolArray = places >= first
    covered &= places <= last
    return covered


def _offsets(box: Box, axis: int, start: float, spacing_mm: float) -> FloatArray:
    """Millimetres from `start` to each voxel of a box along one axis, laid along that axis of three."""
    shape = [1, 1, 1]
    shape[axis] = box.shape[axis]
    offsets = (np.arange(box.start[axis], box.stop[axis], dtype=np.float64) - start) * spacing_mm
    return np.asarray(offsets, np.float64).reshape(shape)


def _ball(squared: FloatArray, tolerance: float, middle: float) -> tuple[FloatArray, FloatArray]:
    """Where lines at a squared distance enter and leave a ball round `middle`; (inf, −inf) where they miss it."""
    inside = tolerance - squared
    half = np.sqrt(np.maximum(inside, 0.0))
    hit = inside >= 0
    return np.where(hit, middle - half, np.inf), np.where(hit, middle + half, -np.inf)


def _cylinder(
    squared: FloatArray, along: FloatArray, step: float, length: float, tolerance: float
) -> tuple[FloatArray, FloatArray]:
    """Where lines enter and leave the cylinder between the two ends of the path.

    A point at x on a line has the distance² squared + x² from `start`, and along + x·step of it lies along the
    path, which must be within 0 and `length`.
    """
    if abs(step) < 1e-12:
        inside = (along >= 0) & (along <= length)
        first, last = np.full(along.shape, -np.inf), np.full(along.shape, np.inf)
    else:
        ends = (-along / step, (length - along) / step)
        first, last = np.minimum(*ends), np.maximum(*ends)
        inside = np.ones(along.shape, np.bool_)
    curve, slope, rest = 1.0 - step**2, along * step, squared - along**2 - tolerance
    if curve < 1e-12:
        inside &= rest <= 0
    else:
        root = slope**2 - curve * rest
        inside &= root >= 0
        root = np.sqrt(np.maximum(root, 0.0))
        first = np.maximum(first, (slope - root) / curve)
        last = np.minimum(last, (slope + root) / curve)
    inside &= first <= last
    return np.where(inside, first, np.inf), np.where(inside, last, -np.inf)


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
