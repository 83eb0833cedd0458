"""One oblique, anisotropic, left-handed phantom through every format, checked by landmarks and by SimpleITK."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from model import scan_io
from model.errors import ScanError
from model.volume import DisplayHints, Volume

LANDMARKS = {(1, 2, 3): 1000, (5, 9, 2): 2000, (7, 4, 10): 3000}
WRITTEN = [".nii", ".nii.gz", ".nrrd", ".mha"]


def assert_landmarks(read: Volume, phantom: Volume) -> None:
    """Each landmark's value is found within 1e-3 mm of where it was."""
    for voxel, value in LANDMARKS.items():
        (found,) = np.argwhere(read.values == value)
        assert np.linalg.norm(read.grid.to_mm(found) - phantom.grid.to_mm(voxel)) < 1e-3


@pytest.mark.parametrize("suffix", WRITTEN)
def test_landmarks_come_back_within_a_micrometre(phantom: Volume, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"phantom{suffix}"
    scan_io.write_scan(path, phantom)
    read = scan_io.read_scan(path)
    assert_landmarks(read.volume, phantom)
    assert np.array_equal(read.volume.values, phantom.values)
    assert read.volume.values.dtype == np.int16
    assert read.volume.grid.is_left_handed == phantom.grid.is_left_handed
    assert read.volume.hints == DisplayHints("CT", synthetic=True)
    assert read.notes == ()
    assert read.volume.identity() == phantom.identity()


@pytest.mark.parametrize("suffix", WRITTEN)
def test_simpleitk_sees_the_same_voxels_in_the_same_place(
    phantom: Volume, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"phantom{suffix}"
    scan_io.write_scan(path, phantom)
    image = SimpleITK.ReadImage(str(path))
    assert np.array_equal(SimpleITK.GetArrayFromImage(image), phantom.values)
    for z, y, x in LANDMARKS:
        theirs = image.TransformIndexToPhysicalPoint((x, y, z))
        assert np.linalg.norm(np.subtract(theirs, phantom.grid.to_mm((z, y, x)))) < 1e-3


@pytest.mark.parametrize("suffix", [".nrrd", ".nhdr", ".mha", ".mhd", ".nii", ".nii.gz", ".hdr"])
@pytest.mark.parametrize("compressed", [True, False])
def test_what_simpleitk_writes_is_read_alike(
    phantom: Volume, tmp_path: Path, suffix: str, compressed: bool
) -> None:
    image = SimpleITK.GetImageFromArray(phantom.values)
    image.SetSpacing(phantom.grid.spacing_xyz)
    image.SetOrigin(phantom.grid.origin)
    image.SetDirection(phantom.grid.direction_xyz)
    path = tmp_path / f"theirs{suffix}"
    SimpleITK.WriteImage(image, str(path), compressed)
    if suffix == ".hdr" and compressed:
        path = next(tmp_path.glob("theirs.*hdr*"))
    read = scan_io.read_scan(path).volume
    assert_landmarks(read, phantom)
    assert np.array_equal(read.values, phantom.values)


def test_a_dicom_series_of_the_phantom_keeps_its_landmarks(
    phantom: Volume, tmp_path: Path, write_series: Callable[..., list[Path]], straight: object
) -> None:
    grid = phantom.grid
    slices = replace(
        straight,  # type: ignore[type-var]
        values=phantom.values,
        positions=np.array([grid.to_mm((z, 0, 0)) for z in range(grid.shape[0])]),
        cosines=(*grid.direction[2], *grid.direction[1]),
        spacing=(grid.spacing[1], grid.spacing[2]),
    )
    write_series(tmp_path / "series", slices)
    read = scan_io.read_scan(tmp_path / "series")
    assert_landmarks(read.volume, phantom)
    assert read.source.files == 9


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4"])
@pytest.mark.parametrize("suffix", WRITTEN)
def test_types_are_kept(phantom: Volume, tmp_path: Path, suffix: str, dtype: str) -> None:
    path = tmp_path / f"typed{suffix}"
    values = np.abs(phantom.values % 200).astype(dtype)
    scan_io.write_scan(path, Volume(values, phantom.grid))
    read = scan_io.read_scan(path).volume.values
    assert read.dtype == np.dtype(dtype)
    assert np.array_equal(read, values)


@pytest.mark.parametrize("suffix", WRITTEN)
def test_an_unknown_orientation_stays_unknown(phantom: Volume, tmp_path: Path, suffix: str) -> None:
    grid = replace(phantom.grid, orientation_known=False)
    path = tmp_path / f"unknown{suffix}"
    scan_io.write_scan(path, Volume(phantom.values, grid))
    read = scan_io.read_scan(path)
    assert not read.volume.grid.orientation_known
    assert read.volume.grid.spacing == pytest.approx(grid.spacing)
    assert "orientation is unknown" in read.notes[0]


@pytest.mark.parametrize("suffix", WRITTEN)
def test_a_sheared_grid_of_two_degrees_comes_back_sheared(
    phantom: Volume, tmp_path: Path, suffix: str
) -> None:
    tilted = np.array(phantom.grid.direction[0]) + np.tan(np.radians(2)) * np.array(phantom.grid.direction[1])
    tilted /= np.linalg.norm(tilted)
    z = (float(tilted[0]), float(tilted[1]), float(tilted[2]))
    sheared = Volume(phantom.values, replace(phantom.grid, direction=(z, *phantom.grid.direction[1:])))
    path = tmp_path / f"sheared{suffix}"
    scan_io.write_scan(path, sheared)
    read = scan_io.read_scan(path)
    assert_landmarks(read.volume, sheared)
    assert any("sheared by 2.0 degrees" in note for note in read.notes)


def test_a_name_never_holds_half_a_file(
    phantom: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scan.nii.gz"
    scan_io.write_scan(path, phantom)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ScanError, match=r"scan\.nii\.gz cannot be written \(No space left"):
        scan_io.write_scan(path, Volume(phantom.values[::-1], phantom.grid))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_synced_before_it_gets_its_name(
    phantom: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        steps.append("fsync")
        fsync(descriptor)

    def noted_rename(source: Path, target: Path) -> None:
        steps.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_rename)
    scan_io.write_scan(tmp_path / "scan.nii", phantom)
    assert steps[:2] == ["fsync", "rename"]


def test_equal_scans_give_equal_bytes(phantom: Volume, tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz"):
        scan_io.write_scan(tmp_path / name, phantom)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_an_unknown_suffix_is_refused(phantom: Volume, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"scan\.png has no suffix"):
        scan_io.write_scan(tmp_path / "scan.png", phantom)


@pytest.mark.parametrize("name", ["größe – 頭部 scan [1].nii.gz", os.fsdecode(b"scan-\xff\xfe.nii.gz")])
@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_names_of_any_letters_and_of_none_are_read(
    phantom: Volume, tmp_path: Path, name: str, suffix: str
) -> None:
    path = tmp_path / name.replace("nii.gz", suffix)
    scan_io.write_scan(path, phantom)
    assert scan_io.read_scan(path).volume.identity() == phantom.identity()
    assert scan_io.find_scans(tmp_path) == (path,)
    scan_io.shown_name(path).encode("utf-8")
