"""Paired differences: the subject is the unit, and a test is made only where it can say something."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import wilcoxon

from model.comparison import paired_difference


def test_scans_and_seeds_of_a_subject_are_averaged_before_subjects_are() -> None:
    # a: 0.6 -> 0.8 over three values; b: 0.5 -> 0.6. A mean over values would weigh a threefold.
    found = paired_difference({"a": [0.5, 0.6, 0.7], "b": [0.5]}, {"a": [0.8], "b": [0.6, 0.6]})
    assert found.subjects == 2
    assert (found.first_mean, found.second_mean) == (pytest.approx(0.55), pytest.approx(0.7))
    assert found.difference == pytest.approx(0.15)
    assert found.sd == pytest.approx(0.1 / math.sqrt(2))


def test_the_test_is_scipys_on_the_differences() -> None:
    random = np.random.default_rng(4)
    before, after = random.normal(0.8, 0.05, 20), random.normal(0.82, 0.05, 20)
    found = paired_difference(
        {str(i): [v] for i, v in enumerate(before)}, {str(i): [v] for i, v in enumerate(after)}
    )
    assert found.p == pytest.approx(float(wilcoxon(after, before).pvalue))
    assert "n = 20" in found.note


def test_six_subjects_that_all_gain_have_the_least_p_there_is() -> None:
    # 2 of the 2**6 ways to give six differences a sign are as extreme.
    first = {str(i): [0.1 * i] for i in range(6)}
    second = {str(i): [0.1 * i + 0.01 * (i + 1)] for i in range(6)}
    assert paired_difference(first, second).p == pytest.approx(2 / 64)
    assert paired_difference(second, first).difference < 0


def test_fewer_than_six_subjects_are_not_tested() -> None:
    found = paired_difference({str(i): [0.0] for i in range(5)}, {str(i): [1.0] for i in range(5)})
    assert found.p is None
    assert "5 of at least 6" in found.note


def test_subjects_without_a_difference_do_not_count_for_the_test() -> None:
    same = {str(i): [0.5] for i in range(8)}
    assert paired_difference(same, same).p is None
    assert paired_difference(same, same).difference == 0
    moved = {key: [0.5 + 0.01 * i if i else 0.5] for i, key in enumerate(same)}
    found = paired_difference(same, moved)
    assert "n = 7, 1 without a difference" in found.note


def test_only_subjects_both_have_a_value_for_are_compared() -> None:
    found = paired_difference({"a": [0.5], "b": [math.nan], "c": [0.1]}, {"a": [math.nan, 0.7], "b": [0.2]})
    assert found.subjects == 1
    assert found.difference == pytest.approx(0.2)
    assert math.isnan(found.sd)
    nothing = paired_difference({"a": [1.0]}, {"b": [1.0]})
    assert nothing.subjects == 0
    assert nothing.to_json()["difference"] is None
