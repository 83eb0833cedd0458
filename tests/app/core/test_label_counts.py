"""Voxels of each label are counted as a plain histogram would, and a step changes them by the difference."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.label_counts import change_of, count_labels
from app.core.patch import make_patch
from model.grid import Box


@pytest.mark.parametrize(
    ("kind", "highest"), [(np.uint8, 0), (np.uint8, 3), (np.uint8, 255), (np.uint16, 700)]
)
def test_labels_are_counted_and_their_changes_too(kind: type[np.unsignedinteger], highest: int) -> None:
    rng = np.random.default_rng(highest)
    before, after = (rng.integers(0, highest + 1, (7, 9, 11)).astype(kind) for _ in range(2))
    before[2] = 0
    counts = count_labels(before)
    assert counts.size == np.iinfo(kind).max + 1
    assert (counts == np.bincount(before.ravel(), minlength=counts.size)).all()
    patch = make_patch("x", 1, Box.whole(before.shape), before, after)
    if patch is None:
        assert highest == 0
        return
    for value, more in change_of(patch, kind).items():
        counts[value] += more
    assert (counts == count_labels(after)).all()
