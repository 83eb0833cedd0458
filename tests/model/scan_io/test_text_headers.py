"""NRRD and MetaImage headers written by hand: geometry, byte orders, companions, and what is refused."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from model import scan_io
from model.errors import ScanError

VALUES = np.arange(24, dtype="<i2").reshape(2, 3, 4)

NRRD = {
    "type": "int16",
    "dimension": "3",
    "space": "right-anterior-superior",
    "sizes": "4 3 2",
    "space directions": "(1,0,0) (0,2,0) (0,0,3)",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(5,6,7)",
}

MHA = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1",
    "Offset": "5 6 7",
    "ElementSpacing": "1 2 3",
    "DimSize": "4 3 2",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}


def nrrd(path: Path, voxels: bytes = VALUES.tobytes(), **fields: str | None) -> Path:
    """An NRRD of 4 × 3 × 2 voxels; a field of None is left out, underscores stand for blanks."""
    merged = {**NRRD, **{name.replace("_", " "): value for name, value in fields.items()}}
    lines = [f"{name}: {value}" for name, value in merged.items() if value is not None]
    path.write_bytes(("NRRD0004\n# a comment\n" + "\n".join(lines) + "\n\n").encode() + voxels)
    return path


def mha(path: Path, voxels: bytes = VALUES.tobytes(), **fields: str | None) -> Path:
    """A MetaImage of 4 × 3 × 2 voxels; a field of None is left out."""
    merged = {**MHA, **fields}
    merged["ElementDataFile"] = merged.pop("ElementDataFile")
    lines = [f"{name} = {value}" for name, value in merged.items() if value is not None]
    path.write_bytes(("\n".join(lines) + "\n").encode() + voxels)
    return path


def test_nrrd_in_ras_becomes_lps(tmp_path: Path) -> None:
    volume = scan_io.read_scan(nrrd(tmp_path / "a.nrrd")).volume
    assert np.array_equal(volume.values, VALUES)
    assert volume.grid.axis_codes_xyz == "RAS"
    assert volume.grid.origin == (-5.0, -6.0, 7.0)
    assert volume.grid.spacing == (3.0, 2.0, 1.0)


def test_nrrd_in_las_is_known_too(tmp_path: Path) -> None:
    assert scan_io.read_scan(nrrd(tmp_path / "a.nrrd", space="LAS")).volume.grid.axis_codes_xyz == "LAS"


def test_big_endian_text_headers_are_obeyed(tmp_path: Path) -> None:
    big = VALUES.astype(">i2").tobytes()
    for path in (
        nrrd(tmp_path / "a.nrrd", big, endian="big"),
        mha(tmp_path / "a.mha", big, BinaryDataByteOrderMSB="True"),
    ):
        assert np.array_equal(scan_io.read_scan(path).volume.values, VALUES)


@pytest.mark.parametrize(
    "fields", [{"space": None}, {"space": "scanner-xyz"}, {"space_directions": None, "spacings": "1 2 3"}]
)
def test_nrrd_without_a_patient_space_has_no_known_orientation(
    tmp_path: Path, fields: dict[str, str | None]
) -> None:
    read = scan_io.read_scan(nrrd(tmp_path / "a.nrrd", **fields))
    assert not read.volume.grid.orientation_known
    assert read.volume.grid.spacing == (3.0, 2.0, 1.0)
    assert any("orientation is unknown" in note for note in read.notes)


def test_metaimage_without_a_matrix_has_no_known_orientation(tmp_path: Path) -> None:
    read = scan_io.read_scan(mha(tmp_path / "a.mha", TransformMatrix=None))
    assert not read.volume.grid.orientation_known


def test_a_fourth_axis_of_one_is_dropped(tmp_path: Path) -> None:
    path = nrrd(
        tmp_path / "a.nrrd", dimension="4", sizes="1 4 3 2", space_directions="none (1,0,0) (0,2,0) (0,0,3)"
    )
    assert np.array_equal(scan_io.read_scan(path).volume.values, VALUES)
    four = mha(
        tmp_path / "a.mha", NDims="4", DimSize="4 3 2 1", ElementSpacing="1 2 3 1", Offset="5 6 7 0",
        TransformMatrix="1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1",
    )  # fmt: skip
    assert np.array_equal(scan_io.read_scan(four).volume.values, VALUES)


def test_voxels_at_the_end_of_the_file_are_found(tmp_path: Path) -> None:
    junk = b"junk" + VALUES.tobytes()
    assert np.array_equal(
        scan_io.read_scan(nrrd(tmp_path / "a.nrrd", junk, byte_skip="-1")).volume.values, VALUES
    )
    assert np.array_equal(
        scan_io.read_scan(mha(tmp_path / "a.mha", junk, HeaderSize="-1")).volume.values, VALUES
    )


def test_a_companion_is_read_and_named_when_missing(tmp_path: Path) -> None:
    headers = [
        mha(tmp_path / "a.mhd", b"", ElementDataFile="a.zraw", CompressedData="True"),
        nrrd(tmp_path / "a.nhdr", b"", data_file="a.raw"),
    ]
    for path in headers:
        with pytest.raises(ScanError, match=r"needs the file a\.z?raw beside it, which is missing"):
            scan_io.read_scan(path)
    (tmp_path / "a.zraw").write_bytes(zlib.compress(VALUES.tobytes()))
    (tmp_path / "a.raw").write_bytes(VALUES.tobytes())
    for path in headers:
        read = scan_io.read_scan(path)
        assert np.array_equal(read.volume.values, VALUES)
        assert read.source.files == 2


@pytest.mark.parametrize(
    "name", ["../secret.raw", "/etc/passwd", "..", "sub/a.raw", "C:\\a.raw", "..\\a.raw", "C:a.raw"]
)
def test_a_companion_in_another_folder_is_not_followed(tmp_path: Path, name: str) -> None:
    (tmp_path.parent / "secret.raw").write_bytes(VALUES.tobytes())
    for path in (
        mha(tmp_path / "a.mhd", b"", ElementDataFile=name),
        nrrd(tmp_path / "a.nhdr", b"", data_file=name),
    ):
        with pytest.raises(ScanError, match="another folder"):
            scan_io.read_scan(path)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sizes": "4 6", "dimension": "2"}, "2 dimensions"),
        ({"sizes": "3 4 3 2", "space_directions": "none (1,0,0) (0,2,0) (0,0,3)"}, "4 dimensions"),
        ({"sizes": "30000 30000 30000"}, "ends after 0 of 30,000"),
        ({"sizes": "4 3 3"}, "ends after 2 of 3 slices"),
        ({"sizes": "4 3 nan"}, "sizes"),
        ({"sizes": "4 3 1e300"}, "voxels"),
        ({"sizes": None}, "sizes"),
        ({"type": "block"}, "“block”"),
        ({"encoding": "bzip2"}, "bzip2"),
        ({"encoding": "gzip"}, "does not unpack"),
        ({"line_skip": "3"}, "skips lines"),
        ({"byte_skip": "-7"}, "byte skip"),
        ({"space_directions": "(1,0,0) (0,2,0)"}, "space directions"),
        ({"space_directions": "(1,0.2,0) (0,2,0) (0,0,3)"}, "sheared by 11.3 degrees"),
        ({"space_directions": "(nan,0,0) (0,2,0) (0,0,3)"}, "no usable geometry"),
    ],
)
def test_nrrd_headers_that_no_volume_has_are_refused(
    tmp_path: Path, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(ScanError, match=words):
        scan_io.read_scan(nrrd(tmp_path / "a.nrrd", **fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"DimSize": "4 6", "NDims": "2"}, "2 dimensions"),
        ({"DimSize": "4 3 1 2"}, "holds 2 volumes"),
        ({"DimSize": "30000 30000 30000"}, "ends after 0 of 30,000"),
        ({"DimSize": "4 3 3"}, "ends after 2 of 3 slices"),
        ({"DimSize": "4 3 inf"}, "DimSize"),
        ({"ElementNumberOfChannels": "3"}, "3 numbers a voxel"),
        ({"ElementType": "MET_SHORT_ARRAY"}, "MET_SHORT_ARRAY"),
        ({"BinaryData": "False"}, "MET_SHORT"),
        ({"CompressedData": "True"}, "does not unpack"),
        ({"ElementDataFile": "LIST"}, "several files"),
        ({"ElementDataFile": "slice%03d.raw 1 2 1"}, "several files"),
        ({"ElementSpacing": "0 1 1"}, "no usable geometry"),
        ({"TransformMatrix": "1 0 0 0 1 0"}, "TransformMatrix"),
        ({"TransformMatrix": "1 0.2 0 0 1 0 0 0 1"}, "sheared by 11.3 degrees"),
    ],
)
def test_metaimage_headers_that_no_volume_has_are_refused(
    tmp_path: Path, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(ScanError, match=words):
        scan_io.read_scan(mha(tmp_path / "a.mha", **fields))


def test_the_modality_of_a_metaimage_is_a_hint(tmp_path: Path) -> None:
    assert scan_io.read_scan(mha(tmp_path / "a.mha", Modality="MET_MOD_CT")).volume.hints.modality == "CT"
