"""Ranges of intensity: exact for every type of values, and robust where they are measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tools.threshold import RANGE_PRESETS, in_range, range_at

limits = st.one_of(
    st.integers(-70_000, 70_000), st.floats(-300, 300), st.sampled_from([-np.inf, np.inf, 1e300, -1e300])
)


@given(st.sampled_from(["int8", "uint8", "int16", "uint16", "float16", "float32", "float64"]), limits, limits)
def test_a_value_is_in_range_as_its_exact_number_is(dtype, low, high) -> None:
    if dtype.startswith("float"):
        values = np.array([-np.inf, -300, -0.1, 0, 0.1, 0.3, 299.9, 65504, np.inf]).astype(dtype)
    else:
        info = np.iinfo(dtype)
        values = np.unique(np.linspace(info.min, info.max, 400).astype(dtype))
    numbers = [float(value) for value in values]

    assert in_range(values, low, high).tolist() == [low <= number <= high for number in numbers]
    if low <= high:
        outside = [number < low or number > high for number in numbers]
        assert in_range(values, low, high, inverse=True).tolist() == outside


def test_what_is_not_a_number_lies_neither_inside_nor_outside() -> None:
    values = np.array([np.nan, 1.0], np.float32)
    assert in_range(values, 0, 2).tolist() == [False, True]
    assert in_range(values, 0, 2, inverse=True).tolist() == [False, False]
    assert in_range(values, 2, 0, inverse=True).tolist() == [False, True]


def test_the_range_at_a_click_is_the_tissue_s_even_near_an_edge() -> None:
    rng = np.random.default_rng(0)
    values = np.where(np.arange(40) < 20, 60.0, -100.0) + rng.normal(0, 10, (12, 40, 40))

    found = range_at(values.astype(np.int16), (6.0, 20.0, 17.0), 5.0, (2.5, 1.0, 1.0))

    assert found is not None
    low, high = found
    assert 20 < low < 42  # 60 − 2.5 × 10 = 35, wider for the few fat voxels in the ball
    assert 78 < high < 100


def test_the_ball_of_a_click_is_measured_in_millimetres() -> None:
    values = np.zeros((5, 5, 5), np.int16)
    values[2, 2, 2] = 10
    values[2, 2, [0, 1, 3, 4]] = 10
    assert range_at(values, (2, 2, 2), 2.0, (5.0, 5.0, 1.0)) == (10.0, 10.0)  # along x alone
    assert range_at(values, (2, 2, 2), 0.0, (1.0, 1.0, 1.0)) == (10.0, 10.0)


@pytest.mark.parametrize("voxel", [(-1, 0, 0), (0, 0, 9), (0.0, float("nan"), 0.0), (0, 0, 1)])
def test_outside_the_volume_and_where_there_is_no_number_there_is_no_range(voxel: tuple) -> None:
    values = np.zeros((1, 3, 3), np.float32)
    values[0, 0, 1] = np.nan
    assert range_at(values, voxel, 3.0, (1.0, 1.0, 1.0)) is None


def test_presets_have_names_of_their_own_and_ranges_the_right_way_round() -> None:
    assert len({preset.name for preset in RANGE_PRESETS}) == len(RANGE_PRESETS)
    assert all(preset.low < preset.high for preset in RANGE_PRESETS)
