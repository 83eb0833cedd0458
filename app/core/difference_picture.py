"""What one mask has and another has not, as a small picture: the axial slice where most of it lies, over the scan.

Added voxels are filled, removed ones hatched, each in a colour of its own, so that colours need not be told apart.
Pure arithmetic: no screen and no disk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.display import compose
from app.core.labels import Colour
from app.core.look import Look, Viewport
from app.core.planes import EdgeLetters, Plane, SliceFrame, slice_frame
from app.core.sampling import axis_samples, sample_nearest
from model.volume import Volume

Labels = npt.NDArray[np.unsignedinteger[Any]]
BoolArray = npt.NDArray[np.bool_]
Rgb = npt.NDArray[np.uint8]

ADDED: Colour = (86, 180, 233)
REMOVED: Colour = (230, 159, 0)
"""Sky blue and orange of Okabe and Ito, "Color Universal Design", 2008."""

LONGEST_PX = 256
_LEAST_PX = 24
_LINE_PX, _HATCH_PX = 2, 6
"""How thick lines are, and from one line of the hatching to the next."""
_LEAST_MARK_PX = 4
"""A changed voxel is drawn at least so large."""
# The change fills a third of what is shown, which is at least this part of the slice: enough to know the place by.
_CHANGE_SHARE, _LEAST_SHARE = 1 / 3, 0.4


@dataclass(frozen=True, eq=False)
class Difference:
    """What differs between two masks of a scan.

    Attributes:
        image: the picture (rows, columns, red green blue), uint8, read-only, at most 256 pixels long, its pixels as
            wide as they are high in millimetres; the patient lies in it as in the axial view.
        slice_index: the axial slice it shows, as the view counts, from 0.
        slice_count: how many there are.
        letters: the patient directions at its edges.
        voxels: voxels that differ in the whole mask.
        voxels_added: those of them that are a label afterwards; a voxel that changes its label is added and removed.
        voxels_removed: those that were a label before.
    """

    image: Rgb
    slice_index: int
    slice_count: int
    letters: EdgeLetters
    voxels: int
    voxels_added: int
    voxels_removed: int


@dataclass(frozen=True)
class _Counts:
    voxels: int
    added: int
    removed: int
    fullest: int
    """Array index, along the slices, of the one with most differences."""


def difference(
    volume: Volume, before: Labels, after: Labels, window: tuple[float, float]
) -> Difference | None:
    """What `after` has and `before` has not, and the other way round; None where they are equal.

    Args:
        volume: the scan.
        before: a mask (z, y, x) on its grid; `after` another.
        after: see `before`.
        window: level and width of the grey.
    """
    if before.shape != volume.grid.shape or after.shape != volume.grid.shape:
        raise ValueError(
            f"masks of {before.shape} and {after.shape} do not fit a scan of {volume.grid.shape}"
        )
    frame = slice_frame(volume.grid, Plane.AXIAL)
    counts = _counted(before, after, frame.slice_axis)
    if counts is None:
        return None
    index = frame.count - 1 - counts.fullest if frame.slice_flipped else counts.fullest
    old, new = frame.cut(before, index), frame.cut(after, index)
    changed: BoolArray = old != new
    viewport = _viewport(frame, changed)
    image = _grey(volume, frame, index, viewport, window)
    rows = axis_samples(viewport.rows_shown(frame), frame.rows)
    columns = axis_samples(viewport.columns_shown(frame), frame.columns)
    target = image[rows.start : rows.stop, columns.start : columns.stop]
    added, removed = changed & (new != 0), changed & (old != 0)
    voxel_px = viewport.px_per_mm * min(frame.row_mm, frame.column_mm)
    _paint(
        target,
        sample_nearest(_large_enough(added, removed, voxel_px), rows, columns),
        sample_nearest(_large_enough(removed, added, voxel_px), rows, columns),
    )
    image.flags.writeable = False
    return Difference(image, index, frame.count, frame.letters, counts.voxels, counts.added, counts.removed)


def _counted(before: Labels, after: Labels, axis: int) -> _Counts | None:
    """Counts over both masks, plane by plane of the array, so that nothing as large as a mask is made."""
    by_slice = np.zeros(before.shape[axis], np.int64)
    added = removed = 0
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        changed = old != new
        if not changed.any():
            continue
        added += int(np.count_nonzero(changed & (new != 0)))
        removed += int(np.count_nonzero(changed & (old != 0)))
        if axis == 0:
            by_slice[index] = np.count_nonzero(changed)
        else:
            by_slice += np.count_nonzero(changed, axis=2 - axis)
    if not by_slice.any():
        return None
    return _Counts(int(by_slice.sum()), added, removed, int(by_slice.argmax()))


def _viewport(frame: SliceFrame, changed: BoolArray) -> Viewport:
    """The part of the slice round the changed voxels (rows, columns) that is shown: all of it, or nearer."""
    height_mm, width_mm = frame.rows * frame.row_mm, frame.columns * frame.column_mm
    down, across = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    extent_mm = max(np.ptp(down) * frame.row_mm, np.ptp(across) * frame.column_mm)
    side_mm = max(extent_mm / _CHANGE_SHARE, max(height_mm, width_mm) * _LEAST_SHARE)
    shown_height, shown_width = min(height_mm, side_mm), min(width_mm, side_mm)
    scale = LONGEST_PX / max(shown_height, shown_width)
    return Viewport(
        max(_LEAST_PX, round(shown_width * scale)),
        max(_LEAST_PX, round(shown_height * scale)),
        _centre(down, shown_height / frame.row_mm, frame.rows),
        _centre(across, shown_width / frame.column_mm, frame.columns),
        scale,
    )


def _centre(changed: npt.NDArray[np.intp], shown: float, count: int) -> float:
    """The index in the middle of what is shown of `count` voxels: that of the change, but never beyond the slice."""
    middle = float(changed[0] + changed[-1]) / 2
    least, most = (shown - 1) / 2, count - (shown + 1) / 2
    return min(max(middle, least), max(least, most))


def _grey(
    volume: Volume, frame: SliceFrame, slice_index: int, viewport: Viewport, window: tuple[float, float]
) -> Rgb:
    """The slice through the grey window (rows, columns, 3)."""
    picture = np.empty((viewport.height_px, viewport.width_px), np.uint32)
    look = Look(level=window[0], width=window[1], inverted=volume.hints.inverted)
    compose(picture, volume, None, None, None, look, frame, slice_index, viewport)
    return np.stack([(picture >> shift & 0xFF).astype(np.uint8) for shift in (16, 8, 0)], axis=-1)


def _paint(target: Rgb, added: BoolArray, removed: BoolArray) -> None:
    """Fill what was added and hatch what was removed, both with a line round them."""
    share = np.array(ADDED, np.uint16)
    target[added] = ((target[added].astype(np.uint16) + share) // 2).astype(np.uint8)
    target[_edge(added)] = ADDED
    row, column = np.ogrid[: target.shape[0], : target.shape[1]]
    hatched = (row - column) % _HATCH_PX < _LINE_PX
    target[(removed & hatched) | _edge(removed)] = REMOVED


def _large_enough(mask: BoolArray, other: BoolArray, voxel_px: float) -> BoolArray:
    """A mask (rows, columns of voxels) grown until a single voxel can be seen, but not over what `other` alone has."""
    grown = mask
    for _ in range(max(0, math.ceil((_LEAST_MARK_PX / voxel_px - 1) / 2))):
        inner, grown = grown, grown.copy()
        grown[1:] |= inner[:-1]
        grown[:-1] |= inner[1:]
        grown[:, 1:] |= inner[:, :-1]
        grown[:, :-1] |= inner[:, 1:]
    return grown & (mask | ~other)


def _edge(mask: BoolArray) -> BoolArray:
    """Pixels of a mask near one above, below, left or right that is not in it, as far as a line is thick."""
    inner = mask
    for _ in range(_LINE_PX):
        ours, inner = inner, np.zeros_like(mask)
        inner[1:-1, 1:-1] = (
            ours[1:-1, 1:-1] & ours[:-2, 1:-1] & ours[2:, 1:-1] & ours[1:-1, :-2] & ours[1:-1, 2:]
        )
    return mask & ~inner
