"""Judging masks against references, case by case and label by label; the measures themselves are `metrics`.

A prediction is compared on the scan's own grid. Which cases were trained on is for the caller to mind;
`held_back` gives those that a run with the default split kept back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.bundle import Bundle, BundleLabel
from model.errors import DataError
from model.metrics import Summary, dice, summarise
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.scan_io import read_labels
from model.training.config import VALIDATION_SHARE
from model.training.data import (
    CaseFile,
    label_files,
    label_palette,
    named_labels,
    open_source,
    read_case,
    split_by_subject,
)
from model.volume import Volume

Predictor = Callable[[Volume, Bundle], npt.NDArray[np.generic]]
"""Label values (z, y, x) a model gives a scan, on the scan's grid."""


@dataclass(frozen=True)
class CaseScore:
    """Dice per label of one case, in the evaluation's label order; NaN where reference and mask are both empty."""

    case: str
    subject: str
    dice: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """Scores of every case, with a summary per label.

    Empty masks: where both are empty the case does not count for that label; where one is, Dice is 0.
    """

    labels: tuple[BundleLabel, ...]
    cases: tuple[CaseScore, ...]

    def summary(self, index: int) -> Summary:
        """Mean, sd, worst and n of the Dice of label number `index`."""
        return summarise([case.dice[index] for case in self.cases])

    def to_json(self) -> dict[str, object]:
        """{"labels": {name: {"dice": {"mean", "sd", "n"}}}, "cases": [{"case", "subject", "labels"}]}."""
        return {
            "labels": {
                label.name: {"dice": self.summary(i).to_json()} for i, label in enumerate(self.labels)
            },
            "cases": [
                {
                    "case": case.case,
                    "subject": case.subject,
                    "labels": {
                        label.name: {"dice": None if math.isnan(value) else value}
                        for label, value in zip(self.labels, case.dice, strict=True)
                    },
                }
                for case in self.cases
            ],
        }


def evaluate_model(
    bundle: Bundle,
    files: Sequence[CaseFile],
    *,
    predictor: Predictor | None = None,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Evaluation:
    """Predict every case of `files` with `bundle` and score it, without any post-processing.

    Raises:
        DataError: if there is no case, or a reference holds a value the model has no label for.
        CannotPredict: if the model does not apply to a scan.
    """
    if not files:
        raise DataError(f"There is no case to evaluate {bundle.name} on; choose a data folder with labels.")
    predict = predictor or _predict
    values = [label.value for label in bundle.labels]
    scores = []
    for number, file in enumerate(files):
        stop_if(cancelled)
        report(number / len(files), f"{file.name}, {number + 1} of {len(files)}")
        volume, reference = read_case(file)
        if unknown := sorted({int(value) for value in np.unique(reference)} - {0, *values}):
            raise DataError(
                f"The reference of {file.name} holds the value {unknown[0]}; {bundle.name} knows {values}."
            )
        scores.append(CaseScore(file.name, file.subject, _dice(predict(volume, bundle), reference, values)))
    report(1.0, f"{len(files)} cases")
    return Evaluation(bundle.labels, tuple(scores))


def evaluate_folders(
    predicted: Path, reference: Path, *, report: Report = silent, cancelled: CancelCheck = never
) -> Evaluation:
    """Score the masks in `predicted` against those of equal names in `reference`.

    `predicted` holds label files, or one folder per case with `labels.nii.gz` as `gatelens predict` writes them;
    `reference` holds label files, or is a data folder with `labels/` or `labelsTr/`.

    Raises:
        DataError: if a reference has no mask, or neither holds a label.
        ScanError: if a mask lies on another grid than its reference.
    """
    references = label_files(reference)
    masks = label_files(predicted)
    if not references:
        raise DataError(f"{reference} holds no reference label; give a folder of labels or a data folder.")
    if missing := sorted(set(references) - set(masks)):
        raise DataError(
            f"{predicted} has no mask for {missing[0]}; predict it first or leave its reference out."
        )
    pairs = []
    for number, (name, path) in enumerate(references.items()):
        stop_if(cancelled)
        report(number / len(references), name)
        truth = read_labels(path)
        pairs.append((name, read_labels(masks[name], like=truth.grid).labels, truth.labels))
    found = sorted(
        {int(value) for _, mask, truth in pairs for array in (mask, truth) for value in np.unique(array)}
    )
    labels = named_labels(reference) or label_palette(found)
    if not labels:
        raise DataError(
            f"Neither {predicted} nor {reference} holds a labelled voxel; there is nothing to score."
        )
    values = [label.value for label in labels]
    return Evaluation(
        labels, tuple(CaseScore(name, name, _dice(mask, truth, values)) for name, mask, truth in pairs)
    )


def held_back(source: str, seed: int, share: float = VALIDATION_SHARE) -> tuple[CaseFile, ...]:
    """The cases of `source` that a training with this seed and share kept back for validation."""
    return split_by_subject(open_source(source).files, share, seed)[1]


def _dice(
    mask: npt.NDArray[np.generic], reference: npt.NDArray[np.generic], values: Sequence[int]
) -> tuple[float, ...]:
    return tuple(dice(mask == value, reference == value) for value in values)


def _predict(volume: Volume, bundle: Bundle) -> npt.NDArray[np.generic]:
    from model.inference import predict

    return predict(volume, bundle).labels
