"""Calibration and entropy on toys whose answers can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.calibration import calibration_error, entropy_error_correlation, near_surface


def test_a_model_that_is_right_as_often_as_it_says_is_calibrated() -> None:
    # 0.8 said of ten voxels, eight of them right; 0.5 of four, two right.
    confidence = np.array([0.8] * 10 + [0.5] * 4)
    right = np.array([True] * 8 + [False] * 2 + [True, False] * 2)
    assert calibration_error(confidence, right) == pytest.approx(0.0, abs=1e-12)


def test_an_overconfident_model_is_wrong_by_the_difference() -> None:
    # Certain of ten voxels, six right: 0.4. Bins count by their size: (10 · 0.4 + 10 · 0) / 20.
    certain, right = np.ones(10), np.array([True] * 6 + [False] * 4)
    assert calibration_error(certain, right) == pytest.approx(0.4)
    both = np.concatenate([certain, np.zeros(10)]), np.concatenate([right, np.zeros(10, dtype=bool)])
    assert calibration_error(*both) == pytest.approx(0.2)


def test_errors_in_opposite_directions_do_not_cancel_between_bins() -> None:
    assert calibration_error(np.array([0.1, 0.9]), np.array([True, False])) == pytest.approx(0.9)


def test_calibration_of_nothing_is_undefined() -> None:
    assert math.isnan(calibration_error(np.array([]), np.array([], dtype=bool)))


def test_entropy_that_is_high_where_the_error_is_has_a_positive_correlation() -> None:
    entropy = np.array([0, 10, 20, 200], dtype=np.uint8)
    error = np.array([False, False, False, True])
    # Ranks 1 2 3 4 against 2 2 2 4: Σ(−1.5·−0.5 −0.5·−0.5 +0.5·−0.5 +1.5·1.5) / √(5 · 3) = 3 / √15.
    assert entropy_error_correlation(entropy, error) == pytest.approx(3 / math.sqrt(15))
    assert entropy_error_correlation(entropy[::-1].copy(), error) == pytest.approx(-3 / math.sqrt(15))


@pytest.mark.parametrize("error", [[False] * 3, [True] * 3])
def test_without_both_right_and_wrong_voxels_the_correlation_is_undefined(error: list[bool]) -> None:
    assert math.isnan(entropy_error_correlation(np.array([1, 2, 3], dtype=np.uint8), np.array(error)))


def test_a_flat_entropy_has_no_correlation() -> None:
    assert math.isnan(entropy_error_correlation(np.full(3, 7, np.uint8), np.array([True, False, True])))


@pytest.mark.parametrize(("axis", "layers"), [(0, 2 * 3), (1, 2 * 6), (2, 2 * 5)])
def test_the_band_reaches_five_millimetres_beyond_the_surface_along_every_axis(
    axis: int, layers: int
) -> None:
    # Two half spaces meet: on each side the layer at the surface, and 5 // spacing more.
    labels = np.zeros((30, 30, 30), dtype=np.uint8)
    np.moveaxis(labels, axis, 0)[15:] = 1
    band = near_surface(labels, (2.5, 1.0, 1.2))
    assert np.count_nonzero(band) == layers * 30 * 30


def test_two_labels_have_a_surface_between_them_and_one_value_has_none() -> None:
    labels = np.ones((6, 6, 6), dtype=np.uint8)
    assert not near_surface(labels, (1, 1, 1)).any()
    labels[3:] = 2
    assert near_surface(labels, (1, 1, 1), mm=0.5).sum() == 2 * 36
