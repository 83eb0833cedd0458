"""Reading and writing NRRD, attached (.nrrd) or detached (.nhdr), raw or gzip.

Source: the NRRD format definition, teem.sourceforge.net/nrrd/format.html.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from model.errors import ScanError
from model.grid import Grid
from model.progress import CancelCheck, Report, never, silent
from model.scan_io import guard, text_header
from model.scan_io.names import shown_name
from model.scan_io.packing import packed
from model.scan_io.payload import Coding, opened, read_values
from model.scan_io.results import Array, Decoded, ScanSource
from model.scan_io.tags import hints_from

MAGIC = b"NRRD00"

_TYPES = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
_CODES = {name: code for code, names in _TYPES.items() for name in names.split(", ")}
_WRITTEN_TYPES = {code: names.split(", ")[-1] for code, names in _TYPES.items()}

_CODINGS = {"raw": Coding.RAW, "gzip": Coding.GZIP, "gz": Coding.GZIP}

_TO_LPS = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip

_MM_PER_UNIT = {
    "": 1.0,
    "mm": 1.0,
    "millimeter": 1.0,
    "um": 1e-3,
    "µm": 1e-3,
    "micron": 1e-3,
    "cm": 10.0,
    "m": 1000.0,
}

_OUR_KEY = "gatelens"


@dataclass(frozen=True)
class _Header:
    """Fields by lower-case name, our own description, and where the header ends in the file."""

    fields: dict[str, str]
    description: str
    end: int

    def get(self, *names: str, default: str = "") -> str:
        """The value of the first of `names` that is there."""
        return next((self.fields[name] for name in names if name in self.fields), default)


def read(path: Path, report: Report = silent, cancelled: CancelCheck = never) -> Decoded:
    """The scan in an NRRD file, or in the file of voxels that its header names.

    Raises:
        ScanError: not one 3-D volume of plain numbers, truncated, or no usable geometry.
    """
    header = _parse(path)
    size_xyz, kept = _three_sizes(path, header)
    shape = guard.checked_shape(path, size_xyz)
    grid, notes = _grid(path, header, shape, kept)
    dtype = _dtype(path, header)
    coding = _CODINGS.get(header.get("encoding").lower())
    if coding is None:
        raise ScanError(
            f"{shown_name(path)} is encoded as “{header.get('encoding')[:40]}”, which is not read here; "
            "save it as raw or gzip."
        )
    named = header.get("data file", "datafile")
    data, offset = (text_header.companion(path, named), 0) if named else (path, header.end)
    skip = text_header.integers(path, "byte skip", header.get("byte skip", "byteskip", default="0"), 1)[0]
    if header.get("line skip", "lineskip", default="0") != "0":
        raise ScanError(
            f"{shown_name(path)} skips lines before its voxels, which is not read here; save it again."
        )
    if skip == -1 and coding is Coding.RAW:
        with opened(data):
            offset, skip = max(0, data.stat().st_size - math.prod(shape) * dtype.itemsize), 0
    if skip < 0:
        raise ScanError(
            f"{shown_name(path)} has a header field that makes no sense (byte skip); export it again."
        )
    values = read_values(
        data, shape, dtype, coding, file_offset=offset, skip=skip, report=report, cancelled=cancelled
    )
    source = ScanSource(path, "NRRD", files=2 if named else 1)
    return Decoded(values, grid, source, hints_from(header.description), notes)


def write(file: BinaryIO, values: Array, grid: Grid, description: str) -> None:
    """An attached NRRD with gzip voxels (z, y, x) to an open file."""
    unknown = not grid.orientation_known
    columns = np.asarray(grid.direction_xyz).reshape(3, 3) * np.asarray(grid.spacing_xyz)
    vectors = [f"({','.join(repr(float(v)) for v in columns[:, axis])})" for axis in range(3)]
    header = [
        "NRRD0005",
        f"type: {_WRITTEN_TYPES[values.dtype.str[1:]]}",
        "dimension: 3",
        "" if unknown else "space: left-posterior-superior",
        f"sizes: {' '.join(str(n) for n in grid.size_xyz)}",
        f"spacings: {' '.join(repr(float(mm)) for mm in grid.spacing_xyz)}" if unknown else "",
        "" if unknown else f"space directions: {' '.join(vectors)}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        "" if unknown else f"space origin: ({','.join(repr(float(v)) for v in grid.origin)})",
        f"{_OUR_KEY}:={description}",
    ]
    file.write(("\n".join(line for line in header if line) + "\n\n").encode("ascii"))
    little = values.dtype.newbyteorder("<")

    def voxels(sink: BinaryIO) -> None:
        for plane in values:
            sink.write(np.ascontiguousarray(plane, dtype=little).tobytes())

    packed(file, voxels)


def _parse(path: Path) -> _Header:
    fields: dict[str, str] = {}
    description = ""
    with opened(path) as file:
        file.readline(80)
        for line in text_header.lines(file, path):
            if not line:
                return _Header(fields, description, file.tell())
            if line.startswith("#"):
                continue
            key, colon, value = line.partition(":")
            if value.startswith("="):
                description = value[1:] if key == _OUR_KEY else description
            elif colon:
                fields[key.strip().lower()] = value.strip()
            if key.strip().lower() in ("data file", "datafile") and _ends_here(file):
                return _Header(fields, description, file.tell())
    raise AssertionError("text_header.lines raises where a header does not end")


def _ends_here(file: BinaryIO) -> bool:
    """True if nothing follows: a detached header needs no blank line at its end."""
    here = file.tell()
    ended = not file.read(1)
    file.seek(here)
    return ended


def _three_sizes(path: Path, header: _Header) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes x, y, z and which of the file's axes they are; further axes must be of length 1."""
    sizes = text_header.integers(path, "sizes", header.get("sizes"))
    if len(sizes) < 3:
        raise ScanError(
            f"{shown_name(path)} is a picture of {len(sizes)} dimensions, not a volume; open the scan it "
            "was cut from."
        )
    vectors = header.get("space directions").lower().replace(", ", ",").split()
    none = {axis for axis, word in enumerate(vectors) if word == "none"}
    kept = tuple(axis for axis in range(len(sizes)) if axis not in none)
    while len(kept) > 3 and any(sizes[axis] == 1 for axis in kept):
        kept = tuple(axis for axis in kept if axis != max(a for a in kept if sizes[a] == 1))
    extra = [n for axis, n in enumerate(sizes) if axis not in kept and n != 1]
    if len(kept) != 3 or extra:
        raise ScanError(
            f"{shown_name(path)} has {len(sizes)} dimensions ({' × '.join(str(n) for n in sizes)}: colour, "
            "time points or "
            "components); save one volume as its own file."
        )
    return tuple(sizes[axis] for axis in kept), kept


def _grid(
    path: Path, header: _Header, shape: tuple[int, int, int], kept: tuple[int, ...]
) -> tuple[Grid, tuple[str, ...]]:
    unit = header.get("space units").replace('"', " ").split()
    mm = [_MM_PER_UNIT.get(word.lower(), 1.0) for word in unit[:3]] or [1.0]
    scale = np.asarray(mm if len(mm) == 3 else [mm[0]] * 3)
    notes = () if (scale == 1).all() else ("The header is not in millimetres; it was converted.",)
    signs = _TO_LPS.get(header.get("space").lower().removesuffix("-time"))
    directions = header.get("space directions")
    if directions:
        words = directions.replace("none", " ")
        matrix = np.asarray(text_header.floats(path, "space directions", words, 9)).reshape(3, 3).T
        origin = header.get("space origin")
        start = text_header.floats(path, "space origin", origin, 3) if origin else (0.0, 0.0, 0.0)
        affine = np.hstack([matrix, np.asarray(start)[:, None]])
    else:
        spacings = header.get("spacings")
        every = text_header.floats(path, "spacings", spacings) if spacings else (1.0,) * (max(kept) + 1)
        if len(every) <= max(kept):
            raise ScanError(
                f"{shown_name(path)} has a header field that makes no sense (spacings); export it again."
            )
        affine = np.hstack([np.diag(np.abs([every[axis] for axis in kept])), np.zeros((3, 1))])
        affine[:, :3][~np.isfinite(affine[:, :3])] = 1.0
        signs = None
    affine = _signed(affine, signs) * scale[:, None]
    grid, sheared = guard.grid_from_affine(path, shape, affine, orientation_known=signs is not None)
    if signs is None:
        notes = (
            *notes,
            "The orientation is unknown: the file does not say which way its axes point, so no letters are "
            "shown.",
        )
    return grid, (*notes, *sheared)


def _signed(affine: npt.NDArray[np.float64], signs: tuple[int, int, int] | None) -> npt.NDArray[np.float64]:
    return affine if signs is None else affine * np.asarray(signs, dtype=float)[:, None]


def _dtype(path: Path, header: _Header) -> np.dtype[np.generic]:
    code = _CODES.get(header.get("type").lower())
    if code is None:
        raise ScanError(
            f"{shown_name(path)} holds data of the type “{header.get('type')[:40]}”, not one number a voxel; "
            "export it as a grey-scale volume."
        )
    return np.dtype((">" if header.get("endian").lower() == "big" else "<") + code)
