"""What NRRD and MetaImage share: header lines, numbers in them, and the file of voxels they may name."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from model.errors import ScanError
from model.scan_io.names import shown_name

_HEADER_LIMIT = 1 << 20


def lines(file: BinaryIO, path: Path) -> Iterator[str]:
    """The lines of the header from the file's position on, without line ends; the caller stops where it ends.

    Raises:
        ScanError: the file ends, or a mebibyte passes, before the caller stopped.
    """
    while file.tell() < _HEADER_LIMIT:
        line = file.readline(_HEADER_LIMIT)
        if not line:
            break
        yield line.decode("utf-8", "replace").strip()
    raise ScanError(
        f"{shown_name(path)} ends inside its header; the file is truncated. Copy it again from its source."
    )


def floats(path: Path, field: str, text: str, count: int | None = None) -> tuple[float, ...]:
    """The numbers in a field, separated by blanks, commas or brackets; `count` of them where it is given."""
    try:
        numbers = tuple(float(word) for word in text.translate(str.maketrans("(),", "   ")).split())
    except ValueError:
        numbers = ()
    if not numbers or (count is not None and len(numbers) != count):
        raise ScanError(
            f"{shown_name(path)} has a header field that makes no sense ({field}); export it again."
        )
    return numbers


def integers(path: Path, field: str, text: str, count: int | None = None) -> tuple[int, ...]:
    """As `floats`, for whole numbers."""
    numbers = floats(path, field, text, count)
    if not all(math.isfinite(number) and number == int(number) for number in numbers):
        raise ScanError(
            f"{shown_name(path)} has a header field that makes no sense ({field}); export it again."
        )
    return tuple(int(number) for number in numbers)


def companion(path: Path, name: str) -> Path:
    """The file beside `path` that its header names.

    A name from a file is a name only: one that points into another folder is refused.

    Raises:
        ScanError: another folder, or the file is missing.
    """
    plain = name.strip().removeprefix("./").removeprefix(".\\")
    if plain in ("", ".", "..") or PurePosixPath(plain).name != plain or PureWindowsPath(plain).name != plain:
        raise ScanError(
            f"{shown_name(path)} names voxels in another folder ({name.strip()[:80]}), which is not "
            "followed; put both files "
            "into one folder and name the second without a path."
        )
    found = path.with_name(plain)
    if not found.is_file():
        raise ScanError(
            f"{shown_name(path)} needs the file {plain[:80]} beside it, which is missing; copy both."
        )
    return found
