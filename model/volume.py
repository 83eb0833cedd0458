"""A scan in memory: immutable values on a grid, with hints for display.

Reading files is `model.scan_io`; editable labels are `app.core.labels`.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model.grid import Box, Grid


@dataclass(frozen=True)
class DisplayHints:
    """What a file says of how to look at it and where it comes from.

    Attributes:
        modality: DICOM modality ("CT", "MR"), or None where the file does not say.
        window: level and width in the scan's own values, or None.
        synthetic: True for a generated phantom; said in every header and picture.
        inverted: True where low values are bright (MONOCHROME1).
    """

    modality: str | None = None
    window: tuple[float, float] | None = None
    synthetic: bool = False
    inverted: bool = False


@dataclass(frozen=True, eq=False)
class Volume:
    """Values (z, y, x) on a grid; the array is read-only from here on."""

    values: npt.NDArray[np.generic]
    grid: Grid
    hints: DisplayHints = field(default_factory=DisplayHints)

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise ValueError(f"values of shape {self.values.shape} do not fit a grid of {self.grid.shape}")
        self.values.flags.writeable = False

    def crop(self, box: Box) -> Volume:
        """The voxels inside `box` (clipped to this volume), a view where they are."""
        box = box.clipped(self.grid.shape)
        return Volume(self.values[box.slices], self.grid.sub(box), self.hints)

    def reordered(self, codes_xyz: str) -> Volume:
        """The same scan, its axes brought to `codes_xyz` ("LPS"): permuted and flipped, never resampled."""
        reordering = self.grid.reordering(codes_xyz)
        return Volume(reordering.apply(self.values), reordering.apply_grid(self.grid), self.hints)

    def identity(self) -> str:
        """The case id: sha256 of the voxels in canonical order (LPS) plus the grid, to 1 micrometre.

        The same scan stored in another axis order, format or file name has the same identity.
        """
        canonical = self.reordered("LPS")
        grid = canonical.grid
        digest = hashlib.sha256()
        numbers = [*grid.spacing, *grid.origin, *(v for axis in grid.direction for v in axis)]
        digest.update(struct.pack("<3q", *grid.shape))
        digest.update(struct.pack(f"<{len(numbers)}q", *(round(number * 1000) for number in numbers)))
        for plane in canonical.values:
            digest.update(_canonical_bytes(plane))
        return digest.hexdigest()


def _canonical_bytes(plane: npt.NDArray[np.generic]) -> bytes:
    """A plane as float32 where that is exact, else float64: equal scans agree whatever their type."""
    single = np.ascontiguousarray(plane, dtype="<f4")
    if plane.dtype.itemsize <= 2 or plane.dtype == np.float32 or np.array_equal(single, plane):
        return single.tobytes()
    return np.ascontiguousarray(plane, dtype="<f8").tobytes()
