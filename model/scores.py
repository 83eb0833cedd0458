"""What an evaluation found: scores of every case and label, their summaries, and two evaluations side by side.

Values only. How a score comes about is `evaluation`; what each measure means, its unit and its rule for empty
masks stand in `docs/evaluation.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from model.bundle import BundleLabel
from model.comparison import PairedDifference, paired_difference
from model.metrics import Summary, finite_or_none, summarise


class Presence(StrEnum):
    """Where a label is: in both masks, in the reference alone, in the mask alone, or in neither."""

    BOTH = "both"
    MISSED = "missed"
    SPURIOUS = "spurious"
    ABSENT = "absent"


@dataclass(frozen=True)
class LabelScore:
    """One label of one case; NaN where a measure is undefined or was not asked for."""

    presence: Presence
    dice: float
    volume_bias: float
    volume_difference_ml: float
    hd95_mm: float = math.nan
    assd_mm: float = math.nan
    monai_hd95_mm: float = math.nan
    monai_assd_mm: float = math.nan
    ece: float = math.nan
    entropy_error: float = math.nan


@dataclass(frozen=True)
class CaseScore:
    """One case: a score per label in the evaluation's label order, and certainty over all labels together."""

    case: str
    subject: str
    labels: tuple[LabelScore, ...]
    ece: float = math.nan
    entropy_error: float = math.nan

    @property
    def dice(self) -> tuple[float, ...]:
        """Dice per label; NaN where reference and mask are both empty."""
        return tuple(score.dice for score in self.labels)


@dataclass(frozen=True)
class Measure:
    """One figure of a label: its key in JSON, its name and unit in tables, and how many decimals are shown."""

    key: str
    title: str
    decimals: int
    of: Callable[[LabelScore], float]
    factor: float = 1.0


MEASURES: tuple[Measure, ...] = (
    Measure("dice", "Dice", 3, lambda score: score.dice),
    Measure("hd95_mm", "HD95, mm", 2, lambda score: score.hd95_mm),
    Measure("assd_mm", "ASSD, mm", 2, lambda score: score.assd_mm),
    Measure("monai_hd95_mm", "HD95 by MONAI, mm", 2, lambda score: score.monai_hd95_mm),
    Measure("monai_assd_mm", "ASSD by MONAI, mm", 2, lambda score: score.monai_assd_mm),
    Measure("volume_bias", "volume bias, %", 1, lambda score: score.volume_bias, 100.0),
    Measure("volume_difference_ml", "volume difference, mL", 2, lambda score: score.volume_difference_ml),
    Measure("ece", "calibration error (ECE)", 3, lambda score: score.ece),
    Measure("entropy_error_spearman", "entropy–error Spearman ρ", 2, lambda score: score.entropy_error),
)


@dataclass(frozen=True)
class Evaluation:
    """Scores of every case, with a summary per label.

    Empty masks: where both are empty the case does not count for that label; where one is, Dice is 0 and counts,
    distances are undefined and do not. `count` says how often each of it happened.
    """

    labels: tuple[BundleLabel, ...]
    cases: tuple[CaseScore, ...]

    def summary(self, index: int, measure: Measure = MEASURES[0]) -> Summary:
        """Mean, sd, worst and n of a measure of label number `index`; without a measure, of its Dice."""
        return summarise([measure.of(case.labels[index]) for case in self.cases])

    def count(self, index: int, presence: Presence) -> int:
        """In how many cases label number `index` is where `presence` says."""
        return sum(case.labels[index].presence is presence for case in self.cases)

    @property
    def ece(self) -> Summary:
        """Calibration error over all labels together, per case."""
        return summarise([case.ece for case in self.cases])

    @property
    def entropy_error(self) -> Summary:
        """Rank correlation of entropy with error over all labels together, per case."""
        return summarise([case.entropy_error for case in self.cases])

    def to_json(self) -> dict[str, object]:
        """{"labels": {name: {measure: {"mean", "sd", "n"}}}, "all_labels": {…}, "cases": […]}; NaN is null."""
        return {
            "labels": {label.name: self._label_json(index) for index, label in enumerate(self.labels)},
            "all_labels": {
                "ece": self.ece.to_json(),
                "entropy_error_spearman": self.entropy_error.to_json(),
            },
            "cases": [self._case_json(case) for case in self.cases],
        }

    def _label_json(self, index: int) -> dict[str, object]:
        figures: dict[str, object] = {m.key: self.summary(index, m).to_json() for m in MEASURES}
        return figures | {where.value: self.count(index, where) for where in Presence}

    def _case_json(self, case: CaseScore) -> dict[str, object]:
        return {
            "case": case.case,
            "subject": case.subject,
            "labels": {
                label.name: {"presence": score.presence.value}
                | {measure.key: finite_or_none(measure.of(score)) for measure in MEASURES}
                for label, score in zip(self.labels, case.labels, strict=True)
            },
            "ece": finite_or_none(case.ece),
            "entropy_error_spearman": finite_or_none(case.entropy_error),
        }


@dataclass(frozen=True)
class LabelComparison:
    """What changes for one label from the first model to the second, per measure of `MEASURES`."""

    label: BundleLabel
    differences: tuple[PairedDifference, ...]


def compare(first: Sequence[Evaluation], second: Sequence[Evaluation]) -> tuple[LabelComparison, ...]:
    """Paired differences, second − first, per label both know and per measure.

    Each side is one model, or several trainings of it with different seeds. The values of a subject are averaged
    over its scans and over those trainings before anything is compared.
    """
    found = []
    for label in first[0].labels:
        sides = [[_index_of(label.value, each) for each in side] for side in (first, second)]
        if any(index is None for side in sides for index in side):
            continue
        differences = tuple(
            paired_difference(
                _by_subject(first, label.value, measure), _by_subject(second, label.value, measure)
            )
            for measure in MEASURES
        )
        found.append(LabelComparison(label, differences))
    return tuple(found)


def _by_subject(evaluations: Sequence[Evaluation], value: int, measure: Measure) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for evaluation in evaluations:
        index = _index_of(value, evaluation)
        assert index is not None
        for case in evaluation.cases:
            values.setdefault(case.subject, []).append(measure.of(case.labels[index]))
    return values


def _index_of(value: int, evaluation: Evaluation) -> int | None:
    values = [label.value for label in evaluation.labels]
    return values.index(value) if value in values else None
