"""Bringing intensities to a network's range, the same way in training and in prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Normalisation:
    """How intensities are brought to the network's range, within the region that is predicted.

    "window": `low`..`high` of the scan's own unit become −1..1, clipped. "per-volume": values are clipped to
    the percentiles `low`..`high` of the region, then shifted and scaled to mean 0 and standard deviation 1.
    """

    kind: Literal["window", "per-volume"]
    low: float
    high: float

    def apply(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Normalised float32 values, same shape; a constant region becomes zeros, a NaN the lower end."""
        x = np.nan_to_num(values.astype(np.float32), nan=-np.inf)
        if self.kind == "window":
            scaled = (np.clip(x, self.low, self.high) - self.low) * (2.0 / (self.high - self.low)) - 1.0
            return np.asarray(scaled, dtype=np.float32)
        finite = x[np.isfinite(x)]
        if finite.size == 0:
            return np.zeros_like(x)
        low, high = np.percentile(finite, [self.low, self.high])
        x = np.clip(x, low, high)
        deviation = float(x.std(dtype=np.float64))
        if deviation <= 1e-6 * max(1.0, abs(float(low)), abs(float(high))):
            return np.zeros_like(x)
        return np.asarray((x - x.mean(dtype=np.float64)) / deviation, dtype=np.float32)
