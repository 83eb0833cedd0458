"""What a model made from scans is said to apply to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import DataError
from model.grid import Grid
from model.scan_io import write_labels, write_scan
from model.training.data import open_source
from model.training.survey import survey
from model.volume import DisplayHints, Volume


def write_case(folder: Path, name: str, modality: str, spacing: float, level: int) -> None:
    grid = Grid((10, 12, 14), (spacing, spacing, spacing))
    rng = np.random.default_rng(level)
    labels = np.zeros(grid.shape, np.uint8)
    labels[4:8, 4:8, 4:8] = 1
    air, tissue = rng.normal(-900, 5, grid.shape), rng.normal(level, 10, grid.shape)
    values = np.where(labels > 0, tissue, air).astype(np.int16)
    for part in ("images", "labels"):
        (folder / part).mkdir(exist_ok=True)
    write_scan(folder / "images" / f"{name}.nii.gz", Volume(values, grid, DisplayHints(modality=modality)))
    write_labels(folder / "labels" / f"{name}.nii.gz", labels, grid)


def test_a_ct_is_windowed_to_its_labelled_voxels(tmp_path: Path) -> None:
    write_case(tmp_path, "a", "CT", 2.0, 100)
    write_case(tmp_path, "b", "CT", 3.0, 120)
    found = survey(open_source(str(tmp_path)).files)
    assert found.modality == "CT"
    assert found.applies_to.spacing_mm == pytest.approx((1.4, 3.9))
    assert found.applies_to.extent_mm == pytest.approx((10.0, 63.0))
    assert found.intensity.kind == "window"
    assert 0 < found.intensity.low < 80
    assert 140 < found.intensity.high < 220


def test_another_modality_is_normalised_per_volume(tmp_path: Path) -> None:
    write_case(tmp_path, "a", "MR", 1.0, 100)
    found = survey(open_source(str(tmp_path)).files)
    assert (found.modality, found.intensity.kind) == ("MR", "per-volume")


def test_mixed_modalities_are_refused(tmp_path: Path) -> None:
    write_case(tmp_path, "a", "CT", 2.0, 100)
    write_case(tmp_path, "b", "MR", 2.0, 100)
    with pytest.raises(DataError, match="CT and MR"):
        survey(open_source(str(tmp_path)).files)
