"""How a plane of voxels lies on the screen: which axes, which way round, which letters at the edges.

The views follow the voxel axes nearest to the patient's, so a slice is never resampled to be shown.
Coordinates are continuous: pixel centres of a slice lie at integers. No screen and no values here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from model.grid import Box, Float3, Grid

Convention = Literal["radiological", "neurological"]
Scalar = TypeVar("Scalar", bound=np.generic)


class Plane(StrEnum):
    """The three planes, by the patient axis they cut across."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


# Patient directions in which slice index, rows (down the screen) and columns (to the right) grow.
# Axial slices run from the feet up, coronal ones from front to back, sagittal ones from right to left.
_GROWS: dict[tuple[Plane, Convention], str] = {
    (Plane.AXIAL, "radiological"): "SPL",
    (Plane.CORONAL, "radiological"): "PIL",
    (Plane.SAGITTAL, "radiological"): "LIP",
    (Plane.AXIAL, "neurological"): "SPR",
    (Plane.CORONAL, "neurological"): "PIR",
    (Plane.SAGITTAL, "neurological"): "LIP",
}
_OPPOSITE = dict(zip("LRPASI", "RLAPIS", strict=True))
_WORDS = {
    "L": "patient's right on the left of the screen",
    "R": "patient's left on the left of the screen",
    "P": "anterior on the left of the screen",
}


@dataclass(frozen=True)
class EdgeLetters:
    """The patient direction at each edge of a view; empty strings where orientation is unknown."""

    top: str = ""
    right: str = ""
    bottom: str = ""
    left: str = ""


@dataclass(frozen=True)
class SliceFrame:
    """A stack of slices as one view shows it.

    Attributes:
        plane: the plane.
        shape: voxels of the volume along z, y, x.
        slice_axis: the array axis (0 z, 1 y, 2 x) the slices are stacked along.
        row_axis: the array axis that runs down the screen.
        column_axis: the array axis that runs to the right.
        slice_flipped: True where the slice index runs against the array.
        row_flipped: True where rows do; `column_flipped` likewise.
        slice_mm: millimetres between slices; `row_mm` between rows, `column_mm` between columns.
        letters: what stands at the four edges.
        words: the convention said in words, empty where orientation is unknown.
    """

    plane: Plane
    shape: tuple[int, int, int]
    slice_axis: int
    row_axis: int
    column_axis: int
    slice_flipped: bool
    row_flipped: bool
    column_flipped: bool
    slice_mm: float
    row_mm: float
    column_mm: float
    letters: EdgeLetters
    words: str

    @property
    def count(self) -> int:
        """How many slices there are."""
        return self.shape[self.slice_axis]

    @property
    def rows(self) -> int:
        """Voxels down the screen."""
        return self.shape[self.row_axis]

    @property
    def columns(self) -> int:
        """Voxels across the screen."""
        return self.shape[self.column_axis]

    @property
    def axes(self) -> tuple[int, int, int]:
        """The array axes of slice, row and column."""
        return self.slice_axis, self.row_axis, self.column_axis

    @property
    def flips(self) -> tuple[bool, bool, bool]:
        """Whether slice, row and column run against the array."""
        return self.slice_flipped, self.row_flipped, self.column_flipped

    def to_voxel(self, slice_index: float, row: float, column: float) -> Float3:
        """The voxel (z, y, x; fractions lie between centres) at a place in this view."""
        voxel = [0.0, 0.0, 0.0]
        for axis, flipped, place in zip(self.axes, self.flips, (slice_index, row, column), strict=True):
            voxel[axis] = self.shape[axis] - 1 - place if flipped else float(place)
        return voxel[0], voxel[1], voxel[2]

    def from_voxel(self, voxel: Float3) -> Float3:
        """Slice, row and column of a voxel (z, y, x); the reverse of `to_voxel`."""
        places = [
            self.shape[axis] - 1 - voxel[axis] if flipped else float(voxel[axis])
            for axis, flipped in zip(self.axes, self.flips, strict=True)
        ]
        return places[0], places[1], places[2]

    def slice_at(self, voxel: Float3) -> int:
        """The index of the slice that holds a voxel (z, y, x), kept inside the stack."""
        return min(self.count - 1, max(0, round(self.from_voxel(voxel)[0])))

    def cut(self, array: npt.NDArray[Scalar], slice_index: int) -> npt.NDArray[Scalar]:
        """A view (rows, columns) of one slice of an array (z, y, x), as it lies on the screen."""
        if array.shape != self.shape:
            raise ValueError(f"an array of shape {array.shape} does not fit a volume of {self.shape}")
        if not 0 <= slice_index < self.count:
            raise IndexError(f"there is no {self.plane} slice {slice_index}; there are {self.count}")
        index = self.count - 1 - slice_index if self.slice_flipped else slice_index
        plane = array[_at(self.slice_axis, index)]
        if self.row_axis > self.column_axis:
            plane = plane.T
        return plane[:: -1 if self.row_flipped else 1, :: -1 if self.column_flipped else 1]

    def box(self, slice_index: int) -> Box:
        """The box of voxels of one slice."""
        index = self.count - 1 - slice_index if self.slice_flipped else slice_index
        start, stop = [0, 0, 0], list(self.shape)
        start[self.slice_axis], stop[self.slice_axis] = index, index + 1
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    def touches(self, box: Box, slice_index: int) -> bool:
        """Whether a changed box reaches this slice, so that its view must be drawn again."""
        index = self.count - 1 - slice_index if self.slice_flipped else slice_index
        return box.size > 0 and box.start[self.slice_axis] <= index < box.stop[self.slice_axis]

    def span(self, box: Box) -> tuple[float, float, float, float]:
        """First row, last row, first column, last column of a box as edges (half a voxel outside the centres)."""
        first = self.from_voxel((float(box.start[0]), float(box.start[1]), float(box.start[2])))
        last = self.from_voxel((box.stop[0] - 1.0, box.stop[1] - 1.0, box.stop[2] - 1.0))
        rows, columns = sorted((first[1], last[1])), sorted((first[2], last[2]))
        return rows[0] - 0.5, rows[1] + 0.5, columns[0] - 0.5, columns[1] + 0.5


def slice_frame(grid: Grid, plane: Plane, convention: Convention = "radiological") -> SliceFrame:
    """How `plane` of a volume on `grid` is shown.

    Radiological: the patient's right is on the left of the screen, as if one looked from the feet (axial) or
    at the patient's face (coronal). Sagittal: anterior left. Coronal and sagittal: superior up.
    """
    grows = _GROWS[plane, convention]
    codes = grid.axis_codes
    _, down, right = tuple(grows)
    axes = [next(axis for axis in range(3) if codes[axis] in (letter, _OPPOSITE[letter])) for letter in grows]
    flips = [codes[axis] != letter for axis, letter in zip(axes, grows, strict=True)]
    letters, words = EdgeLetters(), ""
    if grid.orientation_known:
        letters = EdgeLetters(_OPPOSITE[down], right, down, _OPPOSITE[right])
        words = _WORDS[right]
    return SliceFrame(
        plane=plane,
        shape=grid.shape,
        slice_axis=axes[0],
        row_axis=axes[1],
        column_axis=axes[2],
        slice_flipped=flips[0],
        row_flipped=flips[1],
        column_flipped=flips[2],
        slice_mm=grid.spacing[axes[0]],
        row_mm=grid.spacing[axes[1]],
        column_mm=grid.spacing[axes[2]],
        letters=letters,
        words=words,
    )


def _at(axis: int, index: int) -> tuple[slice | int, ...]:
    return (*(slice(None),) * axis, index)
