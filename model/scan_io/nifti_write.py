"""Writing NIfTI-1: a header with sform and qform, then voxels; the caller opens and names the file."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from model.grid import Grid
from model.scan_io import nifti_header
from model.scan_io.results import Array

_CODES = {np.dtype(code).str[1:]: number for number, code in nifti_header.DATATYPES.items()}


def datatype_code(dtype: np.dtype[np.generic]) -> int | None:
    """The NIfTI code of a numpy type, or None if there is none."""
    return _CODES.get(dtype.str[1:])


def header_bytes(grid: Grid, dtype: np.dtype[np.generic], description: str, slope: float = 1.0) -> bytes:
    """352 bytes: a NIfTI-1 header (little endian) and an empty extension flag.

    Sform and qform say the same, but for a sheared grid: a quaternion knows no shear, so there it carries the
    nearest rotation. A grid of unknown orientation gets neither, as it came.
    """
    if max(grid.shape) > 32767:
        raise ValueError(f"NIfTI-1 holds at most 32767 voxels an axis, not {grid.shape}")
    record = np.zeros(1, nifti_header.NIFTI1)[0]
    record["sizeof_hdr"] = 348
    record["dim"] = (3, *grid.size_xyz, 1, 1, 1, 1)
    record["datatype"] = datatype_code(dtype)
    record["bitpix"] = dtype.itemsize * 8
    record["vox_offset"] = 352
    record["scl_slope"] = slope
    record["xyzt_units"] = 2  # mm
    record["descrip"] = description.encode("ascii", "replace")[:79]
    record["magic"] = b"n+1"
    columns_lps = np.asarray(grid.direction_xyz).reshape(3, 3)
    columns_ras = np.diag([-1.0, -1.0, 1.0]) @ columns_lps
    rotation, handed = _nearest_rotation(columns_ras)
    record["pixdim"] = (handed, *grid.spacing_xyz, 1, 1, 1, 1)
    if grid.orientation_known:
        origin_ras = np.array([-grid.origin[0], -grid.origin[1], grid.origin[2]])
        record["quatern"] = nifti_header.quaternion_of(rotation)
        record["qoffset"] = origin_ras
        record["srow"] = np.hstack([columns_ras * np.asarray(grid.spacing_xyz), origin_ras[:, None]])
        record["qform_code"] = record["sform_code"] = 1
    header: bytes = record.tobytes()
    return header + b"\0\0\0\0"


def write(file: BinaryIO, values: Array, grid: Grid, description: str, slope: float = 1.0) -> None:
    """Header and voxels (z, y, x) to an open file, slice by slice."""
    little = values.dtype.newbyteorder("<")
    file.write(header_bytes(grid, values.dtype, description, slope))
    for plane in values:
        file.write(np.ascontiguousarray(plane, dtype=little).tobytes())


def _nearest_rotation(columns: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """The proper rotation nearest to three unit columns, and −1.0 if the third was turned round for it."""
    u, _, vt = np.linalg.svd(columns)
    rotation = u @ vt
    if np.linalg.det(rotation) < 0:
        return rotation * np.array([1.0, 1.0, -1.0]), -1.0
    return rotation, 1.0
