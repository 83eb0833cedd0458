"""Islands: the pieces of a mask that hang together, to be kept or removed. It knows a mask, no label.

Voxels hang together by faces, edges and corners (26 neighbours), so that a thin oblique vessel is one piece; what
touches by a corner alone is not an island.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.core.tools.brush import BoolArray, Covered
from app.core.tools.cropping import cropped, voxel_at
from app.core.tools.runs import pieces_by_runs
from model.grid import Box, Float3, Int3
from model.progress import CancelCheck, Report, never, silent, stop_if

Ints = npt.NDArray[np.int64]


class Pieces(Protocol):
    """The islands of a mask, numbered from 0 in the order of their first voxels (z, then y, then x)."""

    @property
    def sizes(self) -> Ints:
        """Voxels of each."""

    def number_at(self, voxel: Int3) -> int:
        """The one that holds a voxel of the mask."""

    def covered(self, chosen: BoolArray) -> Covered | None:
        """The voxels of the chosen ones, one answer for each, in their box; None if there are none."""


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
    pieces = _pieces(mask, report, cancelled)
    if pieces.sizes.size < 2:
        return None
    chosen = np.ones(pieces.sizes.size, np.bool_)
    chosen[np.argmax(pieces.sizes)] = False
    return pieces.covered(chosen)


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
    pieces = _pieces(mask, report, cancelled)
    return pieces.covered(pieces.sizes < voxels)


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
    pieces = _pieces(mask, report, cancelled)
    chosen = np.zeros(pieces.sizes.size, np.bool_)
    chosen[pieces.number_at(voxel)] = True
    return pieces.covered(chosen)


def _pieces(mask: BoolArray, report: Report, cancelled: CancelCheck) -> Pieces:
    """Through runs where numba can be imported, else through scipy; both give the same."""
    stop_if(cancelled)
    try:
        return pieces_by_runs(mask, report, cancelled)
    except ImportError:
        return _pieces_plainly(mask, report, cancelled)


def _pieces_plainly(mask: BoolArray, report: Report, cancelled: CancelCheck) -> Pieces:
    from scipy import ndimage

    box = Box.around(mask) or Box((0, 0, 0), (0, 0, 0))
    report(0.1, "finding islands")
    numbers, _ = ndimage.label(mask[box.slices], np.ones((3, 3, 3)))
    stop_if(cancelled)
    return _VoxelPieces(box, numbers, np.bincount(numbers.ravel())[1:])


@dataclass(frozen=True, eq=False)
class _VoxelPieces:
    """The islands as a number in each voxel of the mask's box, from 1; 0 is background."""

    box: Box
    numbers: npt.NDArray[np.int32]
    sizes: Ints

    def number_at(self, voxel: Int3) -> int:
        z, y, x = (place - first for place, first in zip(voxel, self.box.start, strict=True))
        return int(self.numbers[z, y, x]) - 1

    def covered(self, chosen: BoolArray) -> Covered | None:
        return cropped(np.concatenate([[False], chosen])[self.numbers], self.box)
