"""How well a mask agrees with a reference in overlap and volume, and summaries over cases.

Dice = 2·|A ∩ B| / (|A| + |B|), over voxels of one grid. Where both masks are empty there is nothing to agree on:
the value is NaN and the case is left out of mean, sd and n. Where one is empty, Dice is 0 and counts.
Surfaces are `surface_distances`, probabilities `calibration`; where masks come from is `evaluation`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Summary:
    """Mean, sample standard deviation (0 for a single value), lowest value, and how many values were counted."""

    mean: float
    sd: float
    worst: float
    n: int

    def to_json(self) -> dict[str, object]:
        """{"mean", "sd", "n"} with null where nothing was counted."""
        empty = self.n == 0
        return {"mean": None if empty else self.mean, "sd": None if empty else self.sd, "n": self.n}


def dice(mask: npt.NDArray[np.generic], reference: npt.NDArray[np.generic]) -> float:
    """Dice overlap of two masks of one shape (non-zero is inside); NaN where both are empty.

    Raises:
        ValueError: if the shapes differ.
    """
    if mask.shape != reference.shape:
        raise ValueError(f"masks of shapes {mask.shape} and {reference.shape} lie on different grids")
    a, b = mask.astype(bool), reference.astype(bool)
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return math.nan if total == 0 else 2.0 * np.count_nonzero(a & b) / total


def volume_bias(mask: npt.NDArray[np.generic], reference: npt.NDArray[np.generic]) -> float:
    """(|A| − |B|) / |B| of mask A and reference B: above 0 the mask is too large, −1 where it is empty.

    NaN where the reference is empty, since there is nothing to compare a volume with.
    """
    expected = np.count_nonzero(reference)
    return math.nan if expected == 0 else (np.count_nonzero(mask) - expected) / expected


def volume_difference_ml(
    mask: npt.NDArray[np.generic], reference: npt.NDArray[np.generic], spacing: Sequence[float]
) -> float:
    """|A| − |B| in mL, with `spacing` in mm along z, y, x; NaN where both masks are empty."""
    found, expected = np.count_nonzero(mask), np.count_nonzero(reference)
    return math.nan if found == expected == 0 else (found - expected) * math.prod(spacing) / 1000


def finite_or_none(value: float) -> float | None:
    """The value as JSON can hold it: null for what is not a finite number."""
    return value if math.isfinite(value) else None


def summarise(values: Sequence[float]) -> Summary:
    """Mean, sd, worst and n of the values that are not NaN."""
    counted = np.asarray([value for value in values if not math.isnan(value)], dtype=float)
    if counted.size == 0:
        return Summary(math.nan, math.nan, math.nan, 0)
    sd = float(counted.std(ddof=1)) if counted.size > 1 else 0.0
    return Summary(float(counted.mean()), sd, float(counted.min()), int(counted.size))
