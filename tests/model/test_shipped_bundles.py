"""The models that ship do what they say: on generated scans none of them has seen, and on scans of people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.bundle import Bundle, read_bundle
from model.errors import CannotPredict
from model.grid import Box, Grid
from model.inference import predict
from model.metrics import dice
from model.phantoms import make_abdomen
from model.prediction import Prediction
from model.scan_io import read_scan
from model.volume import DisplayHints, Volume
from resources import models_folder

# Training takes seeds from 100,000 on.
UNSEEN_SEEDS = (41, 42)
# Read by eye in the head of the development scans, ± 3 mm: LPS mm.
HIPPOCAMPI = {"left": (28.0, -5.0, -19.0), "right": (-24.0, -5.0, -18.0)}
# Half of what a training volume measures: left-right, front-back, up-down.
HALF_BOX_MM = (18.0, 25.0, 18.0)


@pytest.fixture(scope="module")
def abdomen_model() -> Bundle:
    """Gives the shipped model for generated abdomens."""
    return read_bundle(models_folder() / "phantom-abdomen")


@pytest.fixture(scope="module")
def hippocampus_model() -> Bundle:
    """Gives the shipped model for the hippocampus in T1-weighted MR."""
    return read_bundle(models_folder() / "hippocampus-t1")


@pytest.mark.parametrize("seed", UNSEEN_SEEDS)
def test_an_unseen_generated_abdomen_is_segmented(abdomen_model: Bundle, seed: int) -> None:
    phantom = make_abdomen(seed)
    grid = Grid(phantom.values.shape, phantom.spacing, phantom.origin)
    scan = Volume(phantom.values, grid, DisplayHints(modality="CT", synthetic=True))
    found = predict(scan, abdomen_model)
    scores = {
        label.name.lower(): dice(found.labels == label.value, phantom.labels == label.value)
        for label in found.bundle_labels
    }
    assert scores["pancreas"] >= 0.65
    assert scores["liver"] >= 0.93


@pytest.mark.parametrize("seed", UNSEEN_SEEDS[:1])
def test_the_abdomen_model_attends_to_something(abdomen_model: Bundle, seed: int) -> None:
    phantom = make_abdomen(seed)
    grid = Grid(phantom.values.shape, phantom.spacing, phantom.origin)
    found = predict(Volume(phantom.values, grid, DisplayHints(modality="CT", synthetic=True)), abdomen_model)
    assert [(one.level, one.gate) for one in found.attention] == [(2, 1), (3, 1), (4, 1)]
    assert not all(one.hardly_varies for one in found.attention)


@pytest.mark.real_data
@pytest.mark.parametrize("side", HIPPOCAMPI)
def test_a_whole_head_gets_a_plausible_hippocampus_inside_a_region_box(
    hippocampus_model: Bundle, real_data: Path, side: str
) -> None:
    scan = read_scan(real_data / "head_t1" / "head_t1_1mm.nii.gz").volume
    centre_mm = np.array(HIPPOCAMPI[side])
    region = box_around(scan.grid, centre_mm, np.array(HALF_BOX_MM))
    found = predict(scan, hippocampus_model, region=region)
    voxels = np.argwhere(found.labels)
    ml = len(voxels) * scan.grid.voxel_mm3 / 1000
    assert 1.5 <= ml <= 5.0
    assert np.linalg.norm(scan.grid.to_mm(voxels).mean(axis=0) - centre_mm) <= 15.0
    anterior, posterior = (label_centre_mm(found, value) for value in (1, 2))
    assert anterior[1] < posterior[1]  # P grows backwards
    assert not found.provenance.overridden


@pytest.mark.real_data
def test_a_whole_head_without_a_box_is_refused_with_advice(
    hippocampus_model: Bundle, real_data: Path
) -> None:
    scan = read_scan(real_data / "head_t1" / "head_t1_1mm.nii.gz").volume
    with pytest.raises(CannotPredict, match="draw a region box"):
        predict(scan, hippocampus_model)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["abdomen_ct_3mm.nii.gz", "chest_ct_1p5mm.nii.gz"])
def test_a_ct_is_refused_by_the_hippocampus_model_in_a_sentence(
    hippocampus_model: Bundle, real_data: Path, name: str
) -> None:
    scan = read_scan(real_data / "chest_ct" / name).volume
    with pytest.raises(CannotPredict, match=r"hippocampus-t1 is for .*; this scan .*CT") as refused:
        predict(scan, hippocampus_model)
    assert "\n" not in str(refused.value)


@pytest.mark.real_data
def test_a_real_ct_is_refused_by_the_abdomen_model_but_for_a_marked_override(
    abdomen_model: Bundle, real_data: Path
) -> None:
    scan = read_scan(real_data / "chest_ct" / "abdomen_ct_3mm.nii.gz").volume
    with pytest.raises(CannotPredict, match="generated"):
        predict(scan, abdomen_model)
    assert predict(scan, abdomen_model, override=True).provenance.overridden


def box_around(grid: Grid, centre_mm: np.ndarray, half_mm: np.ndarray) -> Box:
    """The box of voxels that holds all points within `half_mm` (L, P, S) of a centre; the grid is not oblique."""
    corners = grid.to_voxel(centre_mm + np.array([-1, 1])[:, None] * half_mm)
    low, high = np.rint(corners.min(axis=0)).astype(int), np.rint(corners.max(axis=0)).astype(int)
    return Box((low[0], low[1], low[2]), (high[0] + 1, high[1] + 1, high[2] + 1))


def label_centre_mm(found: Prediction, value: int) -> np.ndarray:
    return found.grid.to_mm(np.argwhere(found.labels == value)).mean(axis=0)
