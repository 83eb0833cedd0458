"""What a compressed picture claims is compared with its header before a codec allocates for it."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from model.scan_io.dicom_codestreams import DamagedStreamError, check, complaints_heard


def j2k(width: int = 8, height: int = 6, tile: int = 8, components: int = 1) -> bytes:
    size = struct.pack(">HH8IH", 41, 0, width, height, 0, 0, tile, tile, 0, 0, components)
    return b"\xff\x4f\xff\x51" + size + b"\x07\x01\x01" + b"..." + b"\xff\xd9"


def jpeg(width: int = 8, height: int = 6, components: int = 1, marker: int = 0xC3) -> bytes:
    comment = b"\xff\xfe\x00\x06note"
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 11, 16, height, width, components) + b"\1\x11\0"
    return b"\xff\xd8" + comment + frame + b"..." + b"\xff\xd9"


@pytest.mark.parametrize("frame", [j2k(), jpeg(), jpeg(marker=0xF7), jpeg() + b"\0", b"jP  box" + j2k()])
def test_a_stream_of_the_right_size_passes(frame: bytes) -> None:
    check(frame, 6, 8, 2, run_length=False)


@pytest.mark.parametrize(
    "frame",
    [
        j2k(width=60000, height=60000),
        jpeg(width=60000, height=60000),
        j2k(width=8000, height=6000, tile=1),
        j2k(tile=0),
        j2k(components=3),
        jpeg(components=3),
        j2k()[:-2],
        jpeg()[:-2],
        b"\xff\xd8\xff\xd9",
        b"GIF89a",
        b"",
    ],
)
def test_a_stream_that_claims_something_else_is_refused(frame: bytes) -> None:
    with pytest.raises((DamagedStreamError, struct.error)):
        check(frame, 6, 8, 2, run_length=False)


def test_run_length_segments_must_lie_inside_the_frame() -> None:
    good = struct.pack("<16I", 2, 64, 70, *[0] * 13) + b"\0" * 12
    check(good, 6, 8, 2, run_length=True)
    for bad in (
        struct.pack("<16I", 2, 64, 900, *[0] * 13) + b"\0" * 12,
        struct.pack("<16I", 15, 64, 70, *[0] * 13) + b"\0" * 12,
        struct.pack("<16I", 2, 70, 64, *[0] * 13) + b"\0" * 12,
    ):
        with pytest.raises(DamagedStreamError):
            check(bad, 6, 8, 2, run_length=True)


def test_a_codecs_complaint_is_heard_and_other_words_pass_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with complaints_heard(tmp_path) as complained:
        os.write(2, b"a line of the log\nCorrupt JPEG data: premature end of data segment\n")
    assert complained()
    assert capfd.readouterr().err == "a line of the log\n"
    with complaints_heard(tmp_path) as complained:
        os.write(2, b"another line\n")
    assert not complained()
