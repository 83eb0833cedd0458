"""DICOM series written here: order, rescale, bits, and every kind of series that is no straight volume."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from model import scan_io
from model.errors import Cancelled, ScanError

Writer = Callable[..., list[Path]]


def test_slices_are_ordered_by_position_and_spacing_comes_from_it(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    write_series(
        tmp_path / "ct",
        straight,
        SliceThickness="9",
        SpacingBetweenSlices="7",
        InstanceNumber=[9, 1, 5, 2, 8, 3],
    )
    read = scan_io.read_scan(tmp_path / "ct")
    assert np.array_equal(read.volume.values, straight.values)
    assert read.volume.grid.spacing == pytest.approx((2.5, 1.5, 0.8))
    assert read.volume.grid.origin == pytest.approx((-10.0, 20.0, 0.0))
    assert read.volume.grid.axis_codes_xyz == "LPS"
    assert read.notes == ()


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
)
@pytest.mark.parametrize("dtype", ["i2", "u2", "u1"])
def test_every_plain_syntax_gives_the_same_values(
    tmp_path: Path, write_series: Writer, straight: Any, syntax: pydicom.uid.UID, dtype: str
) -> None:
    values = straight.values.astype(dtype)
    write_series(tmp_path / "ct", replace(straight, values=values), syntax)
    read = scan_io.read_scan(tmp_path / "ct").volume.values
    assert np.array_equal(read, values)
    assert read.dtype == np.dtype(dtype)


def test_compressed_slices_are_unpacked_without_rescale_or_inversion(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    slices = larger(straight)
    paths = write_series(
        tmp_path / "ct",
        slices,
        RescaleSlope="2",
        RescaleIntercept="-1000",
        PhotometricInterpretation="MONOCHROME1",
    )
    for path in paths:
        data = pydicom.dcmread(path)
        data.compress(RLELossless, generate_instance_uid=False)
        data.save_as(path)
    read = scan_io.read_scan(tmp_path / "ct")
    assert np.array_equal(read.volume.values, slices.values * 2 - 1000)
    assert read.volume.hints.inverted
    assert "MONOCHROME1" in read.notes[0]


def test_each_slice_has_its_own_rescale(tmp_path: Path, write_series: Writer, straight: Any) -> None:
    slopes = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    write_series(tmp_path / "mr", straight, RescaleSlope=slopes, RescaleIntercept="-3.5")
    values = scan_io.read_scan(tmp_path / "mr").volume.values
    assert values.dtype == np.float32
    assert np.allclose(values, straight.values * np.array(slopes)[:, None, None] - 3.5)


def test_a_ct_in_unsigned_numbers_becomes_hounsfield_int16(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    stored = (straight.values * 30).astype(np.uint16)
    write_series(
        tmp_path / "ct", replace(straight, values=stored), RescaleSlope="1", RescaleIntercept="-1024"
    )
    values = scan_io.read_scan(tmp_path / "ct").volume.values
    assert values.dtype == np.int16
    assert np.array_equal(values, stored.astype(int) - 1024)


@pytest.mark.parametrize(("signed", "low", "high"), [(1, -2048, 2047), (0, 0, 4095)])
def test_stray_bits_above_the_stored_ones_are_dropped(
    tmp_path: Path, write_series: Writer, straight: Any, signed: int, low: int, high: int
) -> None:
    wanted = np.linspace(low, high, 120).astype(np.int16).reshape(6, 5, 4)
    stray = ((wanted.astype(np.uint16) & 0x0FFF) | 0x5000).astype(np.uint16)
    slices = replace(straight, values=stray)
    write_series(tmp_path / "mr", slices, BitsStored=12, HighBit=11, PixelRepresentation=signed)
    assert np.array_equal(scan_io.read_scan(tmp_path / "mr").volume.values, wanted)


def test_what_the_header_says_is_kept_as_source_and_hints(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    write_series(
        tmp_path / "ct", straight, PatientID="P-1", StudyDate="20240531", SeriesDescription="Portal\n venous",
        WindowCenter=["40\\-600"] * 6, WindowWidth=["400\\1500"] * 6,
    )  # fmt: skip
    read = scan_io.read_scan(tmp_path / "ct")
    assert (read.source.format, read.source.files) == ("DICOM", 6)
    assert (read.source.subject, read.source.study_date, read.source.series) == (
        "P-1",
        "2024-05-31",
        "Portal  venous",
    )
    assert read.volume.hints.modality == "CT"
    assert read.volume.hints.window == (40.0, 400.0)


def test_one_file_stands_for_its_series_among_several(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    one = write_series(tmp_path / "one", straight, SeriesDescription="arterial")
    other = write_series(
        tmp_path / "two",
        replace(straight, values=straight.values + 500),
        SeriesInstanceUID="1.2.3",
        SeriesDescription="venous",
    )
    for path in other:
        shutil.move(path, tmp_path / "one" / f"other-{path.name}")
    (tmp_path / "one" / "readme.txt").write_text("a note")
    with pytest.raises(
        ScanError, match=r"holds 2 series: “arterial” \(CT, 6 pictures.*“venous” \(CT, 6 pictures"
    ) as refusal:
        scan_io.read_scan(tmp_path / "one")
    assert "open one file of the series you want" in str(refusal.value)
    read = scan_io.read_scan(one[0])
    assert np.array_equal(read.volume.values, straight.values)
    assert read.notes == ("1 other file in the folder is no slice and was skipped.",)
    venous = scan_io.read_scan(tmp_path / "one" / "other-0003.dcm")
    assert np.array_equal(venous.volume.values, straight.values + 500)


def larger(straight: Any) -> Any:
    """The series with 60 × 48 pixels a slice: the codec behind SimpleITK fails on pictures of a few pixels."""
    return replace(straight, values=np.tile(straight.values, (1, 12, 12)))


def moved(straight: Any, index: int, *shift: float) -> Any:
    positions = straight.positions.copy()
    positions[index] += shift
    return replace(straight, positions=positions)


def tilted(straight: Any, degrees: float) -> Any:
    positions = straight.positions.copy()
    positions[:, 1] += np.tan(np.radians(degrees)) * positions[:, 2]
    return replace(straight, positions=positions)


def test_positions_rounded_to_a_tenth_are_even(tmp_path: Path, write_series: Writer, straight: Any) -> None:
    positions = straight.positions.copy()
    positions[:, 2] = np.round(np.arange(6) * 0.75, 1)
    write_series(tmp_path / "ct", replace(straight, positions=positions))
    read = scan_io.read_scan(tmp_path / "ct")
    assert read.volume.grid.spacing[0] == pytest.approx(0.76)
    assert read.notes == (
        "The gaps between slices vary a little: slices are shown up to 0.08 mm from their place.",
    )


def test_a_private_object_without_a_picture_is_skipped(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    paths = write_series(tmp_path / "ct", straight)
    data = pydicom.dcmread(paths[0])
    del data.PixelData, data.Rows, data.Columns
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.3.12.2.1107.5.9.1"  # Siemens CSA Non-Image
    data.save_as(tmp_path / "ct" / "csa.dcm")
    read = scan_io.read_scan(tmp_path / "ct")
    assert read.source.files == 6
    assert "1 other file" in read.notes[0]


@pytest.mark.parametrize(
    ("degrees", "words"), [(3.2, "sheared by 3.2 degrees"), (-18.5, "sheared by 18.5 degrees")]
)
def test_a_tilt_beyond_three_degrees_is_refused(
    tmp_path: Path, write_series: Writer, straight: Any, degrees: float, words: str
) -> None:
    write_series(tmp_path / "ct", tilted(straight, degrees))
    with pytest.raises(ScanError, match=words):
        scan_io.read_scan(tmp_path / "ct")


def test_a_tilt_below_three_degrees_is_noted_and_kept(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    slices = tilted(straight, 2.8)
    write_series(tmp_path / "ct", slices)
    read = scan_io.read_scan(tmp_path / "ct")
    assert read.notes == ("The voxel axes are sheared by 2.8 degrees; the picture is bent by as much.",)
    assert read.volume.grid.to_mm((5, 0, 0)) == pytest.approx(slices.positions[5], abs=1e-6)


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (
            (0, 0, 0.6),
            r"uneven gaps \(3.10 mm between slices 2 and 3, 1.90 mm between slices 3 and 4; the others are 2.50",
        ),
        ((0, 1.0, 0), "shifted sideways"),
        ((0, 0, 2.5), "6 slices at 5 positions, 1 to 2 at each"),
    ],
)
def test_a_slice_out_of_place_is_refused(
    tmp_path: Path, write_series: Writer, straight: Any, shift: tuple[float, ...], words: str
) -> None:
    write_series(tmp_path / "ct", moved(straight, 2, *shift))
    with pytest.raises(ScanError, match=words):
        scan_io.read_scan(tmp_path / "ct")


def test_a_missing_slice_is_named(tmp_path: Path, write_series: Writer, straight: Any) -> None:
    paths = write_series(tmp_path / "ct", straight)
    paths[4].unlink()
    with pytest.raises(
        ScanError, match=r"uneven gaps .*5.00 mm between slices 4 and 5; the others are 2.50 mm"
    ):
        scan_io.read_scan(tmp_path / "ct")


def test_one_gap_too_wide_in_a_long_series_is_found(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    count = 60
    values = np.zeros((count, 2, 2), np.int16)
    heights = np.arange(count) * 1.0
    heights[58:] += 0.5
    positions = np.stack([np.zeros(count), np.zeros(count), heights], 1)
    write_series(tmp_path / "ct", replace(straight, values=values, positions=positions))
    with pytest.raises(ScanError, match=r"1.50 mm between slices 58 and 59"):
        scan_io.read_scan(tmp_path / "ct")


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"ImageOrientationPatient": [[1, 0, 0, 0, 1, 0]] * 5 + [[1, 0, 0, 0, 0, -1]]}, "2 orientations"),
        ({"PixelSpacing": [[1, 1]] * 5 + [[2, 2]]}, "different pixel sizes"),
        ({"PixelSpacing": ""}, "how large its pixels are"),
        ({"PixelSpacing": [[0, 0]] * 6}, "how large its pixels are"),
        ({"ImagePositionPatient": ""}, "where its pictures lie"),
        ({"ImageOrientationPatient": [[1, 0, 0, 1, 0, 0]] * 6}, "no usable geometry"),
        ({"ImageType": ["ORIGINAL\\PRIMARY\\M\\MOSAIC"] * 6}, "mosaic"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour"),
        ({"NumberOfFrames": "3", "Rows": 1}, "3 frames"),
        ({"BitsStored": 20}, "20 of 16 bits"),
        ({"Rows": 50}, "truncated or damaged"),
    ],
)
def test_series_that_are_no_volume_are_refused(
    tmp_path: Path, write_series: Writer, straight: Any, elements: dict[str, Any], words: str
) -> None:
    write_series(tmp_path / "ct", straight, **elements)
    with pytest.raises(ScanError, match=words):
        scan_io.read_scan(tmp_path / "ct")


def test_mixed_matrix_sizes_are_refused(tmp_path: Path, write_series: Writer, straight: Any) -> None:
    write_series(tmp_path / "ct", straight, Rows=[5, 5, 5, 5, 5, 4])
    with pytest.raises(ScanError, match=r"different matrix sizes \(4 × 4, 4 × 5\)"):
        scan_io.read_scan(tmp_path / "ct")


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"ImageType": ["ORIGINAL\\PRIMARY\\LOCALIZER"]}, "localizer"),
        ({"Modality": "DX"}, "projection"),
        ({"ImageType": ["DERIVED\\PRIMARY\\PROJECTION IMAGE\\MIP"]}, "projection"),
    ],
)
def test_a_lone_picture_that_is_no_slice_is_refused(
    tmp_path: Path, write_series: Writer, straight: Any, elements: dict[str, Any], words: str
) -> None:
    lone = replace(straight, values=straight.values[:1], positions=straight.positions[:1])
    write_series(tmp_path / "ct", lone, **elements)
    with pytest.raises(ScanError, match=words):
        scan_io.read_scan(tmp_path / "ct")


def test_a_lone_slice_is_read_with_its_thickness_or_a_note(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    lone = replace(straight, values=straight.values[:1], positions=straight.positions[:1])
    write_series(tmp_path / "thick", lone, SliceThickness="4")
    assert scan_io.read_scan(tmp_path / "thick").volume.grid.spacing[0] == 4.0
    write_series(tmp_path / "bare", lone)
    assert "thickness of the slice is unknown" in scan_io.read_scan(tmp_path / "bare").notes[0]


def test_a_slice_cut_anywhere_refuses_the_series_or_is_left_out_of_none(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    paths = write_series(tmp_path / "ct", straight)
    content = paths[2].read_bytes()
    for kept in range(132, len(content), 31):
        paths[2].write_bytes(content[:kept])
        with pytest.raises(ScanError):
            scan_io.read_scan(tmp_path / "ct")


def test_a_compressed_slice_cut_anywhere_is_refused(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    paths = write_series(tmp_path / "ct", larger(straight))
    data = pydicom.dcmread(paths[5])
    data.compress(RLELossless, generate_instance_uid=False)
    data.save_as(paths[5])
    assert scan_io.read_scan(tmp_path / "ct").source.files == 6
    content = paths[5].read_bytes()
    for kept in [*range(len(content) - 40, len(content) - 8, 5), *range(700, len(content), 997)]:
        paths[5].write_bytes(content[:kept])
        with pytest.raises(ScanError):
            scan_io.read_scan(tmp_path / "ct")


def test_the_last_slice_cut_in_its_header_is_not_dropped_silently(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    paths = write_series(tmp_path / "ct", straight)
    content = paths[5].read_bytes()
    for kept in range(132, len(content), 31):
        paths[5].write_bytes(content[:kept])
        with pytest.raises(ScanError):
            scan_io.read_scan(tmp_path / "ct")


def test_a_slice_without_pixels_is_named(tmp_path: Path, write_series: Writer, straight: Any) -> None:
    paths = write_series(tmp_path / "ct", straight)
    data = pydicom.dcmread(paths[0])
    del data.PixelData
    data.save_as(paths[0])
    with pytest.raises(ScanError, match=r"0006\.dcm in ct has no pixel data"):
        scan_io.read_scan(tmp_path / "ct")


def test_a_file_without_preamble_is_read(tmp_path: Path, write_series: Writer, straight: Any) -> None:
    for path in write_series(tmp_path / "ct", straight, ImplicitVRLittleEndian):
        data = pydicom.dcmread(path)
        bare = pydicom.Dataset({element.tag: element for element in data})
        pydicom.dcmwrite(path, bare, implicit_vr=True, little_endian=True)
    assert np.array_equal(scan_io.read_scan(tmp_path / "ct").volume.values, straight.values)


@pytest.mark.parametrize("name", ["Müller – 頭 [1]", os.fsdecode(b"ct-\xff")])
@pytest.mark.parametrize("compressed", [True, False])
def test_folders_of_any_name_are_read(
    tmp_path: Path, write_series: Writer, straight: Any, name: str, compressed: bool
) -> None:
    slices = larger(straight)
    for path in write_series(tmp_path / name, slices):
        data = pydicom.dcmread(path)
        if compressed:
            data.compress(RLELossless, generate_instance_uid=False)
        path.unlink()
        with path.with_name(os.fsdecode(b"\xfe") + path.name).open("wb") as file:
            data.save_as(file)
    assert np.array_equal(scan_io.read_scan(tmp_path / name).volume.values, slices.values)


def test_progress_of_a_series_grows_to_one(tmp_path: Path, write_series: Writer, straight: Any) -> None:
    write_series(tmp_path / "ct", straight)
    seen: list[float] = []
    scan_io.read_scan(tmp_path / "ct", lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1], len(seen)) == (0.0, 1.0, 13)


def test_reading_is_cancelled_between_slices(tmp_path: Path, write_series: Writer, straight: Any) -> None:
    write_series(tmp_path / "ct", straight)
    for patience in (0, 3, 8, 11):
        asked: list[int] = []

        def cancelled(asked: list[int] = asked, patience: int = patience) -> bool:
            asked.append(1)
            return len(asked) > patience

        with pytest.raises(Cancelled):
            scan_io.read_scan(tmp_path / "ct", cancelled=cancelled)
        assert len(asked) == patience + 1


def test_noise_in_a_slice_is_read_or_refused_and_nothing_else(
    tmp_path: Path, write_series: Writer, straight: Any
) -> None:
    paths = write_series(tmp_path / "ct", straight)
    content = paths[0].read_bytes()
    generator = np.random.default_rng(3)
    for _ in range(40):
        noisy = bytearray(content)
        for at in generator.integers(0, len(content), 6):
            noisy[at] = int(generator.integers(0, 256))
        paths[0].write_bytes(noisy)
        with contextlib.suppress(ScanError):
            scan_io.read_scan(tmp_path / "ct")
