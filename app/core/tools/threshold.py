"""Ranges of intensity: which voxels lie in one, one measured from a click, and the usual ones of a CT.

It decides on values alone; where a brush paints with them is the brush's matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.tools.brush import BoolArray
from app.core.tools.cropping import index_in, one_voxel, voxel_at
from model.grid import Float3

Values = npt.NDArray[Any]
Range = tuple[float, float]

_SIGMAS = 2.5
"""Half the width of a measured range in standard deviations, as in SimpleITK's confidence-connected filter."""
_MAD_TO_SIGMA = 1.4826
"""A normal distribution's standard deviation, as a multiple of its median absolute deviation."""


@dataclass(frozen=True)
class RangePreset:
    """A named range of a CT, in HU, both ends included."""

    name: str
    text: str
    low: float
    high: float


RANGE_PRESETS: tuple[RangePreset, ...] = (
    RangePreset("air", "Air", -1100, -950),
    RangePreset("lung", "Lung", -950, -500),
    RangePreset("fat", "Fat", -190, -30),
    RangePreset("fluid", "Fluid", -10, 20),
    RangePreset("soft-tissue", "Soft tissue", -29, 150),
    RangePreset("contrast", "Vessels with contrast", 150, 500),
    RangePreset("bone", "Bone", 226, 3071),
    RangePreset("metal", "Metal", 2500, 32767),
)
"""Fat and soft tissue as body composition takes them (adipose −190 to −30, muscle −29 to 150 HU); bone from 226 HU,
the customary limit for surface models."""


def in_range(region: Values, low: float, high: float, inverse: bool = False) -> BoolArray:
    """Where the values of a region (any shape) lie in [low, high], or outside it with `inverse`.

    A value that is not a number lies neither inside nor outside.
    """
    limits = limits_in(region.dtype, low, high)
    if inverse:
        if limits is None:
            return np.asarray(region == region, np.bool_)
        outside: BoolArray = region < limits[0]
        outside |= region > limits[1]
        return outside
    if limits is None:
        return np.zeros(region.shape, np.bool_)
    inside: BoolArray = region >= limits[0]
    inside &= region <= limits[1]
    return inside


def limits_in(dtype: npt.DTypeLike, low: float, high: float) -> tuple[np.generic, np.generic] | None:
    """The range in a type of values: the smallest and the largest value of `dtype` within [low, high].

    Comparing whole numbers with limits of their own type needs no conversion, which makes it ten times faster.

    Returns:
        None where no value of that type lies in the range.
    """
    kind = np.dtype(dtype)
    if math.isnan(low) or math.isnan(high) or low > high:
        return None
    if kind.kind == "b":
        kind = np.dtype(np.uint8)
        first, last = 0, 1
    elif kind.kind in "iu":
        info = np.iinfo(kind)
        first, last = int(info.min), int(info.max)
    else:
        return _in_floats(kind, low, high)
    bottom = first if low <= first else math.ceil(min(low, last + 1))
    top = last if high >= last else math.floor(max(high, first - 1))
    return (kind.type(bottom), kind.type(top)) if bottom <= top else None


def _in_floats(kind: np.dtype[Any], low: float, high: float) -> tuple[np.generic, np.generic] | None:
    """The range in a type of floats, where rounding a limit must not let in what lies outside."""
    exact, most = np.array([low, high], np.float64), float(np.finfo(kind).max)
    limits = np.where(np.isinf(exact), exact, np.clip(exact, -most, most)).astype(kind)
    bottom, top = limits[0], limits[1]
    # As Python floats: numpy would round the limit before it compares.
    with np.errstate(over="ignore"):  # next to the greatest number lies infinity
        if float(bottom) < low:
            bottom = np.nextafter(bottom, kind.type(np.inf))
        if float(top) > high:
            top = np.nextafter(top, kind.type(-np.inf))
    return (bottom, top) if bottom <= top else None


def range_at(values: Values, voxel: Float3, radius_mm: float, spacing: Float3) -> Range | None:
    """The range of what lies round a clicked voxel: `likely_range` of a ball of `radius_mm` about it.

    Args:
        values: the scan (z, y, x).
        voxel: the clicked place (continuous z, y, x).
        radius_mm: the radius of the ball; under a voxel, the clicked voxel alone.
        spacing: mm between voxels along z, y, x.

    Returns:
        None outside the volume, or where there is no number.
    """
    seed = voxel_at(voxel, values.shape)
    if seed is None:
        return None
    reach = [math.floor(max(0.0, radius_mm) / mm + 1e-9) for mm in spacing]
    box = one_voxel(seed).grown(reach).clipped(values.shape)
    squared = sum(
        ((place - seed[axis]) * spacing[axis]) ** 2
        for axis, place in enumerate(
            np.ogrid[tuple(slice(a, b) for a, b in zip(box.start, box.stop, strict=True))]
        )
    )
    ball = np.asarray(squared <= radius_mm**2 * (1 + 1e-9))
    ball[index_in(seed, box)] = True
    return likely_range(values[box.slices][ball], float(values[seed]))


def likely_range(samples: Values, clicked: float) -> Range | None:
    """The range the tissue of some samples spreads over: median ± 2.5 robust standard deviations.

    Median and median absolute deviation, because a click near an edge has the neighbour's values among its own,
    and up to half of them may be. The clicked value always lies within.

    Returns:
        None where the clicked value or all samples are not finite.
    """
    if not math.isfinite(clicked):
        return None
    numbers = np.asarray(samples, np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size == 0:
        return None
    middle = float(np.median(numbers))
    half = _SIGMAS * _MAD_TO_SIGMA * float(np.median(np.abs(numbers - middle)))
    return min(middle - half, clicked), max(middle + half, clicked)
