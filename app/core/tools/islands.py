"""Islands: the pieces of a mask that hang together, to be kept or removed. It knows a mask, no label.

Voxels hang together by faces, edges and corners (26 neighbours), so that a thin oblique vessel is one piece; what
touches by a corner alone is not an island.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.tools.brush import BoolArray, Covered
from app.core.tools.cropping import cropped, index_in, voxel_at
from model.grid import Box, Float3
from model.progress import CancelCheck, Report, never, silent, stop_if

Pieces = npt.NDArray[np.unsignedinteger[Any]]

_COUNTED_AT_ONCE = 1 << 21


def largest(mask: BoolArray, *, report: Report = silent, cancelled: CancelCheck = never) -> Covered | None:
    """The voxels to remove so that the largest island alone is left.

    Of islands of the same size the first is kept: the one with the least z, then y, then x of its first voxel.

    Args:
        mask: (z, y, x).
        report: told how far it is.
        cancelled: asked between the steps.

    Returns:
        None where nothing is to be removed: one island or none.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    found = _pieces(mask, report, cancelled)
    if found is None:
        return None
    box, pieces, count = found
    if count == 1:
        return None
    sizes = _sizes(pieces, count)
    stop_if(cancelled)
    keep = int(np.argmax(sizes[1:])) + 1
    # Background, number 0, may have as many voxels and is no island.
    ties = np.flatnonzero(sizes[1:] == sizes[keep]) + 1
    if ties.size > 1:
        flat = pieces.ravel()
        keep = int(flat[np.argmax(np.isin(flat, ties))])
    return cropped((pieces != 0) & (pieces != keep), box)


def smaller_than(
    mask: BoolArray, voxels: float, *, report: Report = silent, cancelled: CancelCheck = never
) -> Covered | None:
    """The voxels of all islands of fewer than `voxels` voxels, to remove.

    Args:
        mask: (z, y, x).
        voxels: the least size that stays; millilitres over a voxel's volume, so perhaps not whole.
        report: told how far it is.
        cancelled: asked between the steps.

    Returns:
        None where there is no such island.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    found = _pieces(mask, report, cancelled)
    if found is None:
        return None
    box, pieces, count = found
    small = _sizes(pieces, count) < voxels
    small[0] = False
    stop_if(cancelled)
    return cropped(small[pieces], box) if small.any() else None


def component_at(
    mask: BoolArray, seed: Float3, *, report: Report = silent, cancelled: CancelCheck = never
) -> Covered | None:
    """The island that holds the clicked place.

    Args:
        mask: (z, y, x).
        seed: the clicked place (continuous z, y, x).
        report: told how far it is.
        cancelled: asked between the steps.

    Returns:
        None where the place lies outside the volume or the mask.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    voxel = voxel_at(seed, mask.shape)
    if voxel is None or not mask[voxel]:
        return None
    found = _pieces(mask, report, cancelled)
    assert found is not None  # the seed is in the mask
    box, pieces, _ = found
    clicked = pieces[index_in(voxel, box)]
    return cropped(pieces == clicked, box)


def _pieces(mask: BoolArray, report: Report, cancelled: CancelCheck) -> tuple[Box, Pieces, int] | None:
    """The mask's box, its islands numbered from 1 in it, and how many there are; None for an empty mask."""
    import cc3d

    stop_if(cancelled)
    box = Box.around(mask)
    if box is None:
        return None
    report(0.1, "finding islands")
    # A copy in any case: the library takes neither a part of an array nor a read-only one. And of even size, since
    # cc3d 4.1.1 makes room for half as many islands as there are voxels, rounded down: too few for [1, 0, 1].
    depth, rows, columns = box.shape
    region = np.zeros((depth + depth % 2, rows + rows % 2, columns + columns % 2), np.bool_)
    region[:depth, :rows, :columns] = mask[box.slices]
    pieces, count = cc3d.connected_components(region, connectivity=26, binary_image=True, return_N=True)
    pieces = pieces[:depth, :rows, :columns]
    stop_if(cancelled)
    report(0.6, "measuring islands")
    return box, pieces, int(count)


def _sizes(pieces: Pieces, count: int) -> npt.NDArray[np.int64]:
    """How many voxels each number has; 0, the background, among them."""
    # Some slices at a time: counting needs 64-bit numbers, which would be eight copies of the box at once.
    sizes = np.zeros(count + 1, np.int64)
    slices = max(1, max(_COUNTED_AT_ONCE, count) // max(1, pieces[0].size))
    for first in range(0, len(pieces), slices):
        counted = np.bincount(pieces[first : first + slices].ravel())
        sizes[: counted.size] += counted
    return sizes
