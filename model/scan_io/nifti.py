"""Reading NIfTI-1 and NIfTI-2: one file or a pair, plain or gzip by content, either byte order.

The sform is taken where its code is above 0, else the qform. Writing is `nifti_write`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.errors import ScanError
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.scan_io import guard, nifti_header
from model.scan_io.names import has_suffix, shown_name
from model.scan_io.payload import Coding, head_of, read_values
from model.scan_io.results import Array, Decoded, ScanSource
from model.scan_io.tags import hints_from

HEADER_BYTES = 544


def read(path: Path, report: Report = silent, cancelled: CancelCheck = never) -> Decoded:
    """The scan in a NIfTI file, or in the pair that `path` (.hdr or .img) belongs to.

    Raises:
        ScanError: not one 3-D volume of plain numbers, truncated, or no usable geometry.
    """
    path = _header_of_pair(path)
    header, coding = read_header(path)
    size_xyz = _three_sizes(path, header.dim)
    dtype = _dtype(path, header)
    shape = guard.checked_shape(path, size_xyz)
    grid, notes = guard.grid_from_affine(
        path, shape, header.affine_xyz, orientation_known=header.orientation_known
    )
    data = path if header.single else _image_of_pair(path)
    if not header.single:
        coding = head_of(data, 2)[1]
    minimum = (352 if header.version == 1 else 544) if header.single else 0
    if header.offset < 0 or 0 < header.offset < minimum:
        raise ScanError(f"{shown_name(path)} says its voxels start inside its header; export it again.")
    values = read_values(
        data, shape, dtype, coding, skip=max(header.offset, minimum), report=report, cancelled=cancelled
    )
    if header.scaling is not None:
        values = scaled(values, *header.scaling, cancelled)
    return Decoded(
        values,
        grid,
        ScanSource(path, "NIfTI", files=1 if header.single else 2),
        hints_from(header.description),
        (*_geometry_notes(header), *notes),
    )


def read_header(path: Path) -> tuple[nifti_header.Header, Coding]:
    """The header, and whether the file is gzip by content.

    Raises:
        ScanError: the file does not start with a NIfTI header.
    """
    head, coding = head_of(path, HEADER_BYTES)
    header = nifti_header.parse(head)
    if header is not None:
        return header, coding
    if nifti_header.layout_of(head) is None:
        raise ScanError(f"{shown_name(path)} is not a NIfTI file (its header is missing); export it again.")
    if len(head) < 348:
        raise ScanError(f"{shown_name(path)} ends inside its header; the file is truncated. Copy it again.")
    raise ScanError(
        f"{shown_name(path)} is an Analyze file, which does not say where left and right are; convert it "
        "to NIfTI."
    )


def scaled(values: Array, slope: float, intercept: float, cancelled: CancelCheck = never) -> Array:
    """Slope × value + intercept as float32, slice by slice so that no second large copy is made."""
    result = np.empty(values.shape, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for index, plane in enumerate(values):
            stop_if(cancelled)
            result[index] = plane.astype(np.float64) * slope + intercept
    return result


def _geometry_notes(header: nifti_header.Header) -> list[str]:
    notes = []
    if not header.orientation_known:
        notes.append(
            "The orientation is unknown: the file says only how large its voxels are, so no letters are "
            "shown."
        )
    if header.discarded_sform:
        notes.append("The sform in the header is no geometry; the qform was taken.")
    if header.form_gap_mm > nifti_header.FORM_TOLERANCE_MM:
        notes.append(
            f"The sform and the qform in the header differ by up to {header.form_gap_mm:.3g} mm; the sform "
            "was taken."
        )
    if header.unit_mm != 1.0:
        unit = "micrometres" if header.unit_mm < 1 else "metres"
        notes.append(f"The header is in {unit}; it was converted to millimetres.")
    return notes


def _three_sizes(path: Path, dim: tuple[int, ...]) -> tuple[int, ...]:
    if len(dim) < 3:
        raise ScanError(
            f"{shown_name(path)} is a picture of {len(dim)} dimensions, not a volume; open the scan it was "
            "cut from."
        )
    extra = [n for n in dim[3:] if n != 1]
    if extra:
        raise ScanError(
            f"{shown_name(path)} holds {' × '.join(str(n) for n in extra)} volumes (4-D: time points, "
            "directions or "
            "components); save the one you want as its own file."
        )
    return dim[:3]


def _dtype(path: Path, header: nifti_header.Header) -> np.dtype[np.generic]:
    code = nifti_header.DATATYPES.get(header.datatype)
    if code is None:
        what = nifti_header.REFUSED_DATATYPES.get(
            header.datatype, f"data of the unknown type {header.datatype}"
        )
        raise ScanError(
            f"{shown_name(path)} holds {what}, not one number a voxel; export it as a grey-scale volume."
        )
    return np.dtype(header.byte_order + code)


def _header_of_pair(path: Path) -> Path:
    """The .hdr file of a pair when its .img is named."""
    if has_suffix(path, ".img", ".img.gz"):
        return _partner(path, ".img", ".hdr")
    return path


def _image_of_pair(path: Path) -> Path:
    return _partner(path, ".hdr", ".img")


def _partner(path: Path, own: str, other: str) -> Path:
    base = path.name[: path.name.lower().rindex(own)] if own in path.name.lower() else path.stem
    for suffix in (other, other + ".gz", other.upper()):
        candidate = path.with_name(base + suffix)
        if candidate.exists():
            return candidate
    raise ScanError(
        f"{shown_name(path)} needs the file {base + other} beside it, which is missing; copy both."
    )
