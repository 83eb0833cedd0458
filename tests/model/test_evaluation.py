"""Judging masks and models on cases: folders against folders, a model on labelled scans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import DataError
from model.evaluation import evaluate_folders, evaluate_model
from model.grid import Grid
from model.scan_io import write_labels
from model.training.data import CaseFile
from tests.model.toys import SHAPE, toy


def test_masks_in_a_folder_or_as_predict_writes_them_are_scored_against_references(
    toys: Path, tmp_path: Path
) -> None:
    truth = toy(0)[1]
    wrong = np.where(truth == 3, 0, truth)
    flat, cases = tmp_path / "flat", tmp_path / "cases"
    for number in range(10):
        mask = wrong if number == 0 else toy(number)[1]
        (cases / f"case_{number}").mkdir(parents=True)
        flat.mkdir(exist_ok=True)
        write_labels(flat / f"case_{number}.nii.gz", mask, Grid(SHAPE))
        write_labels(cases / f"case_{number}" / "labels.nii.gz", mask, Grid(SHAPE))

    one, other = evaluate_folders(flat, toys), evaluate_folders(cases, toys / "labels")

    assert one == other
    assert one.cases[0].dice == (1.0, 0.0)
    found = one.to_json()
    assert found["labels"] == {
        "label 1": {"dice": {"mean": 1.0, "sd": 0.0, "n": 10}},
        "label 3": {"dice": {"mean": pytest.approx(0.9), "sd": pytest.approx(0.31622776), "n": 10}},
    }
    (flat / "case_4.nii.gz").unlink()
    with pytest.raises(DataError, match="no mask for case_4"):
        evaluate_folders(flat, toys)


def test_an_evaluation_of_nothing_is_refused(tiny_model: object, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no case to evaluate"):
        evaluate_model(tiny_model, ())  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no reference label"):
        evaluate_folders(tmp_path, tmp_path / "nothing")


def test_a_reference_with_a_value_the_model_lacks_is_refused(tiny_model: object, toys: Path) -> None:
    file = CaseFile("case_0", "s", toys / "images/case_0.nii.gz", toys / "labels/case_0.nii.gz")
    with pytest.raises(DataError, match="value 3"):
        evaluate_model(tiny_model, (file,), predictor=lambda volume, bundle: volume.values)  # type: ignore[arg-type]
