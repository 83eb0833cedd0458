"""What accepting means."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from app.core.review import CaseState, decide
from model.grid import Grid

GRID = Grid((4, 5, 6), (10.0, 5.0, 2.0))  # a voxel is 0.1 mL


def prediction(labels: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(labels=labels)


def mask(*places: tuple[int, int, int], value: int = 1) -> np.ndarray:
    labels = np.zeros(GRID.shape, np.uint8)
    for place in places:
        labels[place] = value
    return labels


def test_an_unchanged_prediction_is_accepted() -> None:
    decision = decide(mask((1, 1, 1)), prediction(mask((1, 1, 1))), GRID)
    assert decision.kind is CaseState.ACCEPTED
    assert decision.changed_voxels == 0


def test_a_changed_one_is_corrected_with_what_was_added_and_removed() -> None:
    decision = decide(mask((1, 1, 1), (1, 2, 2), (3, 3, 3)), prediction(mask((1, 1, 1), (1, 0, 0))), GRID)
    assert decision.kind is CaseState.CORRECTED
    assert (decision.voxels_added, decision.voxels_removed) == (2, 1)
    assert (decision.ml_added, decision.ml_removed) == pytest.approx((0.2, 0.1))


def test_an_exchanged_label_counts_as_added_and_as_removed() -> None:
    decision = decide(mask((1, 1, 1), value=2), prediction(mask((1, 1, 1), value=1)), GRID)
    assert (decision.voxels_added, decision.voxels_removed, decision.changed_voxels) == (1, 1, 1)


def test_an_empty_mask_is_empty_whatever_the_prediction_said() -> None:
    assert decide(mask(), prediction(mask((1, 1, 1))), GRID).kind is CaseState.EMPTY
    assert decide(mask(), prediction(mask()), GRID).kind is CaseState.EMPTY
    assert decide(mask(), None, GRID).kind is CaseState.EMPTY


def test_what_a_reader_drew_alone_is_a_correction_counted_from_its_base() -> None:
    assert decide(mask((1, 1, 1)), None, GRID).voxels_added == 1
    decision = decide(mask((1, 1, 1)), None, GRID, base=mask((1, 1, 1)))
    assert decision.kind is CaseState.CORRECTED
    assert decision.changed_voxels == 0


def test_masks_of_two_sizes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        decide(mask(), prediction(np.zeros((1, 1, 1), np.uint8)), GRID)
