"""Dice, volumes and their summary, empty masks included."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.metrics import dice, summarise, volume_bias, volume_difference_ml


def cube(start: int, stop: int) -> np.ndarray:
    mask = np.zeros((10, 10, 10), dtype=np.uint8)
    mask[start:stop, 2:4, 2:4] = 1
    return mask


def test_dice_is_twice_the_overlap_over_the_sum_of_both() -> None:
    # 4 and 6 slices of 4 voxels, 2 slices in common: 2 · 8 / (16 + 24).
    assert dice(cube(0, 4), cube(2, 8)) == pytest.approx(0.4)


def test_equal_masks_agree_wholly_and_disjoint_ones_not_at_all() -> None:
    assert dice(cube(1, 5), cube(1, 5) * 7) == 1.0
    assert dice(cube(0, 3), cube(5, 9)) == 0.0


def test_two_empty_masks_do_not_count_and_one_empty_mask_counts_as_a_miss() -> None:
    nothing = np.zeros((10, 10, 10), dtype=np.uint8)
    assert math.isnan(dice(nothing, nothing))
    assert dice(nothing, cube(0, 2)) == dice(cube(0, 2), nothing) == 0.0
    summary = summarise([math.nan, 0.5, 0.0])
    assert (summary.n, summary.mean, summary.worst) == (2, 0.25, 0.0)


def test_volumes_are_compared_with_the_reference_in_parts_and_in_millilitres() -> None:
    # 24 voxels against 16 of 2 × 1 × 0.5 mm: half as much again, 8 mm³ more.
    assert volume_bias(cube(0, 6), cube(0, 4)) == pytest.approx(0.5)
    assert volume_difference_ml(cube(0, 6), cube(0, 4), (2.0, 1.0, 0.5)) == pytest.approx(0.008)
    nothing = cube(0, 0)
    assert volume_bias(nothing, cube(0, 4)) == -1.0
    assert math.isnan(volume_bias(cube(0, 4), nothing))
    assert math.isnan(volume_difference_ml(nothing, nothing, (1.0, 1.0, 1.0)))


def test_masks_on_other_grids_are_not_compared() -> None:
    with pytest.raises(ValueError, match=r"\(10, 10, 9\)"):
        dice(cube(0, 4)[..., :9], cube(0, 4))


def test_a_summary_has_the_sample_deviation_and_none_of_a_single_value() -> None:
    assert summarise([0.8, 0.9, 1.0]).sd == pytest.approx(0.1)
    assert summarise([0.8]).sd == 0.0


def test_a_summary_of_nothing_is_null_in_json() -> None:
    assert summarise([]).to_json() == {"mean": None, "sd": None, "n": 0}
    assert summarise([0.5, 1.0]).to_json() == {"mean": 0.75, "sd": pytest.approx(0.35355339), "n": 2}
