"""Is one model better than another on the same subjects? Paired differences and their test; no files, no models.

The subject is the unit, not the scan and not the training: what one person's scans and several seeds give is
averaged first, since they are not independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model.metrics import finite_or_none

FEWEST_SUBJECTS = 6
"""With five subjects the exact two-sided test cannot fall below p = 0.0625, whatever they say."""


@dataclass(frozen=True)
class PairedDifference:
    """What changes from the first model to the second, over the subjects both have a value for.

    Attributes:
        subjects: how many subjects were compared.
        first_mean: mean over those subjects of the first model; NaN where there is none.
        second_mean: likewise of the second.
        difference: mean of second − first.
        sd: sample standard deviation of the differences over subjects; NaN below two subjects.
        p: two-sided Wilcoxon signed-rank test of the differences; None where no test was made.
        note: one phrase that says what was tested, or why nothing was.
    """

    subjects: int
    first_mean: float
    second_mean: float
    difference: float
    sd: float
    p: float | None
    note: str

    def to_json(self) -> dict[str, object]:
        """The fields by name, null for what is not a number."""
        return {
            "subjects": self.subjects,
            "first_mean": finite_or_none(self.first_mean),
            "second_mean": finite_or_none(self.second_mean),
            "difference": finite_or_none(self.difference),
            "sd": finite_or_none(self.sd),
            "p": self.p,
            "note": self.note,
        }


def paired_difference(
    first: Mapping[str, Sequence[float]], second: Mapping[str, Sequence[float]]
) -> PairedDifference:
    """Compare two models subject by subject.

    `first` and `second` give every subject's values over its scans and the seeds of the training. NaN is not
    counted. A subject enters with the mean of its values, and only where both models have at least one. The test
    leaves out subjects without a difference (Wilcoxon 1945) and is not made where fewer than six are left.
    """
    ours, theirs = _subject_means(first), _subject_means(second)
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        nothing = math.nan
        return PairedDifference(0, nothing, nothing, nothing, nothing, None, "no subject in common; no test")
    before = np.array([ours[subject] for subject in common])
    after = np.array([theirs[subject] for subject in common])
    differences = after - before
    p, note = _signed_rank(differences)
    return PairedDifference(
        subjects=len(common),
        first_mean=float(before.mean()),
        second_mean=float(after.mean()),
        difference=float(differences.mean()),
        sd=float(differences.std(ddof=1)) if len(common) > 1 else math.nan,
        p=p,
        note=note,
    )


def _subject_means(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    counted = {
        subject: [value for value in found if not math.isnan(value)] for subject, found in values.items()
    }
    return {subject: sum(found) / len(found) for subject, found in counted.items() if found}


def _signed_rank(differences: np.ndarray) -> tuple[float | None, str]:
    subjects, moved = differences.size, differences[differences != 0]
    if subjects < FEWEST_SUBJECTS:
        return None, f"no test: {subjects} of at least {FEWEST_SUBJECTS} subjects"
    if moved.size < FEWEST_SUBJECTS:
        return None, f"no test: {moved.size} of {subjects} subjects differ, at least {FEWEST_SUBJECTS} must"
    from scipy.stats import wilcoxon

    equal = "" if moved.size == subjects else f", {subjects - moved.size} without a difference left out"
    return float(wilcoxon(moved).pvalue), f"Wilcoxon signed-rank, n = {moved.size}{equal}"
