"""Whether a model knows when it is wrong: calibration of its probabilities, and entropy against error.

Both are asked near the reference's surface only. Far from it nearly every voxel is background that nobody doubts,
and the figures would tell how much air a scan holds. Pure functions on arrays (z, y, x); overlap is `metrics`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BAND_MM = 5.0
BINS = 15

Mask = npt.NDArray[np.bool_]


def near_surface(labels: npt.NDArray[np.generic], spacing: Sequence[float], mm: float = BAND_MM) -> Mask:
    """Voxels within `mm` of the surface of `labels` (z, y, x; spacing in mm along them): the band.

    A surface voxel has a neighbour across a face with another value, so the surface is two voxels thick and
    separates labels from each other as well as from background. Distances run between voxel centres. The edge
    of the array is no surface; without any surface the band is empty.
    """
    surface = np.zeros(labels.shape, dtype=bool)
    for axis in range(labels.ndim):
        before, after = _along(axis, slice(None, -1)), _along(axis, slice(1, None))
        changes = labels[before] != labels[after]
        surface[before] |= changes
        surface[after] |= changes
    if not surface.any():
        return surface
    from scipy.ndimage import distance_transform_edt

    # An edge of 1e-6 mm, so that spacings that are not binary fractions do not decide by rounding.
    return np.asarray(distance_transform_edt(~surface, sampling=tuple(spacing)) <= mm + 1e-6)


def calibration_error(confidence: npt.NDArray[np.floating], correct: Mask, bins: int = BINS) -> float:
    """Expected calibration error: how far confidence and the share of what is correct lie apart, 0 to 1.

    ECE = Σ n_b / N · |mean confidence in b − share correct in b| over `bins` equal bins of confidence in [0, 1]
    (Guo et al. 2017, eq. 3); the last bin holds 1. NaN without a voxel. Both arrays have one shape.
    """
    if confidence.size == 0:
        return math.nan
    flat = confidence.ravel().astype(np.float64)
    index = np.minimum((flat * bins).astype(np.intp), bins - 1)
    confident = np.bincount(index, weights=flat, minlength=bins)
    right = np.bincount(index, weights=correct.ravel(), minlength=bins)
    return float(np.abs(confident - right).sum() / flat.size)


def entropy_error_correlation(entropy: npt.NDArray[np.generic], error: Mask) -> float:
    """Spearman's rank correlation of entropy with error (0 or 1) over voxels, ties at their mean rank; −1 to 1.

    Above 0 the model is less certain where it is wrong. With two values of error it cannot reach 1 unless entropy
    has two values as well. NaN where there is no voxel, no error, nothing but errors, or one value of entropy.
    """
    if entropy.size == 0 or error.all() or not error.any() or entropy.min() == entropy.max():
        return math.nan
    from scipy.stats import spearmanr

    return float(spearmanr(entropy.ravel(), error.ravel().astype(np.uint8)).statistic)


def _along(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, part)
