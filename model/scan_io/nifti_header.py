"""The header of NIfTI-1 and NIfTI-2 as numpy records, and the geometry it states; no voxels, no files.

Sources: nifti1.h and nifti2.h of the NIfTI Data Format Working Group. NIfTI's world is RAS mm; here it
becomes LPS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

Affine = npt.NDArray[np.float64]

NIFTI1 = np.dtype({
    "names": ["sizeof_hdr", "dim", "datatype", "bitpix", "pixdim", "vox_offset", "scl_slope", "scl_inter",
              "xyzt_units", "descrip", "qform_code", "sform_code", "quatern", "qoffset", "srow", "magic"],
    "formats": ["<i4", "(8,)<i2", "<i2", "<i2", "(8,)<f4", "<f4", "<f4", "<f4",
                "u1", "S80", "<i2", "<i2", "(3,)<f4", "(3,)<f4", "(3,4)<f4", "S4"],
    "offsets": [0, 40, 70, 72, 76, 108, 112, 116, 123, 148, 252, 254, 256, 268, 280, 344],
    "itemsize": 348,
})  # fmt: skip

NIFTI2 = np.dtype({
    "names": ["sizeof_hdr", "magic", "datatype", "bitpix", "dim", "pixdim", "vox_offset", "scl_slope",
              "scl_inter", "descrip", "qform_code", "sform_code", "quatern", "qoffset", "srow", "xyzt_units"],
    "formats": ["<i4", "S8", "<i2", "<i2", "(8,)<i8", "(8,)<f8", "<i8", "<f8",
                "<f8", "S80", "<i4", "<i4", "(3,)<f8", "(3,)<f8", "(3,4)<f8", "<i4"],
    "offsets": [0, 4, 12, 14, 16, 104, 168, 176, 184, 240, 344, 348, 352, 376, 400, 500],
    "itemsize": 540,
})  # fmt: skip

DATATYPES: dict[int, str] = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
"""NIfTI data type codes that hold one number a voxel."""

REFUSED_DATATYPES: dict[int, str] = {
    1: "single bits",
    128: "colours (RGB)",
    2304: "colours (RGBA)",
    1536: "128 bit numbers",
    **dict.fromkeys((32, 1792, 2048), "complex numbers"),
}
"""What the other codes hold, in words for a refusal."""

_MM_PER_UNIT = {1: 1000.0, 2: 1.0, 3: 1e-3}

FORM_TOLERANCE_MM = 1e-3


@dataclass(frozen=True)
class Header:
    """The fields of either version that matter here.

    Attributes:
        version: 1 or 2.
        single: True where voxels follow the header in the same file.
        dim: sizes, x first, as many as the header counts.
        byte_order: "<" or ">".
        datatype: NIfTI code.
        offset: bytes from the start of the voxels' file to the first voxel.
        scaling: (slope, intercept), or None where there is none to apply.
        description: free text.
        affine_xyz: 3×4 voxel (x, y, z, 1) to LPS mm.
        orientation_known: False where neither form is set.
        form_gap_mm: how far the two forms are apart at the worst corner; 0 if only one is set.
        unit_mm: millimetres of the header's unit of length.
        discarded_sform: True where the sform was set but is no matrix, so the qform was taken.
    """

    version: int
    single: bool
    dim: tuple[int, ...]
    byte_order: str
    datatype: int
    offset: int
    scaling: tuple[float, float] | None
    description: str
    affine_xyz: Affine
    orientation_known: bool
    form_gap_mm: float
    unit_mm: float
    discarded_sform: bool


def layout_of(head: bytes) -> tuple[np.dtype[np.void], str] | None:
    """The record layout and byte order of a NIfTI (or Analyze) header, or None if `head` is not one."""
    for size, layout in ((348, NIFTI1), (540, NIFTI2)):
        if head[:4] == size.to_bytes(4, "little"):
            return layout, "<"
        if head[:4] == size.to_bytes(4, "big"):
            return layout.newbyteorder(">"), ">"
    return None


def parse(head: bytes) -> Header | None:
    """The header at the start of `head`, or None where it is none (too short, or Analyze)."""
    found = layout_of(head)
    if found is None or len(head) < found[0].itemsize:
        return None
    layout, order = found
    record = np.frombuffer(head, layout, count=1)[0]
    magic = bytes(record["magic"])
    if not magic.startswith((b"n+", b"ni")):
        return None
    dim = [int(n) for n in record["dim"]]
    if not 1 <= dim[0] <= 7:
        dim[0] = 0
    unit = _MM_PER_UNIT.get(int(record["xyzt_units"]) & 7, 1.0)
    sizes = tuple(dim[1 : dim[0] + 1])
    with np.errstate(all="ignore"):  # a damaged header may hold any number; the guard judges the result
        affine, known, gap, discarded = _geometry(record, sizes, unit)
    offset = float(record["vox_offset"])
    slope, inter = float(record["scl_slope"]), float(record["scl_inter"])
    usable = math.isfinite(slope) and math.isfinite(inter) and slope != 0 and (slope, inter) != (1.0, 0.0)
    return Header(
        version=1 if layout.itemsize == NIFTI1.itemsize else 2,
        single=magic.startswith(b"n+"),
        dim=sizes,
        byte_order=order,
        datatype=int(record["datatype"]),
        offset=int(offset) if 0 <= offset < 1 << 40 else -1,
        scaling=(slope, inter) if usable else None,
        description=bytes(record["descrip"]).split(b"\0")[0].decode("utf-8", "replace"),
        affine_xyz=affine,
        orientation_known=known,
        form_gap_mm=gap,
        unit_mm=unit,
        discarded_sform=discarded,
    )


def _geometry(record: np.void, sizes: tuple[int, ...], unit: float) -> tuple[Affine, bool, float, bool]:
    """LPS affine, whether orientation is known, mm between the forms, whether a bad sform was dropped."""
    to_lps = np.diag([-1.0, -1.0, 1.0])
    sform = to_lps @ (np.asarray(record["srow"], dtype=float) * unit) if record["sform_code"] > 0 else None
    qform = to_lps @ (quaternion_affine(record) * unit) if record["qform_code"] > 0 else None
    discarded = False
    if sform is not None and qform is not None and not _is_matrix(sform):
        sform, discarded = None, True
    if sform is not None:
        gap = 0.0
        if qform is not None and len(sizes) >= 3:
            corners = np.array(
                [(*index, 1) for index in product(*((0, n - 1) for n in sizes[:3]))], dtype=float
            )
            gap = float(np.linalg.norm(corners @ (sform - qform).T, axis=1).max())
        return sform, True, gap, False
    if qform is not None:
        return qform, True, 0.0, discarded
    spacing = np.abs(np.asarray(record["pixdim"][1:4], dtype=float)) * unit
    return np.hstack([np.diag(spacing), np.zeros((3, 1))]), False, 0.0, False


def _is_matrix(affine: Affine) -> bool:
    lengths = np.linalg.norm(affine[:, :3], axis=0)
    return bool(
        np.isfinite(affine).all() and (lengths > 0).all() and np.linalg.matrix_rank(affine[:, :3]) == 3
    )


def quaternion_affine(record: np.void) -> Affine:
    """3×4 in RAS and the header's unit, of the qform (nifti1.h, "METHOD 2")."""
    b, c, d = (float(v) for v in record["quatern"])
    square = 1.0 - (b * b + c * c + d * d)
    if square < 1e-7:  # rounding of a half turn (the limit of nifti1_io.c), or a quaternion longer than 1
        length = math.sqrt(b * b + c * c + d * d)
        b, c, d, square = b / length, c / length, d / length, 0.0
    a = math.sqrt(square) if math.isfinite(square) else math.nan
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    spacing = np.abs(np.asarray(record["pixdim"][1:4], dtype=float))
    if record["pixdim"][0] < 0:
        spacing[2] = -spacing[2]
    return np.hstack([rotation * spacing, np.asarray(record["qoffset"], dtype=float)[:, None]])


def quaternion_of(rotation: Affine) -> tuple[float, float, float]:
    """b, c, d of a proper rotation matrix, with a ≥ 0 (as nifti_mat44_to_quatern)."""
    r = rotation
    candidates = [
        1 + r[0, 0] + r[1, 1] + r[2, 2],
        1 + r[0, 0] - r[1, 1] - r[2, 2],
        1 + r[1, 1] - r[0, 0] - r[2, 2],
        1 + r[2, 2] - r[0, 0] - r[1, 1],
    ]
    largest = int(np.argmax(candidates))
    half = math.sqrt(candidates[largest]) / 2
    quarter = 0.25 / half
    a, b, c, d = {
        0: (
            half,
            (r[2, 1] - r[1, 2]) * quarter,
            (r[0, 2] - r[2, 0]) * quarter,
            (r[1, 0] - r[0, 1]) * quarter,
        ),
        1: (
            (r[2, 1] - r[1, 2]) * quarter,
            half,
            (r[0, 1] + r[1, 0]) * quarter,
            (r[0, 2] + r[2, 0]) * quarter,
        ),
        2: (
            (r[0, 2] - r[2, 0]) * quarter,
            (r[0, 1] + r[1, 0]) * quarter,
            half,
            (r[1, 2] + r[2, 1]) * quarter,
        ),
        3: (
            (r[1, 0] - r[0, 1]) * quarter,
            (r[0, 2] + r[2, 0]) * quarter,
            (r[1, 2] + r[2, 1]) * quarter,
            half,
        ),
    }[largest]
    sign = -1.0 if a < 0 else 1.0
    return float(sign * b), float(sign * c), float(sign * d)
