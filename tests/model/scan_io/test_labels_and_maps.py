"""Labels are whole numbers on the grid of their scan; maps keep their slope."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from model import scan_io
from model.errors import ScanError
from model.volume import Volume


@pytest.fixture
def labels(phantom: Volume) -> np.ndarray:
    return (np.abs(phantom.values) % 3).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_labels_come_back_on_their_grid(
    phantom: Volume, labels: np.ndarray, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"labels{suffix}"
    scan_io.write_labels(path, labels, phantom.grid)
    read = scan_io.read_labels(path, phantom.grid)
    assert np.array_equal(read.labels, labels)
    assert read.labels.dtype == np.uint8
    assert read.grid == phantom.grid
    assert read.notes == ()


def test_labels_above_255_are_uint16(phantom: Volume, labels: np.ndarray, tmp_path: Path) -> None:
    wide = labels.astype(np.uint16) * 300
    scan_io.write_labels(tmp_path / "a.nii.gz", wide, phantom.grid)
    read = scan_io.read_labels(tmp_path / "a.nii.gz")
    assert read.labels.dtype == np.uint16
    assert np.array_equal(read.labels, wide)
    assert read.notes == ("The labels present are 300, 600.",)


def test_whole_numbers_stored_as_float_are_cast(phantom: Volume, labels: np.ndarray, tmp_path: Path) -> None:
    scan_io.write_scan(tmp_path / "a.nii.gz", Volume(labels.astype(np.float32), phantom.grid))
    assert np.array_equal(scan_io.read_labels(tmp_path / "a.nii.gz").labels, labels)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.5, r"fractions \(0.5\)"),
        (-1.0, "from -1 to 2"),
        (70000.0, "from 0 to 70000"),
        (np.nan, "from nan"),
        (np.inf, "inf"),
    ],
)
def test_what_is_no_label_is_refused(
    phantom: Volume, labels: np.ndarray, tmp_path: Path, value: float, words: str
) -> None:
    values = labels.astype(np.float32)
    values[3, 3, 3] = value
    scan_io.write_scan(tmp_path / "a.nii.gz", Volume(values, phantom.grid))
    with pytest.raises(ScanError, match=words):
        scan_io.read_labels(tmp_path / "a.nii.gz")


def test_labels_on_another_grid_are_refused_and_rounding_passes(
    phantom: Volume, labels: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "a.nii.gz"
    scan_io.write_labels(path, labels, phantom.grid)
    x, y, z = phantom.grid.origin
    near = replace(phantom.grid, origin=(x + 1e-4, y, z))
    assert scan_io.read_labels(path, near).grid == near
    with pytest.raises(ScanError, match=r"a\.nii\.gz lies up to 0.02 mm away"):
        scan_io.read_labels(path, replace(phantom.grid, origin=(x + 0.02, y, z)))
    with pytest.raises(ScanError, match="13 × 11 × 9 voxels and the scan 13 × 11 × 8"):
        scan_io.read_labels(path, replace(phantom.grid, shape=(8, 11, 13)))


def test_labels_of_another_type_are_a_bug(phantom: Volume, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="int16"):
        scan_io.write_labels(tmp_path / "a.nii", phantom.values, phantom.grid)  # type: ignore[arg-type]


def test_a_map_keeps_its_numbers_and_others_see_it_scaled(phantom: Volume, tmp_path: Path) -> None:
    numbers = np.linspace(0, 65535, phantom.values.size).astype(np.uint16).reshape(phantom.grid.shape)
    path = tmp_path / "attention_level3_gate1.nii.gz"
    scan_io.write_map(path, numbers, phantom.grid, 1 / 65535)
    values, slope, grid = scan_io.read_map(path)
    assert np.array_equal(values, numbers)
    assert slope == pytest.approx(1 / 65535, rel=1e-6)
    assert grid.close_to(phantom.grid)
    theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    assert theirs == pytest.approx(numbers / 65535, abs=1e-5)
    assert theirs.max() == pytest.approx(1.0)


def test_what_is_no_map_is_refused(phantom: Volume, tmp_path: Path) -> None:
    scan_io.write_scan(tmp_path / "scan.nii.gz", phantom)
    with pytest.raises(ScanError, match=r"scan\.nii\.gz is not a map"):
        scan_io.read_map(tmp_path / "scan.nii.gz")
    with pytest.raises(ScanError, match=r"map\.nrrd cannot hold a map"):
        scan_io.write_map(tmp_path / "map.nrrd", phantom.values.astype(np.uint16), phantom.grid, 1.0)
