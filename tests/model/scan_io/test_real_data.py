"""Every row of the development scans' README that reading touches: accepted, accepted with a note, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames

from model import scan_io
from model.errors import ScanError
from model.scan_io import ScanRead

pytestmark = pytest.mark.real_data

REFERENCE = "odd_volumes/reference_crop.nii.gz"
ORIENTATIONS = ("RAS", "LPS", "LAS", "PIR", "ASL", "SRA", "IPL", "RSA")

# path, size in x, y, z, spacing in x, y, z, least and greatest value, a word of the only note ("" for none)
ACCEPTED: list[tuple[str, tuple[int, int, int], tuple[float, float, float], tuple[float, float], str]] = [
    ("head_t1/head_t1_1mm.nii.gz", (211, 273, 291), (1, 1, 1), (0, 240), ""),
    ("chest_ct/abdomen_ct_3mm.nii.gz", (122, 101, 112), (3, 3, 3), (-1207, 3382), ""),
    ("chest_ct/chest_ct_1p5mm.nii.gz", (120, 126, 164), (1.5, 1.5, 1.5), (-1078, 3343), ""),
    ("odd_volumes/oblique_anisotropic.nii.gz", (140, 160, 22), (1.375, 1.375, 6.5), (0, 2040), "sform"),
    (REFERENCE, (48, 48, 32), (1, 1, 1), (0, 127), ""),
    ("odd_volumes/scl_slope_0p5_inter_m100.nii.gz", (48, 48, 32), (1, 1, 1), (-100, -36.5), ""),
    ("odd_volumes/qform_sform_differ.nii.gz", (48, 48, 32), (1, 1, 1), (0, 127), "sform was taken"),
    ("odd_volumes/no_orientation.nii.gz", (48, 48, 32), (1, 1, 1), (0, 127), "orientation is unknown"),
    ("odd_volumes/nan_inf.nii.gz", (48, 48, 32), (1, 1, 1), (0, 127), "7,424 voxels were not numbers"),
    ("odd_volumes/plain_named_gz.nii.gz", (48, 48, 8), (1, 1, 1), (0, 84), ""),
    ("odd_volumes/one_slice.nii.gz", (48, 48, 1), (1, 1, 1), (5, 82), "single slice"),
    ("odd_volumes/all_zero.nii.gz", (24, 24, 16), (1, 1, 1), (0, 0), "same value"),
    ("odd_volumes/micron_units.nii.gz", (24, 24, 16), (2, 2, 2), (2, 94), "micrometres"),
    ("odd_volumes/big_endian.nii", (33, 41, 25), (2, 2, 2), (-610, 30393), ""),
    ("odd_volumes/float_labels_image.nii.gz", (34, 52, 35), (1, 1, 1), (0, 2776.88), ""),
    ("dicom_odd/ct_siemens_jpeg2000", (512, 512, 5), (0.977, 0.977, 2.0), (-1024, 1456), ""),
    ("dicom_odd/mr_monochrome1_derived", (128, 128, 4), (2, 2, 1), (3841, 4095), "MONOCHROME1"),
    ("dicom_odd/mr_hitachi_single_frame_multiframe", (64, 64, 4), (2.344, 2.344, 4.0), (0, 1537), ""),
    ("dicom_odd/mr_philips_classic", (120, 120, 4), (2.083, 2.083, 0.6), (0, 254), ""),
    ("dicom_odd/mr_toshiba_oblique", (64, 64, 4), (3, 3, 3), (0, 15383), ""),
    ("dicom_odd/mr_non_square_pixels", (64, 28, 4), (6.4, 4.0, 0.5), (33.44, 96.47), ""),
    ("dicom_odd/mr_two_slices_only", (64, 64, 2), (4, 4, 1), (0, 254), "two slices"),
]  # fmt: skip

REFUSED = [
    ("chest_ct", "no DICOM pictures"),
    ("dicom_odd/ct_ge_tilt_uneven", "uneven gaps .*1.08 mm.*sheared by 18.5 degrees"),
    ("dicom_odd/ct_philips_tilt", "sheared by 18.5 degrees"),
    ("dicom_odd/ct_siemens_tilt_tag_absent", "sheared by 14.0 degrees"),
    ("dicom_odd/ct_siemens_missing_slice", "1.50 mm between slices 3 and 4"),
    ("dicom_odd/ct_ge_gap_5_5_10", "10.00 mm between slices 3 and 4"),
    ("dicom_odd/ct_siemens_same_position_monitoring", "4 slices at one and the same position"),
    ("dicom_odd/ct_philips_localizer", "localizer"),
    ("dicom_odd/cr_monochrome1_j2k", "projection"),
    ("dicom_odd/mr_siemens_mosaic_all_transfer_syntaxes", "mosaic"),
    ("dicom_odd/mr_signed_12bit", "mosaic"),
    ("dicom_odd/mr_siemens_enhanced_4d_one_file_per_volume", "multi-frame"),
    ("dicom_odd/mr_philips_enhanced_b0map", "multi-frame"),
    ("dicom_odd/mr_philips_enhanced_4d", "multi-frame"),
    ("dicom_odd/mr_hyperfine_enhanced", "multi-frame"),
    ("dicom_odd/mr_ge_4d", "8 slices at 4 positions, 2 slices at each"),
    ("dicom_odd/mr_4d_one_slice_lost_derived", "7 slices at 4 positions, 1 to 2 at each"),
    ("dicom_odd/mr_philips_4d", "8 slices at 2 positions, 4 slices at each"),
    ("dicom_odd/mr_philips_dti_4d", "4-D"),
    ("dicom_odd/mr_philips_two_orientations_one_series", "2 orientations"),
    ("dicom_odd/mr_localizer_three_planes_derived", "3 orientations"),
    (
        "dicom_odd/mr_missing_slices_derived",
        "4.00 mm between slices 7 and 8, 6.00 mm between slices 19 and 20",
    ),
    ("dicom_odd/mr_duplicate_slices_derived", "duplicate"),
    ("dicom_odd/mr_empty_slice_thickness", "projection"),
    ("dicom_odd/mr_rgb_secondary_capture", "colour"),
    ("dicom_odd/several_series_one_folder", "holds 5 series"),
    ("odd_volumes/sheared_sform.nii.gz", "sheared by 18.5 degrees"),
    ("odd_volumes/truncated.nii.gz", "truncated"),
    ("odd_volumes/truncated.nii", "ends after 9 of 32 slices"),
    ("odd_volumes/two_d.nii.gz", "2 dimensions"),
    ("odd_volumes/rgb24.nii.gz", "colours"),
    ("odd_volumes/complex64.nii.gz", "complex"),
    ("odd_volumes/claims_30000_cubed.nii", "truncated"),
    ("odd_volumes/zero_bytes.nii.gz", "0 bytes"),
    ("odd_volumes/text_named_nii_gz.nii.gz", "holds text"),
    ("odd_volumes/four_d.nii.gz", "holds 20 volumes"),
]

SAME_AS_REFERENCE = [
    "inline.mha", "metaimage.mhd", "inline.nrrd", "detached.nhdr", "detached.hdr", "detached.img", "nifti2.nii",
    "four_d_one_volume.nii.gz", "scl_slope_zero.nii", "uint8_gz_named_nii.nii",
]  # fmt: skip


def read(real_data: Path, path: str) -> ScanRead:
    return scan_io.read_scan(real_data / path)


@pytest.mark.parametrize(
    ("path", "size", "spacing", "range_", "note"), ACCEPTED, ids=[row[0] for row in ACCEPTED]
)
def test_a_good_scan_is_accepted(
    real_data: Path,
    path: str,
    size: tuple[int, int, int],
    spacing: tuple[float, float, float],
    range_: tuple[float, float],
    note: str,
) -> None:
    scan = read(real_data, path)
    assert scan.volume.grid.size_xyz == size
    assert scan.volume.grid.spacing_xyz == pytest.approx(spacing, abs=1e-3)
    values = scan.volume.values
    assert (values.min(), values.max()) == pytest.approx(range_, abs=6e-3)
    assert len(scan.notes) == bool(note)
    assert note in "".join(scan.notes)


@pytest.mark.parametrize(("path", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_would_mislead_is_refused_in_one_sentence(real_data: Path, path: str, words: str) -> None:
    with pytest.raises(ScanError, match=words) as refusal:
        read(real_data, path)
    assert str(refusal.value).startswith(Path(path).name)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("name", SAME_AS_REFERENCE)
def test_one_scan_in_ten_forms_is_one_scan(real_data: Path, name: str) -> None:
    reference = read(real_data, REFERENCE).volume
    scan = read(real_data, f"odd_volumes/{name}")
    assert np.array_equal(scan.volume.values, reference.values)
    assert scan.volume.grid.close_to(reference.grid, 1e-4)
    assert scan.volume.identity() == reference.identity()
    assert scan.notes == ()


def test_eight_orientations_reorder_to_one_scan(real_data: Path) -> None:
    scans = {
        code: read(real_data, f"odd_volumes/orientations/head_{code}.nii.gz").volume for code in ORIENTATIONS
    }
    assert [scan.grid.axis_codes_xyz for scan in scans.values()] == list(ORIENTATIONS)
    assert [code for code, scan in scans.items() if scan.grid.is_left_handed] == ["LAS", "ASL", "RSA"]
    first = scans["RAS"].reordered("LPS")
    for scan in scans.values():
        turned = scan.reordered("LPS")
        assert np.array_equal(turned.values, first.values)
        assert turned.grid.close_to(first.grid, 1e-3)
    assert len({scan.identity() for scan in scans.values()}) == 1


@pytest.mark.parametrize("codec", ["rle", "jpeg", "jpegls", "j2k"])
def test_compressed_series_equal_the_plain_one(real_data: Path, codec: str) -> None:
    plain = read(real_data, "dicom_odd/mr_4slices_uncompressed").volume
    packed = read(real_data, f"dicom_odd/mr_4slices_compressed_{codec}").volume
    assert plain.grid.size_xyz == (256, 256, 4)
    assert np.array_equal(packed.values, plain.values)
    assert packed.identity() == plain.identity()


@pytest.mark.parametrize("codec", ["jpeg", "jpegls", "j2k", "rle"])
def test_a_picture_cut_inside_its_packed_data_is_refused(
    real_data: Path, tmp_path: Path, codec: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(real_data / f"dicom_odd/mr_4slices_compressed_{codec}", tmp_path / codec)
    path = sorted(folder.iterdir())[0]
    path.chmod(0o644)
    for kept in (0.1, 0.5, 0.9, 1.0):
        data = pydicom.dcmread(real_data / f"dicom_odd/mr_4slices_compressed_{codec}" / path.name)
        frame = next(generate_frames(data.PixelData, number_of_frames=1))
        cut = frame[: int(len(frame) * kept)] if kept < 1 else frame[: len(frame) // 2] + b"\xff\xd9"
        data.PixelData = encapsulate([cut], has_bot=False)
        data.save_as(path)
        with pytest.raises(ScanError, match=r"truncated or damaged|cannot be unpacked"):
            scan_io.read_scan(folder)
    assert capfd.readouterr().err == ""


def test_a_single_slice_and_constant_pixels_are_noted(real_data: Path) -> None:
    assert "thickness of the slice is unknown" in read(real_data, "dicom_odd/mr_single_slice").notes[0]
    constant = read(real_data, "dicom_odd/mr_decimal_rescale")
    assert (constant.volume.values == -4096).all()
    assert any("same value" in note for note in constant.notes)


def test_each_series_of_several_is_opened_by_one_of_its_files(real_data: Path) -> None:
    folder = real_data / "dicom_odd/several_series_one_folder"
    sizes = []
    for name in ("IM00006", "IM00016", "IM00023"):
        scan = scan_io.read_scan(folder / name)
        assert scan.source.files == 4
        assert any("skipped" in note for note in scan.notes)
        sizes.append(scan.volume.grid.size_xyz)
    assert sorted(sizes) == [(64, 28, 4), (64, 64, 4), (64, 64, 4)]
    for name in ("IM00000", "IM00003"):
        with pytest.raises(ScanError, match="4-D"):
            scan_io.read_scan(folder / name)


def test_the_dicom_head_lies_on_the_resampled_nifti(real_data: Path) -> None:
    scan = read(real_data, "head_t1/head_t1_dicom")
    series = scan.volume
    assert scan.notes == ()
    assert scan.source.files == 384
    assert series.grid.size_xyz == (137, 192, 384)
    assert series.grid.spacing_xyz == pytest.approx((1.39998, 1.33333, 0.66667), abs=1e-5)
    nifti = read(real_data, "head_t1/head_t1_1mm.nii.gz").volume
    generator = np.random.default_rng(0)
    points = generator.integers(0, series.grid.shape, (40_000, 3))

    def correlation(shift_mm: float) -> float:
        there = np.rint(nifti.grid.to_voxel(series.grid.to_mm(points) + np.array([shift_mm, 0, 0]))).astype(
            int
        )
        inside = ((there >= 0) & (there < nifti.grid.shape)).all(1)
        ours = series.values[tuple(points[inside].T)]
        return float(np.corrcoef(ours, nifti.values[tuple(there[inside].T)])[0, 1])

    assert correlation(0) > 0.97
    assert correlation(0) > max(correlation(3), correlation(-3)) + 0.02


def test_hippocampus_volumes_and_labels_share_their_grid(real_data: Path) -> None:
    images = scan_io.find_scans(real_data / "hippocampus_mr/images")
    assert len(images) == 207
    for image in images[::20]:
        scan = scan_io.read_scan(image)
        labels = scan_io.read_labels(real_data / "hippocampus_mr/labels" / image.name, scan.volume.grid)
        assert scan.notes == ()
        assert scan.volume.grid.axis_codes_xyz == "RAS"
        assert np.unique(labels.labels).tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["float_labels.nii.gz", "int64.nii.gz", "labels_origin_off_0p0001mm.nii.gz"])
def test_labels_of_odd_types_are_the_same_labels(real_data: Path, name: str) -> None:
    grid = read(real_data, "odd_volumes/float_labels_image.nii.gz").volume.grid
    labels = scan_io.read_labels(real_data / "odd_volumes" / name, grid)
    assert labels.labels.dtype == np.uint8
    assert np.bincount(labels.labels.ravel()).tolist() == np.bincount(
        scan_io.read_labels(real_data / "odd_volumes/float_labels.nii.gz").labels.ravel()
    ).tolist()  # fmt: skip
    assert labels.grid == grid


def test_labels_that_are_not_0_to_n_are_noted(real_data: Path) -> None:
    labels = scan_io.read_labels(real_data / "odd_volumes/labels_0_1_7.nii.gz")
    assert labels.notes == ("The labels present are 1, 7.",)


@pytest.mark.parametrize(
    ("name", "image", "words"),
    [
        ("odd_volumes/float_labels_blurred.nii.gz", "odd_volumes/float_labels_image.nii.gz", "fractions"),
        (
            "odd_volumes/labels_origin_off_5mm.nii.gz",
            "odd_volumes/float_labels_image.nii.gz",
            "lies up to 5 mm away",
        ),
        (
            "odd_volumes/labels_one_slice_short.nii.gz",
            "odd_volumes/float_labels_image.nii.gz",
            "34 × 52 × 34 voxels",
        ),
        (
            "chest_ct/multilabel_crop_with_parent_origin.nii.gz",
            "chest_ct/abdomen_ct_3mm.nii.gz",
            "122 × 101 × 30",
        ),
    ],
)
def test_labels_of_another_scan_are_refused(real_data: Path, name: str, image: str, words: str) -> None:
    grid = read(real_data, image).volume.grid
    with pytest.raises(ScanError, match=words):
        scan_io.read_labels(real_data / name, grid)


@pytest.mark.parametrize("organ", ["pancreas", "organs"])
def test_organ_labels_fit_their_ct(real_data: Path, organ: str) -> None:
    grid = read(real_data, "chest_ct/abdomen_ct_3mm.nii.gz").volume.grid
    labels = scan_io.read_labels(real_data / f"chest_ct/abdomen_ct_3mm_{organ}_by_model.nii.gz", grid)
    assert labels.notes == ()
    if organ == "pancreas":
        assert np.count_nonzero(labels.labels) * grid.voxel_mm3 / 1000 == pytest.approx(17.4, abs=0.1)
