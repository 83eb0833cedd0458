"""Reading and writing MetaImage (.mha, or .mhd with a file of voxels), raw or zlib.

Source: ITK's MetaIO documentation; where it is silent, what ITK 5.4 does.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from model.errors import ScanError
from model.grid import Grid
from model.progress import CancelCheck, Report, never, silent
from model.scan_io import guard, text_header
from model.scan_io.names import shown_name
from model.scan_io.payload import Coding, opened, read_values
from model.scan_io.results import Array, Decoded, ScanSource
from model.scan_io.tags import hints_from
from model.volume import DisplayHints

_CODES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_WRITTEN_TYPES = {code: name for name, code in _CODES.items() if "LONG" not in name or "LONG_LONG" in name}

_MODALITIES = {"MET_MOD_CT": "CT", "MET_MOD_MR": "MR"}


def looks_like(head: bytes) -> bool:
    """True if `head` starts as a MetaImage header does."""
    first = head.lstrip()[:200].split(b"\n")[0].replace(b" ", b"").lower()
    return first.startswith((b"objecttype=", b"ndims=", b"comment=")) and b"=" in first


def read(path: Path, report: Report = silent, cancelled: CancelCheck = never) -> Decoded:
    """The scan in a MetaImage file, or in the file of voxels that its header names.

    Raises:
        ScanError: not one 3-D volume of plain numbers, truncated, or no usable geometry.
    """
    fields, end = _parse(path)
    shape = guard.checked_shape(path, _three_sizes(path, fields))
    grid, notes = _grid(path, fields, shape)
    dtype = _dtype(path, fields)
    named = fields["elementdatafile"]
    local = named.upper() == "LOCAL"
    if named.upper().startswith("LIST") or "%" in named:
        raise ScanError(
            f"{shown_name(path)} spreads its voxels over several files, which is not read here; save it as "
            ".mha."
        )
    data, offset = (path, end) if local else (text_header.companion(path, named), 0)
    coding = Coding.ZLIB if _is_true(fields.get("compresseddata")) else Coding.RAW
    header_size = text_header.integers(path, "HeaderSize", fields.get("headersize", "0"), 1)[0]
    if header_size > 0 and not local:
        offset = header_size
    elif header_size == -1 and coding is Coding.RAW:
        with opened(data):
            offset = max(0, data.stat().st_size - math.prod(shape) * dtype.itemsize)
    values = read_values(data, shape, dtype, coding, file_offset=offset, report=report, cancelled=cancelled)
    source = ScanSource(path, "MetaImage", files=1 if local else 2)
    return Decoded(values, grid, source, _hints(fields), notes)


def write(file: BinaryIO, values: Array, grid: Grid, description: str) -> None:
    """An .mha with zlib voxels (z, y, x) to an open file."""
    little = values.dtype.newbyteorder("<")
    packer = zlib.compressobj(4)
    packed = [packer.compress(np.ascontiguousarray(plane, dtype=little).tobytes()) for plane in values]
    packed.append(packer.flush())
    direction = np.asarray(grid.direction_xyz).reshape(3, 3)
    header = [
        "ObjectType = Image",
        "NDims = 3",
        f"Comment = {description}",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = True",
        f"CompressedDataSize = {sum(len(piece) for piece in packed)}",
        # One line of the matrix is the direction of one voxel axis, so it is written by columns.
        f"TransformMatrix = {_text(direction.T.ravel())}" if grid.orientation_known else "",
        f"Offset = {_text(grid.origin)}",
        f"ElementSpacing = {_text(grid.spacing_xyz)}",
        f"DimSize = {' '.join(str(n) for n in grid.size_xyz)}",
        f"ElementType = {_WRITTEN_TYPES[values.dtype.str[1:]]}",
        "ElementDataFile = LOCAL",
    ]
    file.write(("\n".join(line for line in header if line) + "\n").encode("ascii"))
    for piece in packed:
        file.write(piece)


def _text(numbers: object) -> str:
    return " ".join(repr(float(number)) for number in np.asarray(numbers))


def _parse(path: Path) -> tuple[dict[str, str], int]:
    """Fields by lower-case name, and where the header ends in the file."""
    fields: dict[str, str] = {}
    with opened(path) as file:
        for line in text_header.lines(file, path):
            key, equals, value = line.partition("=")
            if not equals:
                continue
            fields[key.strip().lower()] = value.strip()
            if key.strip().lower() == "elementdatafile":
                return fields, file.tell()
    raise AssertionError("text_header.lines raises where a header does not end")


def _is_true(text: str | None) -> bool:
    return (text or "").strip().lower() in ("true", "1")


def _hints(fields: dict[str, str]) -> DisplayHints:
    ours = hints_from(fields.get("comment", ""))
    modality = ours.modality or _MODALITIES.get(fields.get("modality", "").upper())
    return DisplayHints(modality=modality, synthetic=ours.synthetic)


def _three_sizes(path: Path, fields: dict[str, str]) -> tuple[int, ...]:
    sizes = text_header.integers(path, "DimSize", fields.get("dimsize", ""))
    channels = text_header.integers(
        path, "ElementNumberOfChannels", fields.get("elementnumberofchannels", "1"), 1
    )[0]
    if channels != 1:
        raise ScanError(
            f"{shown_name(path)} holds {channels} numbers a voxel (colour or components), not one; "
            "export it as a grey-scale volume."
        )
    if len(sizes) < 3:
        raise ScanError(
            f"{shown_name(path)} is a picture of {len(sizes)} dimensions, not a volume; open the scan it "
            "was cut from."
        )
    if any(n != 1 for n in sizes[3:]):
        raise ScanError(
            f"{shown_name(path)} holds {' × '.join(str(n) for n in sizes[3:])} volumes (4-D: time points "
            "or components); "
            "save the one you want as its own file."
        )
    return sizes[:3]


def _grid(path: Path, fields: dict[str, str], shape: tuple[int, int, int]) -> tuple[Grid, tuple[str, ...]]:
    def field(*names: str) -> str | None:
        return next((fields[name.lower()] for name in names if name.lower() in fields), None)

    count = len(text_header.integers(path, "DimSize", fields["dimsize"]))
    spacing = text_header.floats(
        path, "ElementSpacing", field("ElementSpacing", "ElementSize") or "1 " * count, count
    )
    origin = text_header.floats(path, "Offset", field("Offset", "Position", "Origin") or "0 " * count, count)
    matrix = field("TransformMatrix", "Rotation", "Orientation")
    known = matrix is not None
    rows = np.eye(3)
    if matrix is not None:
        rows = np.asarray(text_header.floats(path, "TransformMatrix", matrix, count * count)).reshape(
            count, count
        )[:3, :3]
    # A line of the matrix is the direction of one voxel axis: the columns of SimpleITK's direction.
    columns = rows.T * np.asarray(spacing[:3])
    affine = np.hstack([columns, np.asarray(origin[:3])[:, None]])
    grid, notes = guard.grid_from_affine(path, shape, affine, orientation_known=known)
    if not known:
        notes = (
            *notes,
            "The orientation is unknown: the file does not say which way its axes point, so no letters are "
            "shown.",
        )
    return grid, notes


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[np.generic]:
    name = fields.get("elementtype", "").upper()
    if name not in _CODES or not _is_true(fields.get("binarydata", "True")):
        raise ScanError(
            f"{shown_name(path)} holds data of the type “{name[:40]}” in a form that is not read here; "
            "export it as a binary grey-scale volume."
        )
    big = _is_true(fields.get("binarydatabyteordermsb", fields.get("elementbyteordermsb")))
    return np.dtype((">" if big else "<") + _CODES[name])
