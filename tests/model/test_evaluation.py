"""Judging masks and models on cases: folders against folders, a model on labelled scans, and empty masks."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.bundle import Bundle, BundleLabel
from model.errors import DataError, ScanError
from model.evaluation import evaluate_folders, evaluate_model
from model.grid import Grid
from model.prediction import Prediction, Provenance, write_prediction
from model.scan_io import write_labels
from model.scores import Presence
from model.training.data import CaseFile
from model.volume import Volume
from tests.model.toys import BALL, CUBE, SHAPE, toy

GRID = Grid(SHAPE, (2.0, 1.0, 1.5))
ORIGIN = Provenance("toy", "0" * 64, "0", "CPU", "test", None, False, 0.0, "2026-01-01T00:00:00Z")


def prediction(mask: np.ndarray, *, certainty: float = 1.0, grid: Grid = GRID) -> Prediction:
    """A prediction that says `mask` with `certainty`, and leaves the rest to background."""
    shares = tuple(np.where(mask == value, certainty * 255, 0).astype(np.uint8) for value in (1, 3))
    entropy = np.zeros(mask.shape, dtype=np.uint8)
    return Prediction(grid, mask.copy(), (BALL, CUBE), shares, entropy, (), ORIGIN)


@pytest.fixture
def toy_bundle(describe_model: Callable[..., Bundle]) -> Bundle:
    return describe_model(labels=(BALL, CUBE))


def cases(toys: Path, count: int) -> list[CaseFile]:
    return [
        CaseFile(f"case_{n}", f"s{n}", toys / f"images/case_{n}.nii.gz", toys / f"labels/case_{n}.nii.gz")
        for n in range(count)
    ]


def test_masks_in_a_folder_or_as_predict_writes_them_are_scored_against_references(
    toys: Path, tmp_path: Path
) -> None:
    truth = toy(0)[1]
    wrong = np.where(truth == 3, 0, truth)
    flat, folders = tmp_path / "flat", tmp_path / "cases"
    for number in range(10):
        mask = wrong if number == 0 else toy(number)[1]
        (folders / f"case_{number}").mkdir(parents=True)
        flat.mkdir(exist_ok=True)
        write_labels(flat / f"case_{number}.nii.gz", mask, Grid(SHAPE))
        write_labels(folders / f"case_{number}" / "labels.nii.gz", mask, Grid(SHAPE))

    one, other = evaluate_folders(flat, toys), evaluate_folders(folders, toys / "labels")

    assert one.to_json() == other.to_json()
    assert one.cases[0].dice == (1.0, 0.0)
    figures = one.to_json()["labels"]["label 3"]  # type: ignore[index]
    assert figures["dice"] == {"mean": pytest.approx(0.9), "sd": pytest.approx(0.31622776), "n": 10}
    assert figures["volume_bias"] == {"mean": pytest.approx(-0.1), "sd": pytest.approx(0.31622776), "n": 10}
    (flat / "case_4.nii.gz").unlink()
    with pytest.raises(DataError, match="no mask for case_4"):
        evaluate_folders(flat, toys)


def test_empty_masks_count_as_the_document_says(tmp_path: Path) -> None:
    some, nothing = toy(0)[1], np.zeros(SHAPE, dtype=np.uint8)
    pairs = {"both": (some, some), "missed": (nothing, some), "spurious": (some, nothing)}
    pairs["absent"] = (nothing, nothing)
    for name, masks in pairs.items():
        for folder, mask in zip(("masks", "truths"), masks, strict=True):
            (tmp_path / folder).mkdir(exist_ok=True)
            write_labels(tmp_path / folder / f"{name}.nii.gz", mask, GRID)

    found = evaluate_folders(tmp_path / "masks", tmp_path / "truths")

    text = json.dumps(found.to_json(), allow_nan=False)
    figures = json.loads(text)["labels"]["label 1"]
    assert (figures["dice"]["n"], figures["dice"]["mean"]) == (3, pytest.approx(1 / 3))
    assert (figures["hd95_mm"]["n"], figures["hd95_mm"]["mean"], figures["assd_mm"]["n"]) == (1, 0.0, 1)
    assert (figures["volume_bias"]["n"], figures["volume_bias"]["mean"]) == (2, pytest.approx(-0.5))
    assert figures["volume_difference_ml"]["n"] == 3
    assert [found.count(0, where) for where in Presence] == [1, 1, 1, 1]
    assert {c["case"]: c["labels"]["label 1"]["presence"] for c in json.loads(text)["cases"]} == {
        name: name for name in pairs
    }
    missed = next(case for case in found.cases if case.case == "missed").labels[0]
    voxels = int((some == 1).sum())
    assert missed.volume_difference_ml == pytest.approx(-voxels * 3.0 / 1000)


def test_spacing_reaches_the_distances_in_the_order_of_the_axes(tmp_path: Path) -> None:
    for folder, moved in (("masks", 1), ("truths", 0)):
        (tmp_path / folder).mkdir()
        for axis in range(3):
            mask = np.zeros(SHAPE, dtype=np.uint8)
            mask[4:12, 4:16, 4:16] = 1
            write_labels(tmp_path / folder / f"axis_{axis}.nii.gz", np.roll(mask, moved, axis), GRID)
    found = evaluate_folders(tmp_path / "masks", tmp_path / "truths")
    assert [case.labels[0].hd95_mm for case in found.cases] == pytest.approx([2.0, 1.0, 1.5])


def test_certainty_is_judged_near_the_surface_where_a_prediction_has_it(
    toys: Path, toy_bundle: Bundle
) -> None:
    def perfect(volume: Volume, bundle: Bundle) -> Prediction:
        return prediction(toy(0)[1], grid=volume.grid)

    def doubtful(volume: Volume, bundle: Bundle) -> Prediction:
        return prediction(toy(0)[1], certainty=0.6, grid=volume.grid)

    def mask_alone(volume: Volume, bundle: Bundle) -> np.ndarray:
        return toy(0)[1]

    files = cases(toys, 1)
    score = evaluate_model(toy_bundle, files, predictor=perfect).cases[0]
    assert (score.ece, score.labels[0].ece) == (0.0, 0.0)
    assert math.isnan(score.entropy_error)  # nothing is wrong
    unsure = evaluate_model(toy_bundle, files, predictor=doubtful).cases[0]
    assert 0 < unsure.labels[0].ece < 0.4
    assert 0 < unsure.ece < 0.4
    alone = evaluate_model(toy_bundle, files, predictor=mask_alone).cases[0]
    assert alone.dice == (1.0, 1.0)
    assert math.isnan(alone.ece)


def test_entropy_high_at_the_errors_has_a_positive_correlation_per_case_and_label(
    toys: Path, toy_bundle: Bundle
) -> None:
    def predict(volume: Volume, bundle: Bundle) -> Prediction:
        truth = toy(0)[1]
        mask = np.where(np.roll(truth, 1, axis=0) == 1, 1, np.where(truth == 3, 3, 0)).astype(np.uint8)
        return replace(
            prediction(mask, grid=volume.grid), entropy=np.where(mask != truth, 200, 20).astype(np.uint8)
        )

    score = evaluate_model(toy_bundle, cases(toys, 1), predictor=predict).cases[0]
    assert score.entropy_error == pytest.approx(1.0)
    assert score.labels[0].entropy_error == pytest.approx(1.0)


def test_folders_of_whole_predictions_bring_their_labels_and_certainty(tmp_path: Path) -> None:
    truth = toy(0)[1]
    (tmp_path / "truths").mkdir()
    write_labels(tmp_path / "truths" / "a.nii.gz", truth, GRID)
    write_prediction(tmp_path / "out" / "a", prediction(truth, certainty=0.8))

    found = evaluate_folders(tmp_path / "out", tmp_path / "truths", monai=True)

    assert [label.name for label in found.labels] == ["ball", "cube"]
    assert found.cases[0].labels[0].monai_hd95_mm == 0.0
    assert found.ece.n == 1
    assert found.ece.mean > 0

    write_labels(tmp_path / "truths" / "b.nii.gz", truth, GRID)
    head = BundleLabel(1, "head", (1, 2, 3))
    write_prediction(tmp_path / "out" / "b", replace(prediction(truth), bundle_labels=(head, CUBE)))
    with pytest.raises(DataError, match="models with different labels"):
        evaluate_folders(tmp_path / "out", tmp_path / "truths")


def test_what_cannot_be_judged_is_refused_by_name(tmp_path: Path) -> None:
    truth = toy(0)[1]
    (tmp_path / "truths").mkdir()
    write_labels(tmp_path / "truths" / "a.nii.gz", np.where(truth == 1, 2, truth), GRID)
    write_prediction(tmp_path / "out" / "a", prediction(truth))
    with pytest.raises(
        DataError, match=r"reference .*a\.nii\.gz holds the value 2; what is judged knows \[1, 3\]"
    ):
        evaluate_folders(tmp_path / "out", tmp_path / "truths")
    write_labels(tmp_path / "truths" / "a.nii.gz", truth, Grid(SHAPE, (3.0, 1.0, 1.5)))
    with pytest.raises(ScanError, match=r"labels\.nii\.gz"):
        evaluate_folders(tmp_path / "out", tmp_path / "truths")


def test_an_evaluation_of_nothing_is_refused(toy_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no case to evaluate"):
        evaluate_model(toy_bundle, ())
    with pytest.raises(DataError, match="no reference label"):
        evaluate_folders(tmp_path, tmp_path / "nothing")
    for folder in ("masks", "truths"):
        (tmp_path / folder).mkdir()
        write_labels(tmp_path / folder / "a.nii.gz", np.zeros(SHAPE, np.uint8), GRID)
    with pytest.raises(DataError, match="nothing to score"):
        evaluate_folders(tmp_path / "masks", tmp_path / "truths")


def test_references_without_a_label_are_refused(toys: Path, toy_bundle: Bundle, tmp_path: Path) -> None:
    blank = tmp_path / "blank.nii.gz"
    write_labels(blank, np.zeros(SHAPE, np.uint8), Grid(SHAPE))
    files = [replace(cases(toys, 1)[0], label=blank)]
    with pytest.raises(DataError, match=r"None of the 1 references holds a labelled voxel \(ball, cube\)"):
        evaluate_model(toy_bundle, files, predictor=lambda volume, bundle: toy(0)[1])


def test_a_reference_with_a_value_the_model_lacks_is_refused(tiny_model: Bundle, toys: Path) -> None:
    with pytest.raises(DataError, match=r"case_0 holds the value 3; tiny knows \[1, 4\]"):
        evaluate_model(tiny_model, cases(toys, 1), predictor=lambda volume, bundle: volume.values)
