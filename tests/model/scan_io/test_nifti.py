"""NIfTI headers in all their variants, written here byte by byte."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import scan_io
from model.errors import ScanError
from model.scan_io import nifti_header
from model.volume import Volume

SROW = [[-1, 0, 0, 5], [0, -2, 0, 6], [0, 0, 3, 7]]
"""RAS mm of a grid that grows to L, P, S with 1 × 2 × 3 mm."""


def nifti(path: Path, values: np.ndarray | bytes, order: str = "<", **fields: Any) -> Path:
    """A NIfTI-1 file of 4 × 3 × 2 voxels (x, y, z), int16, with a valid sform; `fields` change the header."""
    record = np.zeros(1, nifti_header.NIFTI1.newbyteorder(order))[0]  # type: ignore[call-overload]
    start = {
        "sizeof_hdr": 348, "dim": (3, 4, 3, 2, 1, 1, 1, 1), "datatype": 4, "bitpix": 16, "xyzt_units": 2,
        "pixdim": (1, 1, 2, 3, 1, 1, 1, 1), "vox_offset": 352, "sform_code": 1, "srow": SROW, "magic": b"n+1",
    }  # fmt: skip
    for name, value in {**start, **fields}.items():
        record[name] = value
    voxels = values if isinstance(values, bytes) else values.tobytes()
    content = record.tobytes() + b"\0\0\0\0" + voxels
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)
    return path


VALUES = np.arange(-12, 12, dtype="<i2").reshape(2, 3, 4)


def test_axes_are_z_y_x_and_ras_becomes_lps(tmp_path: Path) -> None:
    volume = scan_io.read_scan(nifti(tmp_path / "a.nii", VALUES)).volume
    assert np.array_equal(volume.values, VALUES)
    assert volume.grid.axis_codes_xyz == "LPS"
    assert volume.grid.spacing == (3.0, 2.0, 1.0)
    assert volume.grid.origin == (-5.0, -6.0, 7.0)


@pytest.mark.parametrize("order", "<>")
def test_either_byte_order_is_read(tmp_path: Path, order: str) -> None:
    path = nifti(tmp_path / "a.nii", VALUES.astype(f"{order}i2"), order)
    read = scan_io.read_scan(path).volume
    assert np.array_equal(read.values, VALUES)
    assert read.values.dtype.isnative


def test_units_other_than_mm_are_converted(tmp_path: Path) -> None:
    read = scan_io.read_scan(nifti(tmp_path / "a.nii", VALUES, xyzt_units=3, srow=np.array(SROW) * 1000))
    assert read.volume.grid.spacing == pytest.approx((3.0, 2.0, 1.0))
    assert read.volume.grid.origin == pytest.approx((-5.0, -6.0, 7.0))
    assert "micrometres" in read.notes[0]


def test_the_sform_wins_over_the_qform_and_that_is_said(tmp_path: Path) -> None:
    read = scan_io.read_scan(
        nifti(tmp_path / "a.nii", VALUES, qform_code=1, quatern=(0, 0, 1), qoffset=(5, 6, 9))
    )
    assert read.volume.grid.origin == (-5.0, -6.0, 7.0)
    assert read.notes == ("The sform and the qform in the header differ by up to 2 mm; the sform was taken.",)


def test_forms_that_agree_are_not_mentioned(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", VALUES, qform_code=1, quatern=(0, 0, 1), qoffset=(5, 6, 7.0005))
    assert scan_io.read_scan(path).notes == ()


def test_the_qform_is_taken_where_the_sform_is_not_set(tmp_path: Path) -> None:
    path = nifti(
        tmp_path / "a.nii", VALUES, sform_code=0, qform_code=2, quatern=(0, 0, 0.5), qoffset=(1, 2, 3)
    )
    grid = scan_io.read_scan(path).volume.grid
    expected = nibabel.load(path).affine
    ours = np.diag([-1, -1, 1, 1]) @ grid.affine[:, [2, 1, 0, 3]]
    assert ours == pytest.approx(expected, abs=1e-5)


@given(st.tuples(*[st.floats(-180, 180)] * 3), st.booleans())
def test_a_quaternion_says_what_its_matrix_says(angles: tuple[float, float, float], mirrored: bool) -> None:
    turns = []
    for axis, angle in enumerate(np.radians(angles)):
        a, b = [other for other in range(3) if other != axis]
        turn = np.eye(3)
        turn[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        turns.append(turn)
    matrix = turns[0] @ turns[1] @ turns[2]
    record = np.zeros(1, nifti_header.NIFTI2)[0]
    record["quatern"] = nifti_header.quaternion_of(matrix)
    record["pixdim"] = (-1 if mirrored else 1, 1, 1, 1, 1, 1, 1, 1)
    expected = matrix * (1, 1, -1 if mirrored else 1)
    assert nifti_header.quaternion_affine(record)[:, :3] == pytest.approx(expected, abs=2e-3)


def test_no_form_means_spacing_only(tmp_path: Path) -> None:
    read = scan_io.read_scan(nifti(tmp_path / "a.nii", VALUES, sform_code=0))
    assert not read.volume.grid.orientation_known
    assert read.volume.grid.spacing == (3.0, 2.0, 1.0)
    assert "orientation is unknown" in read.notes[0]


@pytest.mark.parametrize(("slope", "intercept"), [(0, 0), (0, 7), (1, 0), (np.nan, 1), (np.inf, 0)])
def test_a_slope_that_scales_nothing_is_ignored(tmp_path: Path, slope: float, intercept: float) -> None:
    values = scan_io.read_scan(
        nifti(tmp_path / "a.nii", VALUES, scl_slope=slope, scl_inter=intercept)
    ).volume.values
    assert np.array_equal(values, VALUES)
    assert values.dtype == np.int16


def test_scaled_values_are_float32(tmp_path: Path) -> None:
    values = scan_io.read_scan(nifti(tmp_path / "a.nii", VALUES, scl_slope=0.5, scl_inter=-100)).volume.values
    assert values.dtype == np.float32
    assert np.array_equal(values, VALUES * 0.5 - 100)


def test_nan_and_infinity_are_replaced_and_counted(tmp_path: Path) -> None:
    values = np.linspace(-5, 6, 24, dtype="<f4").reshape(2, 3, 4)
    values[0, 0, 1:4] = np.nan, np.inf, -np.inf
    read = scan_io.read_scan(nifti(tmp_path / "a.nii", values, datatype=16))
    assert read.volume.values[0, 0].tolist() == [-5, -5, 6, -5]
    assert read.notes[0].startswith("3 voxels were not numbers")


def test_a_scan_of_nothing_but_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="holds no number at all"):
        scan_io.read_scan(nifti(tmp_path / "a.nii", np.full((2, 3, 4), np.nan, "<f4"), datatype=16))


@pytest.mark.parametrize(
    ("stored", "code", "kept"),
    [("i1", 256, "i2"), ("u4", 768, "i2"), ("i8", 1024, "i2"), ("f8", 64, "f4"), ("u2", 512, "u2")],
)
def test_wide_types_are_narrowed_without_loss(tmp_path: Path, stored: str, code: int, kept: str) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(f"<{stored}")
    read = scan_io.read_scan(nifti(tmp_path / "a.nii", values, datatype=code)).volume.values
    assert read.dtype == np.dtype(kept)
    assert np.array_equal(read, values)


def test_odd_content_is_noted(tmp_path: Path) -> None:
    read = scan_io.read_scan(nifti(tmp_path / "a.nii", np.zeros(12, "<i2"), dim=(3, 4, 3, 1, 1, 1, 1, 1)))
    assert any("single slice" in note for note in read.notes)
    assert any("same value (0)" in note for note in read.notes)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dim": (2, 4, 6, 1, 1, 1, 1, 1)}, "2 dimensions"),
        ({"dim": (4, 4, 3, 1, 2, 1, 1, 1)}, "holds 2 volumes"),
        ({"dim": (5, 4, 3, 1, 1, 2, 1, 1)}, "holds 2 volumes"),
        ({"dim": (9, 4, 3, 2, 1, 1, 1, 1)}, "0 dimensions"),
        ({"dim": (3, 4, -3, 2, 1, 1, 1, 1)}, "4 × -3 × 2 voxels"),
        ({"dim": (3, 4, 3, 3, 1, 1, 1, 1)}, "ends after 2 of 3 slices"),
        ({"dim": (3, 30000, 30000, 30000, 1, 1, 1, 1)}, "ends after 0 of 30,000 slices"),
        ({"datatype": 128}, "colours"),
        ({"datatype": 32}, "complex"),
        ({"datatype": 77}, "unknown type 77"),
        ({"vox_offset": 100}, "inside its header"),
        ({"vox_offset": -1}, "inside its header"),
        ({"vox_offset": np.nan}, "inside its header"),
        ({"vox_offset": 1e9}, "ends after 0 of 2 slices"),
        ({"srow": np.zeros((3, 4))}, "no usable geometry"),
        ({"srow": [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]}, "no usable geometry"),
        ({"srow": [[np.nan, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]}, "no usable geometry"),
        ({"srow": [[1, 0.1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]}, "sheared by 5.7 degrees"),
        ({"sform_code": 0, "pixdim": (1, 0, 1, 1, 1, 1, 1, 1)}, "no usable geometry"),
        ({"magic": b""}, "Analyze"),
        ({"magic": b"ni1"}, r"a\.img"),
    ],
)
def test_headers_that_no_volume_has_are_refused(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ScanError, match=words) as refusal:
        scan_io.read_scan(nifti(tmp_path / "a.nii", VALUES, **fields))
    assert str(refusal.value).startswith("a.nii ")


def test_a_shear_of_two_degrees_is_noted(tmp_path: Path) -> None:
    read = scan_io.read_scan(
        nifti(tmp_path / "a.nii", VALUES, srow=[[1, 0.035, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    )
    assert read.notes == ("The voxel axes are sheared by 2.0 degrees; the picture is bent by as much.",)


def test_a_claim_that_no_packing_can_hold_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii.gz", VALUES, dim=(3, 30000, 30000, 30000, 1, 1, 1, 1))
    with pytest.raises(ScanError, match=r"more than its .* bytes can hold"):
        scan_io.read_scan(path)


def test_more_than_the_free_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Tight:
        available = 40

    monkeypatch.setattr("model.scan_io.guard.psutil.virtual_memory", Tight)
    with pytest.raises(ScanError, match=r"needs 0.0 GB of memory"):
        scan_io.read_scan(nifti(tmp_path / "a.nii", VALUES))


def test_every_cut_of_a_file_is_refused(phantom: Volume, tmp_path: Path) -> None:
    for name in ("scan.nii", "scan.nii.gz", "scan.nrrd", "scan.mha"):
        whole = tmp_path / name
        scan_io.write_scan(whole, phantom)
        content = whole.read_bytes()
        cut = tmp_path / f"cut-{name}"
        for kept in (0, 1, 3, 100, 347, 351, 400, len(content) // 2, len(content) - 2, len(content) - 1):
            cut.write_bytes(content[:kept])
            with pytest.raises(ScanError, match=f"cut-{name}"):
                scan_io.read_scan(cut)


def test_damaged_packed_data_is_refused(phantom: Volume, tmp_path: Path) -> None:
    for name in ("scan.nii.gz", "scan.nrrd", "scan.mha"):
        path = tmp_path / name
        scan_io.write_scan(path, phantom)
        content = bytearray(path.read_bytes())
        content[-40] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(ScanError, match="damaged"):
            scan_io.read_scan(path)


def test_a_gzip_file_of_two_members_and_padding_is_read(phantom: Volume, tmp_path: Path) -> None:
    plain = tmp_path / "scan.nii"
    scan_io.write_scan(plain, phantom)
    content = plain.read_bytes()
    packed = tmp_path / "scan.nii.gz"
    packed.write_bytes(gzip.compress(content[:700]) + gzip.compress(content[700:]) + b"\0" * 512)
    assert scan_io.read_scan(packed).volume.identity() == phantom.identity()


def test_gzip_is_known_by_content_not_by_name(phantom: Volume, tmp_path: Path) -> None:
    plain = tmp_path / "scan.nii"
    scan_io.write_scan(plain, phantom)
    misnamed = tmp_path / "packed.nii"
    misnamed.write_bytes(gzip.compress(plain.read_bytes()))
    unpacked = tmp_path / "plain.nii.gz"
    unpacked.write_bytes(plain.read_bytes())
    for path in (misnamed, unpacked):
        assert scan_io.read_scan(path).volume.identity() == phantom.identity()


def test_nifti_2_is_read(phantom: Volume, tmp_path: Path) -> None:
    affine = np.diag([-1, -1, 1, 1]) @ phantom.grid.affine[:, [2, 1, 0, 3]]
    nibabel.Nifti2Image(phantom.values.transpose(2, 1, 0), affine).to_filename(tmp_path / "two.nii.gz")
    read = scan_io.read_scan(tmp_path / "two.nii.gz").volume
    assert np.array_equal(read.values, phantom.values)
    assert read.grid.close_to(phantom.grid)


def test_what_we_write_carries_both_forms_and_they_agree(phantom: Volume, tmp_path: Path) -> None:
    path = tmp_path / "scan.nii"
    scan_io.write_scan(path, phantom)
    header = nibabel.load(path).header
    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 1)
    assert header.get_qform() == pytest.approx(header.get_sform(), abs=1e-4)
    assert bytes(header["descrip"]).startswith(b"GateLens; CT; synthetic phantom\0")


def test_another_programs_description_says_nothing(tmp_path: Path) -> None:
    hints = scan_io.read_scan(
        nifti(tmp_path / "a.nii", VALUES, descrip=b"FSL; CT; synthetic phantom")
    ).volume.hints
    assert hints.modality is None
    assert not hints.synthetic


@given(st.binary(max_size=600), st.integers(0, 540))
def test_bytes_of_any_kind_are_read_or_refused_in_a_sentence(
    tmp_path_factory: Any, noise: bytes, at: int
) -> None:
    content = bytearray(struct.pack("<i", 348) + b"\0" * 340 + b"n+1\0" + b"\0" * 400)
    content[at : at + len(noise)] = noise
    path = tmp_path_factory.mktemp("noise") / "noise.nii"
    path.write_bytes(content)
    with pytest.raises(ScanError, match=r"noise"):
        scan_io.read_scan(path)
