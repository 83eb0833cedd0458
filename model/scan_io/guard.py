"""Our own checks of what a header claims, before memory is taken or a C++ reader is asked.

Files from outside are hostile: a header may claim more than the file holds, or geometry that is none. Each
check raises `ScanError` in one sentence that names the file; nothing here reads voxels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from model.errors import ScanError
from model.grid import Float3, Grid, Int3
from model.scan_io.names import shown_name

SHEAR_LIMIT_DEGREES = 3.0
"""Beyond this the picture would be bent visibly; later work offers to resample."""

SHEAR_NOTE_DEGREES = 0.05
"""Below this the angle is the rounding of the numbers in the header."""

_DEFLATE_LIMIT = 1032
"""zlib never packs more than about this many bytes into one (zlib's own documentation)."""


def checked_shape(path: Path, size_xyz: Sequence[int]) -> Int3:
    """The shape z, y, x of a header's sizes x, y, z, each of which must be a plausible count of voxels."""
    if len(size_xyz) != 3 or not all(1 <= n <= 1 << 20 for n in size_xyz):
        raise ScanError(
            f"{shown_name(path)} claims {' × '.join(str(n) for n in size_xyz)} voxels, which no scan has; "
            "its header is damaged: export it again."
        )
    x, y, z = (int(n) for n in size_xyz)
    return z, y, x


def check_claim(path: Path, shape: Int3, itemsize: int, present: int, *, compressed: bool) -> None:
    """Refuse a header that claims more bytes than the file can hold, or than memory can take.

    Args:
        path: the file that the sentence names.
        shape: voxels along z, y, x as claimed.
        itemsize: bytes of a voxel.
        present: bytes the file holds for voxels, as stored.
        compressed: True if they are deflated.
    """
    claimed = math.prod(shape) * itemsize
    possible = present * _DEFLATE_LIMIT + 1024 if compressed else present
    z, y, x = shape
    if claimed > possible:
        if compressed:
            raise ScanError(
                f"{shown_name(path)} claims {x} × {y} × {z} voxels, more than its {present:,} bytes can "
                "hold; the file "
                "is truncated or damaged. Copy it again from its source."
            )
        raise truncated(path, shape, itemsize, present)
    check_memory(path, shape, claimed)


def check_memory(path: Path, shape: Int3, wanted: int) -> None:
    """Refuse a volume (z, y, x) that needs more bytes than are free: running out would end the program."""
    z, y, x = shape
    available = psutil.virtual_memory().available
    if wanted > available:
        raise ScanError(
            f"{shown_name(path)} needs {wanted / 1e9:.1f} GB of memory ({x} × {y} × {z} voxels) and "
            f"{available / 1e9:.1f} GB are free; close other programs or crop the scan."
        )


def truncated(path: Path, shape: Int3, itemsize: int, present: int) -> ScanError:
    """The sentence for a file whose voxels end early, `present` bytes after their start."""
    z, y, x = shape
    done = present // (y * x * itemsize)
    return ScanError(
        f"{shown_name(path)} ends after {done:,} of {z:,} slices ({x} × {y} × {z} voxels claimed); the "
        "file is "
        "truncated. Copy it again from its source."
    )


def shear_degrees(columns: npt.NDArray[np.float64]) -> float:
    """How far the angles between three axes (columns of a 3×3 matrix) are from 90 degrees, at worst."""
    unit = columns / np.linalg.norm(columns, axis=0)
    cosines = [abs(float(unit[:, a] @ unit[:, b])) for a, b in ((0, 1), (0, 2), (1, 2))]
    return math.degrees(math.asin(min(1.0, max(cosines))))


def grid_from_affine(
    path: Path, shape: Int3, affine_xyz: npt.NDArray[np.float64], *, orientation_known: bool = True
) -> tuple[Grid, tuple[str, ...]]:
    """The grid of a header's matrix, and a note if its axes are slightly sheared.

    Args:
        path: the file that a sentence names.
        shape: voxels along z, y, x.
        affine_xyz: 3×4, voxel index (x, y, z, 1) to LPS mm.
        orientation_known: False where the file says spacing only.

    Raises:
        ScanError: the matrix is no geometry, or sheared by more than 3 degrees.
    """
    columns = affine_xyz[:, :3]
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(columns, axis=0)
    usable = bool(np.isfinite(affine_xyz).all() and (lengths > 1e-6).all() and (lengths < 1e6).all())
    if not usable or abs(float(np.linalg.det(columns / lengths))) < 1e-3:
        raise ScanError(
            f"{shown_name(path)} holds no usable geometry (its voxel axes have no length or coincide); "
            "export it again from its source."
        )
    notes: list[str] = []
    shear = shear_degrees(columns)
    if shear > SHEAR_LIMIT_DEGREES:
        raise ScanError(
            f"{shown_name(path)} is sheared by {shear:.1f} degrees (its voxel axes do not meet at right "
            "angles), so it "
            "would be shown bent; resample it on a straight grid first."
        )
    if shear > SHEAR_NOTE_DEGREES:
        notes.append(f"The voxel axes are sheared by {shear:.1f} degrees; the picture is bent by as much.")
    unit = columns / lengths
    return (
        Grid(
            shape,
            spacing=_float3(lengths[::-1]),
            origin=_float3(affine_xyz[:, 3]),
            direction=(_float3(unit[:, 2]), _float3(unit[:, 1]), _float3(unit[:, 0])),
            orientation_known=orientation_known,
        ),
        tuple(notes),
    )


def _float3(values: npt.NDArray[np.float64]) -> Float3:
    z, y, x = (float(value) for value in values)
    return z, y, x
