"""Judging masks against references, case by case and label by label; the figures themselves are `scores`.

A prediction is compared on the scan's own grid. Which cases were trained on is for the caller to mind;
`held_back` gives those that a run with the default split kept back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.bundle import Bundle, BundleLabel
from model.calibration import BAND_MM, calibration_error, entropy_error_correlation, near_surface
from model.errors import DataError
from model.grid import Box, Float3
from model.metrics import dice, volume_bias, volume_difference_ml
from model.prediction import (
    DESCRIPTION_FILE,
    LABELS_FILE,
    Prediction,
    read_prediction,
    read_prediction_labels,
)
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.scan_io import read_labels
from model.scores import CaseScore, LabelScore, Presence
from model.scores import Evaluation as Evaluation  # what judging gives: imported from here
from model.surface_distances import margin, monai_distances, surface_distances
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

LabelValues = npt.NDArray[np.generic]

Predictor = Callable[[Volume, Bundle], Prediction | LabelValues]
"""What a model says of a scan, on the scan's grid: a prediction, or label values alone (z, y, x)."""


@dataclass(frozen=True, eq=False)
class _Answer:
    """What is judged: label values (z, y, x) and, where there are any, probabilities per label and entropy."""

    labels: LabelValues
    probabilities: tuple[npt.NDArray[np.uint8], ...] = ()
    entropy: npt.NDArray[np.uint8] | None = None

    @classmethod
    def of(cls, found: Prediction | LabelValues) -> _Answer:
        if isinstance(found, Prediction):
            return cls(found.labels, found.probabilities, found.entropy)
        return cls(found)

    def inside(self, box: Box) -> _Answer:
        """The part in `box`."""
        part = box.slices
        entropy = None if self.entropy is None else self.entropy[part]
        return _Answer(self.labels[part], tuple(each[part] for each in self.probabilities), entropy)


def evaluate_model(
    bundle: Bundle,
    files: Sequence[CaseFile],
    *,
    predictor: Predictor | None = None,
    monai: bool = False,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Evaluation:
    """Predict every case of `files` with `bundle` and score it, without any post-processing.

    `monai` asks for MONAI's surface distances as well. A predictor that gives label values alone leaves
    calibration and entropy undefined.

    Raises:
        DataError: if there is no case, no reference holds a label, or one holds a value the model has no label for.
        CannotPredict: if the model does not apply to a scan.
    """
    if not files:
        raise DataError(f"There is no case to evaluate {bundle.name} on; choose a data folder with labels.")
    predict = predictor or _predict
    scores = []
    for number, file in enumerate(files):
        stop_if(cancelled)
        report(number / len(files), f"{file.name}, {number + 1} of {len(files)}")
        volume, reference = read_case(file)
        _refuse_unknown(f"The reference of {file.name}", reference, bundle.labels, bundle.name)
        answer = _Answer.of(predict(volume, bundle))
        scores.append(
            _judge(file.name, file.subject, answer, reference, volume.grid.spacing, bundle.labels, monai)
        )
    _refuse_without_labels(scores, f"None of the {len(files)} references", bundle.labels)
    report(1.0, f"{len(files)} cases")
    return Evaluation(bundle.labels, tuple(scores))


def evaluate_folders(
    predicted: Path,
    reference: Path,
    *,
    monai: bool = False,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Evaluation:
    """Score the masks in `predicted` against those of equal names in `reference`.

    `predicted` holds label files, or one folder per case with `labels.nii.gz` as `gatelens predict` writes them;
    calibration and entropy are judged where such a folder holds a whole prediction. `reference` holds label files,
    or is a data folder with `labels/` or `labelsTr/`. Every case counts as a subject of its own.

    Raises:
        DataError: if a reference has no mask, neither holds a label, a value has no label, or the predictions come
            from models with different labels.
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
    known = _labels_of_predictions(masks[name] for name in references) or named_labels(reference)
    labels = known or _labels_found([path for name in references for path in (masks[name], references[name])])
    if not labels:
        raise DataError(
            f"Neither {predicted} nor {reference} holds a labelled voxel; there is nothing to score."
        )
    scores = []
    for number, (name, path) in enumerate(references.items()):
        stop_if(cancelled)
        report(number / len(references), name)
        truth = read_labels(path)
        answer = _Answer(read_labels(masks[name], like=truth.grid).labels)
        if _is_prediction(masks[name]):
            answer = _Answer.of(read_prediction(masks[name].parent, attention=False))
        _refuse_unknown(f"The reference {path}", truth.labels, labels, "what is judged")
        _refuse_unknown(f"The mask {masks[name]}", answer.labels, labels, "what is judged")
        scores.append(_judge(name, name, answer, truth.labels, truth.grid.spacing, labels, monai))
    return Evaluation(labels, tuple(scores))


def held_back(source: str, seed: int, share: float = VALIDATION_SHARE) -> tuple[CaseFile, ...]:
    """The cases of `source` that a training with this seed and share kept back for validation."""
    return split_by_subject(open_source(source).files, share, seed)[1]


def _judge(
    case: str,
    subject: str,
    answer: _Answer,
    reference: LabelValues,
    spacing: Float3,
    labels: Sequence[BundleLabel],
    monai: bool,
) -> CaseScore:
    """The scores of one case; everything happens in the box that holds mask, reference and the band round them."""
    box = _box_round((answer.labels != 0) | (reference != 0), spacing)
    answer, reference = answer.inside(box), reference[box.slices]
    scores = tuple(
        _judge_label(index, label.value, answer, reference, spacing, monai)
        for index, label in enumerate(labels)
    )
    if answer.entropy is None:
        return CaseScore(case, subject, scores)
    band = near_surface(reference, spacing)
    right = answer.labels[band] == reference[band]
    return CaseScore(
        case,
        subject,
        scores,
        ece=calibration_error(_confidence(answer, labels, band), right),
        entropy_error=entropy_error_correlation(answer.entropy[band], ~right),
    )


def _judge_label(
    index: int, value: int, answer: _Answer, reference: LabelValues, spacing: Float3, monai: bool
) -> LabelScore:
    mask, truth = answer.labels == value, reference == value
    box = _box_round(mask | truth, spacing)
    mask, truth, answer = mask[box.slices], truth[box.slices], answer.inside(box)
    ours = surface_distances(mask, truth, spacing)
    theirs = monai_distances(mask, truth, spacing) if monai else None
    ece = correlation = math.nan
    if answer.entropy is not None:
        band = near_surface(truth, spacing)
        ece = calibration_error(answer.probabilities[index][band] / 255, truth[band])
        correlation = entropy_error_correlation(answer.entropy[band], mask[band] != truth[band])
    return LabelScore(
        presence=_presence(bool(mask.any()), bool(truth.any())),
        dice=dice(mask, truth),
        volume_bias=volume_bias(mask, truth),
        volume_difference_ml=volume_difference_ml(mask, truth, spacing),
        hd95_mm=ours.hd95_mm,
        assd_mm=ours.assd_mm,
        monai_hd95_mm=math.nan if theirs is None else theirs.hd95_mm,
        monai_assd_mm=math.nan if theirs is None else theirs.assd_mm,
        ece=ece,
        entropy_error=correlation,
    )


def _confidence(
    answer: _Answer, labels: Sequence[BundleLabel], band: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """The probability of the predicted class in the voxels of `band`; background has what the labels leave."""
    shown = answer.labels[band]
    per_label = [probability[band] / 255 for probability in answer.probabilities]
    confidence = np.clip(1 - np.sum(per_label, axis=0), 0, 1)
    for label, probability in zip(labels, per_label, strict=True):
        confidence = np.where(shown == label.value, probability, confidence)
    return np.asarray(confidence, dtype=np.float64)


def _presence(found: bool, expected: bool) -> Presence:
    if expected:
        return Presence.BOTH if found else Presence.MISSED
    return Presence.SPURIOUS if found else Presence.ABSENT


def _box_round(inside: npt.NDArray[np.bool_], spacing: Float3) -> Box:
    """The box of what is inside with the band's margin; one voxel of the corner where nothing is."""
    box = Box.around(inside)
    if box is None:
        return Box((0, 0, 0), (1, 1, 1))
    return box.grown(margin(spacing, BAND_MM)).clipped(inside.shape)


def _refuse_unknown(what: str, values: LabelValues, labels: Sequence[BundleLabel], who: str) -> None:
    known = [label.value for label in labels]
    if unknown := sorted({int(value) for value in np.unique(values)} - {0, *known}):
        raise DataError(
            f"{what} holds the value {unknown[0]}; {who} knows {known}. Use labels with the same values, or remove it."
        )


def _refuse_without_labels(scores: Sequence[CaseScore], who: str, labels: Sequence[BundleLabel]) -> None:
    if all(
        label.presence in (Presence.SPURIOUS, Presence.ABSENT) for case in scores for label in case.labels
    ):
        names = ", ".join(label.name for label in labels)
        raise DataError(
            f"{who} holds a labelled voxel ({names}); check that the masks in labels/ are not empty."
        )


def _is_prediction(mask: Path) -> bool:
    return mask.name == LABELS_FILE and (mask.parent / DESCRIPTION_FILE).is_file()


def _labels_of_predictions(masks: Iterable[Path]) -> tuple[BundleLabel, ...]:
    """The labels that every whole prediction among `masks` agrees on; empty where there is none."""
    found: tuple[BundleLabel, ...] = ()
    first = ""
    for mask in masks:
        if not _is_prediction(mask):
            continue
        labels = read_prediction_labels(mask.parent)
        if found and labels != found:
            raise DataError(
                f"{first} and {mask.parent.name} in {mask.parent.parent} are predictions of models with different "
                "labels; judge each model's predictions on their own."
            )
        found, first = labels, first or mask.parent.name
    return found


def _labels_found(files: Sequence[Path]) -> tuple[BundleLabel, ...]:
    values = {int(value) for file in files for value in np.unique(read_labels(file).labels)}
    return label_palette(sorted(values))


def _predict(volume: Volume, bundle: Bundle) -> Prediction:
    from model.inference import predict

    return predict(volume, bundle)
