"""The mask over a picture: filled areas and outlines in device pixels, where labels are and nowhere else.

A change that is proposed and not made is hatched over it: rising lines in the label's colour where a voxel would get
one, falling lines in white where it would lose it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.labels import LabelTable
from app.core.planes import SliceFrame
from app.core.sampling import AxisSamples, sample_nearest
from app.core.tools.proposal import Proposal

Picture = npt.NDArray[np.uint32]
Labels = npt.NDArray[np.unsignedinteger[Any]]

_REMOVED = 0xFFFFFFFF
_HATCH = 5
"""Every fifth line of the hatching is drawn: the scan stays readable between."""
UNKNOWN_LABEL = 0xFFFFFFFF
"""The colour of a value that the label table does not name: white."""


def paint_mask(
    out: Picture,
    plane: Labels,
    rows: AxisSamples,
    columns: AxisSamples,
    table: LabelTable | None,
    opacity: float,
    outline_px: int,
    hidden: frozenset[int] = frozenset(),
) -> None:
    """Blend the labels of a slice into a picture.

    Args:
        out: the picture (h, w), 0xffRRGGBB, changed where labels lie.
        plane: the labels of the slice (rows, columns) as they lie on the screen.
        rows: which of them each device row takes.
        columns: the same across.
        table: the colours.
        opacity: 0–1, of the filled areas.
        outline_px: thickness of the outlines in device pixels, drawn inside each label; 0 for none.
        hidden: values that are not drawn, as if they were background.
    """
    first_row, first_column = int(rows.nearest[0]), int(columns.nearest[0])
    visible = plane[first_row : int(rows.nearest[-1]) + 1, first_column : int(columns.nearest[-1]) + 1]
    # Coronal and sagittal slices lie scattered in memory; they are gathered once.
    visible = np.array(visible, order="C", copy=None)
    if hidden:
        visible = np.where(np.isin(visible, tuple(hidden)), visible.dtype.type(0), visible)
    down = np.flatnonzero(np.maximum.reduce(visible, axis=1))
    if down.size == 0:
        return
    across = np.flatnonzero(np.maximum.reduce(visible, axis=0))
    rows = _over(rows, first_row + int(down[0]), first_row + int(down[-1]))
    columns = _over(columns, first_column + int(across[0]), first_column + int(across[-1]))
    if rows.size == 0 or columns.size == 0:
        return
    shown = sample_nearest(visible, _shifted(rows, first_row), _shifted(columns, first_column))
    target = out[rows.start : rows.stop, columns.start : columns.stop]
    colours = _colours(table, int(shown.max()) + 1)
    labelled = shown != 0
    if opacity > 0:
        _fill(target, shown, labelled, colours, opacity)
    if outline_px > 0:
        edge = _edges(shown, outline_px, _open_sides(out, rows, columns))
        edge &= labelled
        target[edge] = colours[shown[edge]]


def paint_preview(
    out: Picture,
    preview: Proposal,
    frame: SliceFrame,
    slice_index: int,
    rows: AxisSamples,
    columns: AxisSamples,
    table: LabelTable | None,
    outline_px: int,
    origin: tuple[int, int] = (0, 0),
) -> None:
    """Hatch what a proposal would change in a slice, with a line round it; where it changes nothing, nothing is drawn.

    Args:
        out: the picture (h, w), 0xffRRGGBB.
        preview: the change.
        frame: the view, on the mask's grid.
        slice_index: its slice.
        rows: which row of the slice each device row takes.
        columns: the same across.
        table: the colours.
        outline_px: thickness of lines in device pixels, at least 1.
        origin: row and column of the view's picture where `out` begins, so that lines go on from part to part.
    """
    if not frame.touches(preview.box, slice_index):
        return
    (top, left), after, changes = _cut(preview, frame, slice_index)
    rows = _over(rows, top, top + after.shape[0] - 1)
    columns = _over(columns, left, left + after.shape[1] - 1)
    if rows.size == 0 or columns.size == 0 or not changes.any():
        return
    down, across = _shifted(rows, top), _shifted(columns, left)
    # 0 stays as it is, 1 becomes background, a label's value + 1 becomes that label.
    shown = sample_nearest(np.where(changes, after.astype(np.int32) + 1, 0), down, across)
    colours = np.concatenate([[_REMOVED], _lighter(_colours(table, int(shown.max()) + 1))]).astype(np.uint32)
    colours[1] = _REMOVED
    target = out[rows.start : rows.stop, columns.start : columns.stop]
    thick = max(1, outline_px)
    row = np.arange(origin[0] + rows.start, origin[0] + rows.stop)[:, None] // thick
    column = np.arange(origin[1] + columns.start, origin[1] + columns.stop)[None, :] // thick
    rising, falling = (row + column) % _HATCH == 0, (row - column) % _HATCH == 0
    drawn = np.where(shown > 1, rising, falling)
    drawn |= _edges(shown, thick, _open_sides(out, rows, columns))
    drawn &= shown > 0
    target[drawn] = colours[shown[drawn]]


def _cut(
    preview: Proposal, frame: SliceFrame, slice_index: int
) -> tuple[tuple[int, int], Labels, npt.NDArray[np.bool_]]:
    """First row and column of a proposal in a slice it reaches; its values and changes as they lie on the screen."""
    index = frame.count - 1 - slice_index if frame.slice_flipped else slice_index
    box = preview.box
    row, column = (
        frame.shape[axis] - box.stop[axis] if flipped else box.start[axis]
        for axis, flipped in ((frame.row_axis, frame.row_flipped), (frame.column_axis, frame.column_flipped))
    )
    inner = replace(frame, shape=preview.after.shape)
    within = index - box.start[frame.slice_axis]
    if frame.slice_flipped:
        within = inner.count - 1 - within
    return (row, column), inner.cut(preview.after, within), inner.cut(preview.changes, within)


def _lighter(colours: Picture) -> Picture:
    """The same colours half way to white, so that a preview is told from the mask beneath it."""
    lighter: Picture = ((colours & np.uint32(0xFEFEFE)) >> np.uint32(1)) + np.uint32(0x7F7F7F)
    return (lighter | np.uint32(0xFF000000)).astype(np.uint32)


def _over(samples: AxisSamples, first: int, last: int) -> AxisSamples:
    """The device pixels that take source indices `first` to `last`."""
    start = samples.start + int(np.searchsorted(samples.nearest, first, side="left"))
    stop = samples.start + int(np.searchsorted(samples.nearest, last, side="right"))
    return samples.part(start, stop)


def _shifted(samples: AxisSamples, by: int) -> AxisSamples:
    return AxisSamples(
        samples.start, samples.stop, samples.low, samples.high, samples.weight, samples.nearest - by
    )


def _fill(
    target: Picture,
    shown: npt.NDArray[np.generic],
    labelled: npt.NDArray[np.bool_],
    colours: Picture,
    opacity: float,
) -> None:
    """Mix the labels' colours into the picture; red with blue and green apart, in whole numbers of 1/256."""
    share = round(opacity * 256)
    below = target[labelled]
    above = colours[shown[labelled]]
    red_blue = (below & 0xFF00FF) * np.uint32(256 - share) + (above & 0xFF00FF) * np.uint32(share)
    green = (below & 0xFF00) * np.uint32(256 - share) + (above & 0xFF00) * np.uint32(share)
    red_blue += 0x800080
    green += 0x8000
    target[labelled] = 0xFF000000 | ((red_blue >> 8) & 0xFF00FF) | ((green >> 8) & 0xFF00)


def _open_sides(
    out: Picture, rows: AxisSamples, columns: AxisSamples
) -> tuple[tuple[bool, bool], tuple[bool, bool]]:
    """Whether the picture goes on (top, bottom), (left, right) of the labels' rectangle, without labels."""
    return (rows.start > 0, rows.stop < out.shape[0]), (columns.start > 0, columns.stop < out.shape[1])


def _edges(
    shown: npt.NDArray[np.generic],
    thickness: int,
    open_sides: tuple[tuple[bool, bool], tuple[bool, bool]],
) -> npt.NDArray[np.bool_]:
    """Pixels with another label within `thickness` to the left, right, above or below.

    Beyond the rectangle lies background, except at the picture's border: there a label may go on, so no line.
    """
    edge = np.zeros(shown.shape, np.bool_)
    for axis in (0, 1):
        ours, theirs = (edge, shown) if axis == 0 else (edge.T, shown.T)
        before, after = open_sides[axis]
        for distance in range(1, min(thickness, len(ours)) + 1):
            differs = theirs[distance:] != theirs[:-distance]
            ours[distance:] |= differs
            ours[:-distance] |= differs
            if before:
                ours[:distance] = True
            if after:
                ours[-distance:] = True
    return edge


@lru_cache(maxsize=64)
def _colours(table: LabelTable | None, count: int) -> Picture:
    """The colour of each label value below `count`, 0xffRRGGBB."""
    colours = np.full(count, UNKNOWN_LABEL, np.uint32)
    for entry in table.entries if table else ():
        if entry.value < count:
            red, green, blue = entry.colour
            colours[entry.value] = 0xFF000000 | red << 16 | green << 8 | blue
    return colours
