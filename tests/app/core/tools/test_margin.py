"""Margins against distances worked out voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.tools import margin as margins
from app.core.tools.margin import Ball, margin, within_reach
from model.errors import Cancelled
from model.grid import Box
from tests.app.core.tools.slow_references import ball, grown, masks, replaced, shrunk, spacings

distances_mm = st.sampled_from([0.5, 0.8, 1.0, 1.25, 2.0, 3.0, 4.1, 5.0, 7.3])


@given(masks(), distances_mm, spacings)
def test_growing_takes_every_voxel_within_the_distance(mask, mm, spacing) -> None:
    assert (replaced(margin(mask, mm, spacing), mask) == grown(mask, mm, spacing)).all()


@given(masks(), distances_mm, spacings)
def test_shrinking_leaves_every_voxel_farther_than_the_distance_from_background(mask, mm, spacing) -> None:
    assert (replaced(margin(mask, -mm, spacing), mask) == shrunk(mask, mm, spacing)).all()


@given(masks(), distances_mm, spacings)
@settings(max_examples=30)
def test_the_union_of_lines_and_the_distance_transform_agree(mask, mm, spacing) -> None:
    shape = Ball.of(mm, spacing)
    with pytest.MonkeyPatch.context() as patch:
        lines = within_reach(mask, shape)
        patch.setattr(margins, "_MANY_LINES", 0)
        assert (within_reach(mask, shape) == lines).all()


@given(distances_mm, spacings)
def test_a_ball_holds_the_voxels_within_its_radius(mm, spacing) -> None:
    assert Ball.of(mm, spacing).size == ball(mm, spacing).sum()


def test_a_grown_voxel_reaches_as_many_millimetres_along_every_axis() -> None:
    mask = np.zeros((5, 9, 17), bool)
    mask[2, 4, 8] = True

    found = margin(mask, 4.0, (4.0, 2.0, 1.0))

    assert found is not None
    assert found.box == Box((1, 2, 4), (4, 7, 13))  # 1 voxel of 4 mm, 2 of 2 mm, 4 of 1 mm either way
    after = replaced(found, mask)
    assert after[3, 4, 8]  # exactly 4 mm away: on the rim
    assert not after[3, 4, 9]  # √(4² + 1²) = 4.12 mm away


def test_a_mask_that_the_scan_cuts_off_is_not_shrunk_from_there() -> None:
    mask = np.zeros((6, 5, 5), bool)
    mask[:4] = True

    found = margin(mask, -2.0, (1.0, 1.0, 1.0))

    assert found is not None
    assert replaced(found, mask).any(axis=(1, 2)).tolist() == [True, True, False, False, False, False]
    assert replaced(found, mask)[:2].all()


def test_shrinking_by_more_than_the_mask_leaves_nothing() -> None:
    mask = np.zeros((5, 5, 5), bool)
    mask[1:4, 1:4, 1:4] = True
    found = margin(mask, -3.0, (1.0, 1.0, 1.0))
    assert found is not None
    assert not found.mask.any()


@pytest.mark.parametrize("mm", [0.0, 0.99, -0.99, float("nan")])
def test_a_margin_under_a_voxel_changes_nothing(mm: float) -> None:
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    assert margin(mask, mm, (1.0, 1.0, 1.0)) is None


@pytest.mark.parametrize("mm", [3.0, -3.0])
@pytest.mark.parametrize("filled", [False, True])
def test_an_empty_mask_and_a_full_volume_have_no_margin(mm: float, filled: bool) -> None:
    assert margin(np.full((1, 4, 4), filled), mm, (1.0, 1.0, 1.0)) is None


def test_a_cancelled_margin_stops_at_the_next_slice() -> None:
    asked = []

    def after_two() -> bool:
        asked.append(True)
        return len(asked) > 2

    mask = np.ones((50, 4, 4), bool)
    mask[-1] = False
    with pytest.raises(Cancelled):
        margin(mask, 2.0, (1.0, 1.0, 1.0), cancelled=after_two)
    assert len(asked) == 3
