"""Fill between slices: a label drawn on some slices, interpolated on those between. It knows a mask, no label.

Shape-based interpolation (Raya and Udupa 1990): in each drawn slice the signed distance in mm to the outline, inside
positive; between two of them the distances change linearly, and what is above nothing belongs. Where two slices have
no voxel in common that would leave a gap, so their shapes are moved along the line between their middles.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from app.core.tools.brush import BoolArray, Covered
from app.core.tools.cropping import cropped
from model.grid import Box, Float3
from model.progress import CancelCheck, Report, never, silent, stop_if

Distances = npt.NDArray[np.float32]


def fill_between(
    mask: BoolArray,
    axis: int,
    spacing: Float3,
    *,
    first: int | None = None,
    last: int | None = None,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Covered | None:
    """The voxels to add on the empty slices between drawn ones.

    Args:
        mask: (z, y, x).
        axis: the array axis the slices are stacked along.
        spacing: mm between voxels along z, y, x.
        first: the first slice to take account of; None for all.
        last: the last such slice, itself included.
        report: told the share of the slices done.
        cancelled: asked once a slice.

    Returns:
        None where no empty slice lies between two drawn ones.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    start, stop = [0, 0, 0], list(mask.shape)
    start[axis] = max(0, first or 0)
    if last is not None:
        stop[axis] = min(mask.shape[axis], last + 1)
    part = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    used = Box.around(mask[part.slices]) if part.size else None
    if used is None:
        return None
    # A ring of background round the slices, where the volume has one: the border itself is no outline.
    ring = [0 if other == axis else 1 for other in range(3)]
    wide = used.moved(part.start).grown(ring).clipped(mask.shape)
    in_plane = [mm for other, mm in enumerate(spacing) if other != axis]
    added = _between(np.moveaxis(mask[wide.slices], axis, 0), (in_plane[0], in_plane[1]), report, cancelled)
    return cropped(np.moveaxis(added, 0, axis), wide)


def _between(
    stack: BoolArray, spacing: tuple[float, float], report: Report, cancelled: CancelCheck
) -> BoolArray:
    """What is to be added in a stack (slice, row, column)."""
    added = np.zeros(stack.shape, np.bool_)
    drawn = [index for index, plane in enumerate(stack) if plane.any()]
    known: dict[int, Distances] = {}
    part = np.empty(stack.shape[1:], np.float32)
    for lower, upper in pairwise(drawn):
        if upper - lower == 1:
            continue
        known = {key: known[key] if key in known else _signed(stack[key], spacing) for key in (lower, upper)}
        below, above = known[lower], known[upper]
        way = _way(stack[lower], stack[upper])
        change = below - above
        for index in range(lower + 1, upper):
            stop_if(cancelled)
            report(index / len(stack), "filling between slices")
            share = (index - lower) / (upper - lower)
            if way != (0.0, 0.0):
                below = _shifted(known[lower], [round(share * step) for step in way])
                above = _shifted(known[upper], [round(-(1 - share) * step) for step in way])
                change = below - above
            # The distances' weighted mean is above nothing.
            np.multiply(change, np.float32(share), out=part)
            np.greater(below, part, out=added[index])
    return added


def _signed(plane: BoolArray, spacing: tuple[float, float]) -> Distances:
    """Millimetres from each pixel to the nearest one of the other kind; positive inside, negative outside."""
    import edt

    # Inside and outside as two labels, between which edt measures both ways at once.
    distances: Distances = edt.edt(np.add(plane, 1, dtype=np.uint8, order="C"), anisotropy=spacing)
    # A slice that is labelled all over has no outline; no distance in it is longer than its diagonal.
    farthest = math.hypot(*(n * mm for n, mm in zip(plane.shape, spacing, strict=True)))
    np.minimum(distances, np.float32(farthest), out=distances)
    return np.negative(distances, out=distances, where=~plane)


def _way(lower: BoolArray, upper: BoolArray) -> tuple[float, float]:
    """Rows and columns from the middle of one shape to the other's; nothing where they overlap."""
    if (lower & upper).any():
        return 0.0, 0.0
    (row_a, column_a), (row_b, column_b) = (
        (float(places.mean()) for places in np.nonzero(shape)) for shape in (lower, upper)
    )
    return row_b - row_a, column_b - column_a


def _shifted(plane: Distances, by: list[int]) -> Distances:
    """A slice moved by whole rows and columns; what comes in from outside repeats its edge."""
    if by == [0, 0]:
        return plane
    rows, columns = (np.clip(np.arange(n) - step, 0, n - 1) for n, step in zip(plane.shape, by, strict=True))
    return np.asarray(plane[np.ix_(rows, columns)], np.float32)
