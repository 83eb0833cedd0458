"""Our own look at a compressed picture before a C++ codec sees it, and at what the codec mutters about it.

A codec allocates what the stream claims, and fills a picture that is cut short with grey without an error; so the
claim is compared with the DICOM header, the end mark is looked for, and complaints on the error stream count.
Sources: ITU T.81 (JPEG), T.87 (JPEG-LS), T.800 (JPEG 2000), DICOM PS3.5 annex G (RLE).
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_J2K_START = b"\xff\x4f\xff\x51"
_JPEG_START = b"\xff\xd8"
_END = b"\xff\xd9"
_MOST_TILES = 4096

_COMPLAINT = re.compile(
    "corrupt|premature|invalid|unsupported|bogus|fail|too short|too long|inconsistent|extraneous|expected|error"
    "|warning",
    re.IGNORECASE,
)


class DamagedStreamError(ValueError):
    """A compressed picture that is cut short or claims another size than its header."""


def check(frame: bytes, rows: int, columns: int, bytes_per_pixel: int, *, run_length: bool) -> None:
    """Refuse a stream that is not one grey picture of `rows` × `columns`, or that is cut short.

    Raises:
        DamagedStreamError: it says something else.
    """
    if run_length:
        _check_run_lengths(frame, bytes_per_pixel)
        return
    start = frame.find(_J2K_START, 0, 4096)
    size = _j2k_size(frame, start) if start >= 0 else _jpeg_size(frame)
    if size != (rows, columns):
        raise DamagedStreamError(f"a stream of {size} in a picture of {(rows, columns)}")
    if not frame.rstrip(b"\0").endswith(_END):
        raise DamagedStreamError("no end mark")


def _check_run_lengths(frame: bytes, bytes_per_pixel: int) -> None:
    """The header of RLE: how many segments (one a byte of a pixel), and where each starts."""
    count, *starts = struct.unpack("<16I", frame[:64])
    used = starts[:bytes_per_pixel]
    if count != bytes_per_pixel or used[0] != 64 or used != sorted(used) or used[-1] >= len(frame):
        raise DamagedStreamError("RLE segments that do not fit")


def _j2k_size(frame: bytes, start: int) -> tuple[int, int]:
    fields = struct.unpack(">8IH", frame[start + 8 : start + 42])
    width, height, left, top, tile_width, tile_height = fields[:6]
    if fields[8] != 1 or not tile_width or not tile_height:
        raise DamagedStreamError("not one component")
    if -(-width // tile_width) * -(-height // tile_height) > _MOST_TILES:
        raise DamagedStreamError("too many tiles")
    return height - top, width - left


def _jpeg_size(frame: bytes) -> tuple[int, int]:
    if not frame.startswith(_JPEG_START):
        raise DamagedStreamError("no start mark")
    at = 2
    while at + 10 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            _, height, width, components = struct.unpack(">BHHB", frame[at + 4 : at + 10])
            if components != 1:
                raise DamagedStreamError("not one component")
            return height, width
        at += 1 if marker == 0xFF else 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    raise DamagedStreamError("no frame header")


@contextmanager
def complaints_heard(scratch: Path) -> Iterator[Callable[[], bool]]:
    """While open, the error stream goes to a file; afterwards the yielded call tells whether a codec complained.

    libjpeg and OpenJPEG print to the process's error stream and return success. Anything else that was printed
    meanwhile (another thread's log line) is passed on.
    """
    heard: list[str] = []
    path = scratch / "complaints"
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
        kept = os.dup(2)
    except OSError:  # a program without an error stream
        yield lambda: False
        return
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), 2)
        yield lambda: any(_COMPLAINT.search(line) for line in heard)
    finally:
        os.dup2(kept, 2)
        for line in path.read_bytes().decode("utf-8", "replace").splitlines(keepends=True):
            heard.append(line)
            if not _COMPLAINT.search(line):
                os.write(2, line.encode("utf-8", "replace"))
        os.close(kept)
