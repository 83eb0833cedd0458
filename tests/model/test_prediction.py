"""A prediction's folder holds everything, reads back as it was, and says so in a sentence where it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.attention import AttentionMap
from model.bundle import BundleLabel
from model.errors import DataError
from model.grid import Box, Grid
from model.prediction import Prediction, Provenance, prediction_key, read_prediction, write_prediction
from model.scan_io import read_map

GRID = Grid(
    (5, 6, 7), (3.0, 1.5, 1.25), (-9.5, 4.0, 33.0), ((0.0, -0.6, 0.8), (0.0, 0.8, 0.6), (-1.0, 0.0, 0.0))
)
LABELS = (
    BundleLabel(1, "Pancreas", (255, 200, 0), "SCT 15776009"),
    BundleLabel(3, "Left Kidney/Pole", (0, 90, 255)),
)
PROVENANCE = Provenance(
    "tiny", "ab" * 32, "0.1.0", "CPU, 1 thread", "torch 2.13.0, float32", Box((0, 1, 2), (4, 5, 6)), True, 1.25,
    "2026-01-02T03:04:05+00:00", "Model tiny is for CT; this scan is MR, as its file says.",
)  # fmt: skip


@pytest.fixture
def prediction() -> Prediction:
    """Gives a prediction of random numbers with two labels and two gates."""
    rng = np.random.default_rng(0)
    maps = tuple(
        AttentionMap.from_coefficients(level, gate, grid, rng.random(grid.shape))
        for level, gate, grid in [(2, 1, GRID.coarser((2, 2, 2))), (3, 2, GRID.coarser((4, 4, 4)))]
    )
    return Prediction(
        grid=GRID,
        labels=rng.choice(np.array([0, 1, 3], np.uint8), GRID.shape),
        bundle_labels=LABELS,
        probabilities=tuple(rng.integers(0, 256, GRID.shape, dtype=np.uint8) for _ in LABELS),
        entropy=rng.integers(0, 256, GRID.shape, dtype=np.uint8),
        attention=maps,
        provenance=PROVENANCE,
    )


def test_it_reads_back_as_it_was_written(prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path / "new", prediction)
    found = read_prediction(tmp_path / "new")
    assert found.grid.close_to(GRID)
    assert (found.bundle_labels, found.provenance) == (LABELS, PROVENANCE)
    assert np.array_equal(found.labels, prediction.labels)
    assert np.array_equal(found.entropy, prediction.entropy)
    for mine, theirs in zip(found.probabilities, prediction.probabilities, strict=True):
        assert np.array_equal(mine, theirs)
    for read, written in zip(found.attention, prediction.attention, strict=True):
        assert (read.level, read.gate) == (written.level, written.gate)
        assert np.array_equal(read.values, written.values)
        assert read.grid.close_to(written.grid)


def test_a_prediction_of_the_whole_scan_names_no_region(prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path, replace(prediction, provenance=replace(PROVENANCE, region=None)))
    assert read_prediction(tmp_path).provenance.region is None


def test_its_folder_holds_the_files_of_the_design(prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path, prediction)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "attention_level2_gate1.nii.gz",
        "attention_level3_gate2.nii.gz",
        "entropy.nii.gz",
        "labels.nii.gz",
        "prediction.json",
        "probability_left-kidney-pole.nii.gz",
        "probability_pancreas.nii.gz",
    ]


def test_another_program_reads_coefficients_from_0_to_1(prediction: Prediction, tmp_path: Path) -> None:
    import nibabel

    write_prediction(tmp_path, prediction)
    written = prediction.attention[1]
    _, slope, grid = read_map(tmp_path / "attention_level3_gate2.nii.gz")
    assert slope == pytest.approx(1 / 65535)
    assert grid.close_to(written.grid)
    seen = nibabel.load(tmp_path / "attention_level3_gate2.nii.gz").get_fdata().transpose()
    np.testing.assert_allclose(seen, written.coefficients, atol=1e-6)


def test_its_description_says_that_it_is_for_research(prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path, prediction)
    description = json.loads((tmp_path / "prediction.json").read_text(encoding="utf-8"))
    assert "Research use only" in description["note"]
    assert [label["file"] for label in description["labels"]] == [
        "probability_pancreas.nii.gz",
        "probability_left-kidney-pole.nii.gz",
    ]


def test_attention_can_be_left_out(prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path, prediction)
    assert read_prediction(tmp_path, attention=False).attention == ()


def test_labels_whose_names_make_one_file_name_keep_apart(prediction: Prediction, tmp_path: Path) -> None:
    twins = (replace(LABELS[0], name="Kidney (left)"), replace(LABELS[1], name="kidney left"))
    write_prediction(tmp_path, replace(prediction, bundle_labels=twins))
    found = read_prediction(tmp_path)
    assert not np.array_equal(found.probabilities[0], found.probabilities[1])
    assert (tmp_path / "probability_kidney-left-3.nii.gz").is_file()


def test_a_label_named_like_a_path_stays_in_the_folder(prediction: Prediction, tmp_path: Path) -> None:
    names = (replace(LABELS[0], name="../../evil"), replace(LABELS[1], name="Ω"))
    write_prediction(tmp_path / "in", replace(prediction, bundle_labels=names))
    assert sorted(file.name for file in tmp_path.rglob("prob*")) == [
        "probability_3.nii.gz",
        "probability_evil.nii.gz",
    ]
    assert read_prediction(tmp_path / "in").bundle_labels == names


def test_a_folder_without_a_prediction_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no prediction: it lacks prediction\.json"):
        read_prediction(tmp_path)


@pytest.mark.parametrize(
    "name", ["labels.nii.gz", "probability_pancreas.nii.gz", "attention_level2_gate1.nii.gz"]
)
def test_a_missing_file_is_a_sentence(prediction: Prediction, tmp_path: Path, name: str) -> None:
    write_prediction(tmp_path, prediction)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match="is damaged; delete the folder and predict again"):
        read_prediction(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": 1}', '{"schema": "1"}'])
def test_a_description_that_is_none_is_a_sentence(prediction: Prediction, tmp_path: Path, text: str) -> None:
    write_prediction(tmp_path, prediction)
    (tmp_path / "prediction.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="damaged"):
        read_prediction(tmp_path)


def test_a_description_of_another_schema_is_a_sentence(prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path, prediction)
    file = tmp_path / "prediction.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"schema": 1', '"schema": 2'), encoding="utf-8")
    with pytest.raises(DataError, match="schema 2, this program reads 1"):
        read_prediction(tmp_path)


def test_arrays_that_do_not_fit_the_grid_are_refused(prediction: Prediction) -> None:
    with pytest.raises(ValueError, match=r"\(5, 6, 6\) does not fit"):
        replace(prediction, entropy=prediction.entropy[..., :6])
    with pytest.raises(ValueError, match="1 probabilities for 2 labels"):
        replace(prediction, probabilities=prediction.probabilities[:1])


def test_its_key_changes_with_whatever_changes_the_result() -> None:
    box = Box((0, 1, 2), (4, 5, 6))
    keys = [
        prediction_key("ab" * 32, None, None),
        prediction_key("cd" * 32, None, None),
        prediction_key("ab" * 32, box, None),
        prediction_key("ab" * 32, replace(box, stop=(4, 5, 7)), None),
        prediction_key("ab" * 32, None, (1.0, 1.0, 1.0)),
        prediction_key("ab" * 32, None, None, "override"),
    ]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 16 and int(key, 16) >= 0 for key in keys)
    assert keys[2] == prediction_key("ab" * 32, Box((0, 1, 2), (4, 5, 6)), None)
