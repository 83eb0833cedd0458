"""Maps in [0, 1] on their own grids as uint16 NIfTI with a slope, which SimpleITK would write as 1."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.errors import ScanError
from model.grid import Grid
from model.progress import never, silent
from model.scan_io import guard, nifti, nifti_write
from model.scan_io.names import has_suffix, shown_name
from model.scan_io.packing import packed
from model.scan_io.payload import read_values
from model.scan_io.tags import description
from model.scan_io.writing import write_whole
from model.volume import DisplayHints


def write_map(path: Path, values: npt.NDArray[np.uint16], grid: Grid, slope: float) -> None:
    """Write a map (z, y, x) as .nii.gz; readers see `values × slope`.

    Raises:
        ScanError: another suffix, or the disk refuses.
    """
    if not has_suffix(path, ".nii.gz"):
        raise ScanError(f"{shown_name(path)} cannot hold a map; use the suffix .nii.gz.")
    if values.dtype != np.uint16 or values.shape != grid.shape:
        raise ValueError(f"a map is uint16 on its grid {grid.shape}, not {values.dtype} {values.shape}")
    if not (math.isfinite(slope) and slope > 0):
        raise ValueError(f"a map needs a positive slope, not {slope}")
    text = description(DisplayHints())
    write_whole(
        path, lambda file: packed(file, lambda sink: nifti_write.write(sink, values, grid, text, slope))
    )


def read_map(path: Path) -> tuple[npt.NDArray[np.uint16], float, Grid]:
    """The stored numbers (z, y, x), the slope that makes them coefficients, and the grid.

    Raises:
        ScanError: not a map that `write_map` wrote, or a damaged one.
    """
    header, coding = nifti.read_header(path)
    if (
        header.datatype != nifti_write.datatype_code(np.dtype(np.uint16))
        or len(header.dim) != 3
        or not header.single
    ):
        raise ScanError(
            f"{shown_name(path)} is not a map of coefficients (16 bit, three dimensions); make it again."
        )
    slope, intercept = header.scaling or (1.0, 0.0)
    if intercept != 0 or slope <= 0:
        raise ScanError(f"{shown_name(path)} is scaled in a way no map is; make it again.")
    shape = guard.checked_shape(path, header.dim)
    grid, _ = guard.grid_from_affine(
        path, shape, header.affine_xyz, orientation_known=header.orientation_known
    )
    values = read_values(
        path, shape, np.dtype(f"{header.byte_order}u2"), coding, skip=max(header.offset, 352),
        report=silent, cancelled=never,
    )  # fmt: skip
    return values.astype(np.uint16, copy=False), slope, grid
