"""Lasso and polygon: the voxels an outline drawn in a view encloses, in its slice or through all of them.

Inside is where the outline winds round a pixel's centre (the non-zero rule): where a hand passes its beginning again,
or draws over its own line, no hole is left. For an outline that does not cross itself this is the even-odd rule.
"""

from __future__ import annotations

import numpy as np

from app.core.planes import SliceFrame
from app.core.tools.brush import BoolArray, Covered, FloatArray
from model.grid import Box, Int3

_FAR = 1e6
"""Places farther off than any slice is wide; keeps sums of absurd ones finite."""


def inside_outline(points_rc: FloatArray, rows: int, columns: int) -> tuple[int, int, BoolArray]:
    """The pixels of a slice whose centres lie inside an outline.

    Args:
        points_rc: (n, 2) rows and columns of its corners, whole numbers at pixel centres; closed by itself. Points
            that are not finite are left out.
        rows: pixels down the slice.
        columns: pixels across.

    Returns:
        The first row, the first column and the mask (row, column) of the smallest rectangle that holds them. A centre
        on the left or upper rim is inside, one on the right or lower rim is not. An array of shape (0, 0) where no
        centre of the slice is inside.
    """
    nothing = (0, 0, np.zeros((0, 0), np.bool_))
    points = np.asarray(points_rc, np.float64).reshape(-1, 2)
    points = np.clip(points[np.isfinite(points).all(axis=1)], -_FAR, _FAR)
    if len(points) < 3:
        return nothing
    row0, row1 = _span(points[:, 0], rows)
    column0, column1 = _span(points[:, 1], columns)
    if row0 >= row1 or column0 >= column1:
        return nothing
    winding = np.zeros((row1 - row0, column1 - column0 + 1), np.int32)
    start, end = points, np.roll(points, -1, axis=0)
    down = end[:, 0] > start[:, 0]
    upper, lower = np.where(down[:, None], start, end), np.where(down[:, None], end, start)
    # Each edge crosses the rows from its upper end on to before its lower end, so corners count once.
    begin = np.clip(np.ceil(upper[:, 0]), row0, row1).astype(np.int64)
    crossed = np.clip(np.ceil(lower[:, 0]), row0, row1).astype(np.int64) - begin
    edge = np.repeat(np.arange(len(points)), crossed)
    row = np.arange(edge.size) - np.repeat(np.cumsum(crossed) - crossed, crossed) + begin[edge]
    # A share of the edge, not its slope: that of a nearly level edge is beyond any number.
    share = (row - upper[edge, 0]) / (lower[edge, 0] - upper[edge, 0])
    place = np.ceil(upper[edge, 1] + share * (lower[edge, 1] - upper[edge, 1]))
    column = np.clip(place, column0, column1).astype(np.int64)
    np.add.at(winding, (row - row0, column - column0), np.where(down[edge], 1, -1))
    inside: BoolArray = np.cumsum(winding, axis=1)[:, :-1] != 0
    hit_rows, hit_columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    if hit_rows.size == 0:
        return nothing
    inside = inside[hit_rows[0] : hit_rows[-1] + 1, hit_columns[0] : hit_columns[-1] + 1]
    return row0 + int(hit_rows[0]), column0 + int(hit_columns[0]), inside


def _span(places: FloatArray, count: int) -> tuple[int, int]:
    """The pixels from the first to before the last that places can enclose, of `count`."""
    first, last = int(np.ceil(places.min())), int(np.ceil(places.max()))
    return min(max(first, 0), count), min(max(last, 0), count)


def lasso(
    frame: SliceFrame,
    slice_index: int,
    points_rc: FloatArray,
    *,
    through_all: bool,
    shape: Int3,
) -> Covered | None:
    """The voxels an outline drawn in a view encloses.

    Args:
        frame: how the slices lie on the screen.
        slice_index: the slice drawn on, as the frame counts.
        points_rc: (n, 2) rows and columns in that view, whole numbers at pixel centres.
        through_all: whether the outline cuts through all slices of the view.
        shape: voxels of the volume along z, y, x.

    Returns:
        None where no voxel of the volume is inside.
    """
    if not 0 <= slice_index < frame.count:
        return None
    row, column, inside = inside_outline(points_rc, frame.rows, frame.columns)
    if inside.size == 0:
        return None
    depth = frame.count if through_all else 1
    starts, counts = [0 if through_all else slice_index, row, column], [depth, *inside.shape]
    start, stop = [0, 0, 0], [0, 0, 0]
    for axis, flipped, first, count in zip(frame.axes, frame.flips, starts, counts, strict=True):
        start[axis] = frame.shape[axis] - first - count if flipped else first
        stop[axis] = start[axis] + count
    plane = inside[:: -1 if frame.row_flipped else 1, :: -1 if frame.column_flipped else 1]
    if frame.row_axis > frame.column_axis:
        plane = plane.T
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    mask = np.broadcast_to(np.expand_dims(plane, frame.slice_axis), box.shape)
    assert box.clipped(shape) == box  # the frame is the volume's
    return Covered(box, mask.copy())


def enclosed_mm2(points_rc: FloatArray, frame: SliceFrame) -> float:
    """The area of the pixels an outline encloses, in mm²: what it would take of its slice."""
    inside = inside_outline(points_rc, frame.rows, frame.columns)[2]
    return int(np.count_nonzero(inside)) * frame.row_mm * frame.column_mm


def length_mm(points_rc: FloatArray, frame: SliceFrame) -> float:
    """The length of a line from point to point, (n, 2) rows and columns, in mm; not closed."""
    steps = np.diff(np.asarray(points_rc, np.float64).reshape(-1, 2), axis=0)
    return float(np.hypot(steps[:, 0] * frame.row_mm, steps[:, 1] * frame.column_mm).sum())
