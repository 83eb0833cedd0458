"""Islands against scipy's labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from app.core.tools import islands
from app.core.tools.islands import component_at, largest, smaller_than
from model.errors import Cancelled
from model.grid import Box
from tests.app.core.tools.slow_references import flooded, masks, painted

BY_CORNERS = np.ones((3, 3, 3), bool)


def by_scipy(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pieces, count = ndimage.label(mask, BY_CORNERS)
    return pieces, np.array([(pieces == number).sum() for number in range(1, count + 1)])


@given(masks())
def test_all_but_the_largest_island_is_to_be_removed(mask) -> None:
    pieces, sizes = by_scipy(mask)
    # scipy numbers in raster order too, so the first of equal ones is argmax.
    keep = pieces == (np.argmax(sizes) + 1 if sizes.size else -1)
    assert (painted(largest(mask), mask.shape) == (mask & ~keep)).all()


@given(masks(), st.sampled_from([0, 1, 2, 3, 2.5, 10, 1e9]))
def test_islands_of_fewer_voxels_are_to_be_removed(mask, voxels) -> None:
    pieces, sizes = by_scipy(mask)
    small = np.isin(pieces, np.flatnonzero(sizes < voxels) + 1)
    assert (painted(smaller_than(mask, voxels), mask.shape) == small).all()


@given(masks(), st.data())
def test_the_clicked_island_is_all_that_hangs_together_with_it(mask, data) -> None:
    seed = data.draw(st.tuples(*(st.integers(0, n - 1) for n in mask.shape)))
    assert (painted(component_at(mask, seed), mask.shape) == flooded(mask, seed, BY_CORNERS)).all()


def test_voxels_that_touch_by_a_corner_are_one_island() -> None:
    mask = np.zeros((3, 3, 3), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    assert largest(mask) is None


def test_every_second_voxel_of_one_line_is_an_island() -> None:
    mask = np.array([[[True, False, True, False, True]]])
    assert painted(largest(mask), mask.shape).ravel().tolist() == [False, False, True, False, True]


def test_of_equal_islands_the_first_stays() -> None:
    mask = np.zeros((5, 5, 5), bool)
    mask[0, 0, 0] = mask[2, 2, 2] = mask[4, 4, 4] = True
    found = largest(mask)
    assert found is not None
    assert found.box == Box((2, 2, 2), (5, 5, 5))


def test_sizes_are_counted_across_slices() -> None:
    mask = np.zeros((9, 4, 4), bool)
    mask[:, 0, 0], mask[:5, 3, 3] = True, True  # 9 and 5 voxels, one a slice
    assert painted(smaller_than(mask, 6), mask.shape).sum() == 5


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.005, 0.1, 0.5, 0.97, 1.0]),
    st.sampled_from([16, 17, 24]),
)
def test_lines_of_any_length_are_read_in_words_or_by_voxel(seed, share, columns) -> None:
    mask = np.random.default_rng(seed).random((3, 4, columns)) < share
    pieces, sizes = by_scipy(mask)
    small = np.isin(pieces, np.flatnonzero(sizes < 5) + 1)
    assert (painted(smaller_than(mask, 5), mask.shape) == small).all()


def test_a_mask_that_lies_scattered_in_memory_has_the_same_islands() -> None:
    mask = np.random.default_rng(2).random((6, 7, 16)) < 0.1
    scattered = np.asfortranarray(mask)
    assert (painted(largest(scattered), mask.shape) == painted(largest(mask), mask.shape)).all()


@given(masks(), st.data())
def test_without_numba_scipy_finds_the_same_islands(mask, data) -> None:
    seed = data.draw(st.tuples(*(st.integers(0, n - 1) for n in mask.shape)))
    here = [
        painted(found, mask.shape)
        for found in (largest(mask), smaller_than(mask, 3), component_at(mask, seed))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(islands, "pieces_by_runs", no_numba)
        found = largest(mask), smaller_than(mask, 3), component_at(mask, seed)
    assert all((painted(other, mask.shape) == mine).all() for other, mine in zip(found, here, strict=True))


def no_numba(*_: object) -> None:
    raise ImportError("numba")


@pytest.mark.parametrize("seed", [(-1, 0, 0), (0, 0, 3), (0.0, float("nan"), 0.0), (0, 2, 2)])
def test_a_click_beside_the_mask_finds_no_island(seed: tuple) -> None:
    mask = np.zeros((1, 3, 3), bool)
    mask[0, 0, 0] = True
    assert component_at(mask, seed) is None


def test_the_largest_island_stays_where_as_much_background_lies_round_it() -> None:
    mask = np.array([[[1, 1, 0, 0, 1]]], bool)  # two voxels of background, as many as the largest island has
    found = largest(mask)
    assert found is not None
    assert np.argwhere(painted(found, mask.shape)).tolist() == [[0, 0, 4]]


def test_an_empty_mask_has_no_islands() -> None:
    empty = np.zeros((2, 3, 4), bool)
    assert largest(empty) is None
    assert smaller_than(empty, 5) is None


def test_finding_islands_can_be_cancelled() -> None:
    with pytest.raises(Cancelled):
        largest(np.ones((2, 2, 2), bool), cancelled=lambda: True)
