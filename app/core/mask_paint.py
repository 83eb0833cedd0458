"""The mask over a picture: filled areas and outlines in device pixels, where labels are and nowhere else."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.labels import LabelTable
from app.core.sampling import AxisSamples, sample_nearest

Picture = npt.NDArray[np.uint32]
Labels = npt.NDArray[np.unsignedinteger[Any]]

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
    """
    first_row, first_column = int(rows.nearest[0]), int(columns.nearest[0])
    visible = plane[first_row : int(rows.nearest[-1]) + 1, first_column : int(columns.nearest[-1]) + 1]
    # Coronal and sagittal slices lie scattered in memory; they are gathered once.
    visible = np.array(visible, order="C", copy=None)
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
