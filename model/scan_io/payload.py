"""Voxels out of a file as stored: plain or deflated, counted, with progress and cancel.

SimpleITK fills a truncated file with zeros without a word and cannot be stopped, so bytes are unpacked here.
What they mean (header, geometry, scaling) is each format's business.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import numpy as np

from model.errors import ScanError
from model.grid import Int3
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.scan_io import guard
from model.scan_io.names import shown_name
from model.scan_io.results import Array

_PIECE = 1 << 20
_TAIL_LIMIT = 64 << 20
"""Bytes read past the voxels to reach the checksum of a compressed file; a longer tail is not looked at."""

GZIP_MAGIC = b"\x1f\x8b"


class Coding(StrEnum):
    """How voxels are packed in a file."""

    RAW = "raw"
    GZIP = "gzip"
    ZLIB = "zlib"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file open for reading; what the system refuses becomes a `ScanError`."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise ScanError(f"{shown_name(path)} is not a plain file; name a scan file or a DICOM folder.")
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise ScanError(
            f"{shown_name(path)} does not exist; check the name and that its disk is connected."
        ) from error
    except OSError as error:
        raise ScanError(
            f"{shown_name(path)} cannot be read ({error.strerror or error}); check the file."
        ) from error


def head_of(path: Path, count: int) -> tuple[bytes, Coding]:
    """The first `count` bytes, unpacked if the content (not the name) is gzip; fewer if there are fewer."""
    with opened(path) as file:
        start = file.read(max(count, 2))
        if not start.startswith(GZIP_MAGIC):
            return start[:count], Coding.RAW
        file.seek(0)
        head = b""
        for piece in pieces(file, Coding.GZIP, path, want=count):
            head += piece
            if len(head) >= count:
                break
        return head[:count], Coding.GZIP


def pieces(file: BinaryIO, coding: Coding, path: Path, want: int = _PIECE) -> Iterator[bytes]:
    """The unpacked bytes from the file's position on, at most about 1 MiB at a time, and at most `want`.

    Raises:
        ScanError: the packed stream ends early or is damaged.
    """
    limit = min(want, _PIECE)
    if coding is Coding.RAW:
        while piece := file.read(limit):
            yield piece
        return
    bits = 31 if coding is Coding.GZIP else 47  # 47: zlib or gzip, as MetaIO takes either
    unpacker = zlib.decompressobj(bits)
    packed = b""
    try:
        while True:
            packed = packed or file.read(_PIECE // 4)
            piece = unpacker.decompress(packed, limit)
            if piece:
                yield piece
            if unpacker.eof:
                # A gzip file may hold several members; anything else behind the end is padding.
                packed = unpacker.unused_data or file.read(_PIECE // 4)
                if coding is not Coding.GZIP or not packed.startswith(GZIP_MAGIC):
                    return
                unpacker = zlib.decompressobj(bits)
            elif not packed and not piece:
                raise ScanError(
                    f"{shown_name(path)} ends in the middle of its compressed data; the file is truncated. "
                    "Copy it again from its source."
                )
            else:
                packed = unpacker.unconsumed_tail
    except zlib.error as error:
        raise ScanError(
            f"{shown_name(path)} is damaged: its compressed data does not unpack. Copy it again from its "
            "source."
        ) from error


def read_values(
    path: Path,
    shape: Int3,
    dtype: np.dtype[np.generic],
    coding: Coding,
    *,
    file_offset: int = 0,
    skip: int = 0,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Array:
    """The voxels (z, y, x) in native byte order, exactly as many as claimed.

    Args:
        path: the file that holds them.
        shape: voxels along z, y, x.
        dtype: type as stored, with its byte order.
        coding: how they are packed.
        file_offset: where the (packed) data starts in the file.
        skip: unpacked bytes before the first voxel.
        report: told the fraction done.
        cancelled: asked at every piece of about 1 MiB.

    Raises:
        ScanError: fewer bytes than the shape needs, damaged data, or more than memory can take.
    """
    with opened(path) as file:
        present = max(0, path.stat().st_size - file_offset - (skip if coding is Coding.RAW else 0))
        guard.check_claim(path, shape, dtype.itemsize, present, compressed=coding is not Coding.RAW)
        values = np.empty(shape, dtype)
        target = values.reshape(-1).view(np.uint8).data
        text = f"Reading {shown_name(path)}"
        file.seek(file_offset + (skip if coding is Coding.RAW else 0))
        to_skip = 0 if coding is Coding.RAW else skip
        got = tail = 0
        for piece in pieces(file, coding, path):
            stop_if(cancelled)
            view = memoryview(piece)
            if to_skip:
                cut = min(to_skip, len(view))
                view, to_skip = view[cut:], to_skip - cut
            part = view[: len(target) - got]
            target[got : got + len(part)] = part
            got += len(part)
            report(got / len(target), text)
            tail += len(view) - len(part)
            # The checksum stands at the end of the stream: read on to it, but not through an endless tail.
            if got == len(target) and (coding is Coding.RAW or tail > _TAIL_LIMIT):
                break
        if got < math.prod(shape) * dtype.itemsize:
            raise guard.truncated(path, shape, dtype.itemsize, got)
    if not dtype.isnative:
        values = values.byteswap(inplace=True).view(dtype.newbyteorder("="))
    return values
