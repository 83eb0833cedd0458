"""Where windows lie, and that joining them changes nothing that they agree on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.grid import Box
from model.windows import SlabBlend, WindowPlan, cut_window, plan_windows

lengths = st.tuples(*[st.integers(1, 90)] * 3)
windows = st.tuples(*[st.integers(1, 48)] * 3)
strides = st.sampled_from([1, 2, 4, 8, 16])


@given(lengths, windows, strides)
def test_windows_start_on_the_stride_cover_the_region_and_overlap_enough(
    shape: tuple[int, int, int], window: tuple[int, int, int], stride: int
) -> None:
    plan = plan_windows(shape, window, stride)
    for length, size, starts in zip(shape, plan.window, plan.starts, strict=True):
        assert size % stride == 0
        assert all(start % stride == 0 for start in starts)
        assert starts[0] == 0
        assert starts[-1] + size >= length
        assert starts[-1] + size - length < stride
        steps = np.diff(starts)
        assert (steps > 0).all()
        assert (steps <= max(stride, 0.75 * size)).all()


@given(lengths, windows, strides)
def test_the_weights_of_all_windows_add_up_to_one_on_every_grid(
    shape: tuple[int, int, int], window: tuple[int, int, int], stride: int
) -> None:
    plan = plan_windows(shape, window, stride)
    factor = (stride, 1, max(1, stride // 2))
    total = np.zeros([length // by for length, by in zip(plan.padded, factor, strict=True)])
    for position in plan.positions():
        weights = plan.weights(position, factor)
        assert (weights > 0).all()
        start = [a // by for a, by in zip(plan.box(position).start, factor, strict=True)]
        total[tuple(slice(a, a + n) for a, n in zip(start, weights.shape, strict=True))] += weights
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


def test_a_region_smaller_than_a_window_gets_one_window_of_its_own_size() -> None:
    plan = plan_windows((35, 51, 35), (64, 64, 64), 8)
    assert (plan.window, plan.count) == ((40, 56, 40), 1)


def test_a_region_not_much_larger_than_a_window_is_not_computed_twice() -> None:
    assert plan_windows((96, 128, 128), (64, 96, 96), 16).count == 1
    assert plan_windows((112, 128, 128), (64, 96, 96), 16).starts[0] == (0, 48)


def test_neighbouring_windows_count_most_in_their_middle() -> None:
    plan = plan_windows((8, 8, 64), (8, 8, 32), 8)
    row = plan.weights((0, 0, 0))[0, 0]
    assert row[0] == pytest.approx(1.0)  # no other window reaches there
    shared = row[plan.starts[2][1] :]
    assert (np.diff(shared) < 0).all()
    assert shared[0] > 0.99
    assert shared[-1] < 0.01


def test_a_window_beyond_the_far_end_repeats_the_last_voxels() -> None:
    values = np.arange(6).reshape(1, 2, 3)
    window = cut_window(values, Box((0, 0, 1), (2, 2, 5)))
    assert window.shape == (2, 2, 4)
    assert window[1].tolist() == [[1, 2, 2, 2], [4, 5, 5, 5]]


@given(lengths, windows, strides)
def test_windows_of_one_array_join_to_that_array(
    shape: tuple[int, int, int], window: tuple[int, int, int], stride: int
) -> None:
    values = np.random.default_rng(1).random((2, *shape), dtype=np.float32)
    plan = plan_windows(shape, window, stride)
    np.testing.assert_allclose(_joined(plan, values), values, atol=1e-5)


def test_the_buffer_is_as_thick_as_one_window_however_long_the_region() -> None:
    plan = plan_windows((300, 16, 16), (32, 16, 16), 8)
    assert SlabBlend(plan, 1)._sum.nbytes == 32 * 16 * 16 * 4


def test_a_window_out_of_turn_is_refused() -> None:
    plan = plan_windows((60, 8, 8), (16, 8, 8), 8)
    with pytest.raises(ValueError, match="not of the slab"):
        SlabBlend(plan, 1).add((1, 0, 0), np.zeros((1, *plan.window), dtype=np.float32))


def _joined(plan: WindowPlan, values: np.ndarray) -> np.ndarray:
    """`values` (channel, z, y, x) cut into windows and joined again."""
    result = np.full_like(values, np.nan)
    blend = SlabBlend(plan, len(values))
    for position in plan.positions():
        blend.add(position, np.stack([cut_window(channel, plan.box(position)) for channel in values]))
        if (ready := blend.finished(position)) is not None:
            first, planes = ready
            result[:, first : first + planes.shape[1]] = planes
            blend.advance(planes.shape[1])
    return result
