"""How many voxels each label of a mask has: counted once, then kept up from what changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.core.patch import Labels, Patch

LabelCounts = npt.NDArray[np.int64]
CountChange = dict[int, int]

_FEW_VALUES = 8
"""Up to so many labels each is compared and counted alone, several times faster than `np.bincount`."""


@dataclass(frozen=True)
class LabelVolume:
    """How much of a label there is."""

    value: int
    voxels: int
    ml: float


def count_labels(labels: Labels) -> LabelCounts:
    """How often each value occurs in a mask, index by value."""
    counts = np.zeros(np.iinfo(labels.dtype).max + 1, np.int64)
    for plane in labels:
        counts += counted(plane, counts.size)
    return counts


def change_of(patch: Patch, dtype: npt.DTypeLike) -> CountChange:
    """What a patch adds to the counts of a mask of `dtype`, by value; those that stay the same are left out."""
    size = np.iinfo(np.dtype(dtype)).max + 1
    change = np.zeros(size, np.int64)
    for before, after in zip(patch.values_before(dtype), patch.values_after(dtype), strict=True):
        change += counted(after, size)
        change -= counted(before, size)
    return {int(value): int(change[value]) for value in np.flatnonzero(change)}


def counted(values: Labels, size: int) -> LabelCounts:
    """How often each value occurs; planes without any label, most of a scan, take no time."""
    if not np.count_nonzero(values):
        counts = np.zeros(size, np.int64)
        counts[0] = values.size
        return counts
    highest = int(values.max())
    if highest <= _FEW_VALUES:
        counts = np.zeros(size, np.int64)
        for value in range(1, highest + 1):
            counts[value] = np.count_nonzero(values == value)
        counts[0] = values.size - counts.sum()
        return counts
    return np.bincount(values.ravel(), minlength=size).astype(np.int64)
