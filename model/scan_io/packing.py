"""Deflating voxels into a file that is being written; unpacking is `payload`."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import BinaryIO, cast

_LEVEL = 4
"""zlib level: half the time of the usual 6 for 2 % more bytes on scans; labels pack small at any level."""


class GzipSink:
    """A file that packs what is written to it, without name and date, so equal input gives equal bytes."""

    def __init__(self, file: BinaryIO, bits: int = 31) -> None:
        self._file = file
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, bits)

    def write(self, data: bytes) -> int:
        """Pack some more bytes; returns how many were taken, as files do."""
        self._file.write(self._packer.compress(data))
        return len(data)

    def finish(self) -> None:
        """Write what is still held back and the checksum."""
        self._file.write(self._packer.flush())


def packed(file: BinaryIO, write: Callable[[BinaryIO], None], bits: int = 31) -> None:
    """Have `write` fill `file` through zlib: gzip with 31 `bits`, bare zlib with 15."""
    sink = GzipSink(file, bits)
    write(cast(BinaryIO, sink))
    sink.finish()
