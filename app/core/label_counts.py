"""How many voxels each label of a mask has: counted once, then kept up from what changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.core.patch import Labels

LabelCounts = npt.NDArray[np.int64]


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


def counted(values: Labels, size: int) -> LabelCounts:
    """How often each value occurs; planes without any label, most of a scan, take no time."""
    if not np.count_nonzero(values):
        counts = np.zeros(size, np.int64)
        counts[0] = values.size
        return counts
    return np.bincount(values.ravel(), minlength=size).astype(np.int64)
