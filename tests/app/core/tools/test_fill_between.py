"""Filling between slices on shapes whose slices are known, along every axis."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from app.core.tools.fill_between import fill_between
from model.errors import Cancelled
from tests.app.core.tools.slow_references import SPACINGS, axes, masks, painted, spacings


def cone(
    radii_mm: list[float], spacing: tuple, middle_mm: tuple = (12.0, 10.4), side: int = 26
) -> np.ndarray:
    """Discs round a middle (slice, row, column), one a slice."""
    rows, columns = np.arange(side)[:, None] * spacing[1], np.arange(side) * spacing[2]
    distance = np.hypot(rows - middle_mm[0], columns - middle_mm[1])
    return np.stack([distance <= radius for radius in radii_mm])


def along(array: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(array, 0, axis)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("in_plane", [(1.0, 1.0), (1.3, 0.8)])
def test_between_two_discs_lies_a_cone(axis: int, in_plane: tuple) -> None:
    radii = [9.0, 8.0, 7.0, 6.0, 5.0, 4.0]
    spacing = (3.0, *in_plane)
    full = cone(radii, spacing)
    keys = full.copy()
    keys[1:-1] = False
    order = list(in_plane)
    order.insert(axis, 3.0)

    found = fill_between(along(keys, axis), axis, (order[0], order[1], order[2]))

    added = np.moveaxis(painted(found, along(keys, axis).shape), axis, 0)
    assert not added[[0, -1]].any()
    # The outline of voxels is half a voxel uncertain, so is the cone's.
    inner = cone([radius - max(in_plane) for radius in radii], spacing)
    outer = cone([radius + max(in_plane) for radius in radii], spacing)
    assert (added | ~inner)[1:-1].all()
    assert (outer | ~added)[1:-1].all()


@pytest.mark.parametrize("spacing", SPACINGS)
def test_between_two_equal_slices_lies_the_same_slice(spacing: tuple) -> None:
    mask = np.zeros((6, 9, 9), bool)
    mask[0] = mask[5] = np.random.default_rng(3).random((9, 9)) < 0.5

    assert (painted(fill_between(mask, 0, spacing), mask.shape)[1:5] == mask[0]).all()


def slowly(mask: np.ndarray, spacing: tuple) -> np.ndarray:
    """Signed distances by scipy, slice pair by slice pair along the first axis, where they overlap."""
    added = np.zeros(mask.shape, bool)
    drawn = np.flatnonzero(mask.any(axis=(1, 2)))
    for lower, upper in pairwise(drawn):
        signed = [
            ndimage.distance_transform_edt(mask[key], spacing[1:])
            - ndimage.distance_transform_edt(~mask[key], spacing[1:])
            for key in (lower, upper)
        ]
        for index in range(lower + 1, upper):
            share = (index - lower) / (upper - lower)
            added[index] = (1 - share) * signed[0] + share * signed[1] > 1e-4
    return added


@given(masks(), spacings)
def test_distances_change_linearly_from_slice_to_slice(mask, spacing) -> None:
    drawn = np.flatnonzero(mask.any(axis=(1, 2)))
    keys = np.zeros((len(drawn) * 3, *mask.shape[1:]), bool)
    keys[::3] = mask[drawn]
    overlap = all((a & b).any() for a, b in zip(keys[::3], keys[3::3], strict=False))
    if not overlap or keys.all(axis=(1, 2)).any():  # scipy knows no distance to nothing
        return
    found = painted(fill_between(keys, 0, spacing), keys.shape)
    sure = slowly(keys, spacing)
    almost = slowly_at_least(keys, spacing)
    assert (found | ~sure).all()
    assert (almost | ~found).all()


def slowly_at_least(mask: np.ndarray, spacing: tuple) -> np.ndarray:
    """As `slowly`, with what lies on the outline itself, where the last bits decide."""
    return ~slowly_outside(mask, spacing)


def slowly_outside(mask: np.ndarray, spacing: tuple) -> np.ndarray:
    outside = np.ones(mask.shape, bool)
    drawn = np.flatnonzero(mask.any(axis=(1, 2)))
    for lower, upper in pairwise(drawn):
        between = slice(lower + 1, upper)
        flipped = np.zeros((upper - lower + 1, *mask.shape[1:]), bool)
        flipped[0], flipped[-1] = ~mask[lower], ~mask[upper]
        outside[between] = slowly(flipped, spacing)[1:-1]
    return outside


def test_what_is_full_at_the_border_stays_full_there() -> None:
    mask = np.zeros((3, 6, 8), bool)
    mask[0, :, :6] = mask[2, :, :2] = True  # a wall that ends at column 6 and 2
    added = painted(fill_between(mask, 0, (1.0, 1.0, 1.0)), mask.shape)
    assert (added[1] == (np.arange(8) < 4)).all()


def test_slices_labelled_all_over_are_filled_all_over() -> None:
    mask = np.zeros((4, 3, 3), bool)
    mask[0] = mask[3] = True
    assert painted(fill_between(mask, 0, (1.0, 1.0, 1.0)), mask.shape)[1:3].all()


def test_an_oblique_vessel_has_no_gap_where_its_slices_do_not_overlap() -> None:
    middles = [(6.0 + 2 * index, 24.0 - 3 * index) for index in range(6)]
    vessel = np.concatenate([cone([2.2], (2.0, 1.0, 1.0), middle, 32) for middle in middles])
    keys = vessel.copy()
    keys[1:5] = False
    assert not (keys[0] & keys[5]).any()
    assert (painted(fill_between(keys, 0, (2.0, 1.0, 1.0)), keys.shape)[1:5] == vessel[1:5]).all()


def test_only_slices_from_first_to_last_count() -> None:
    mask = np.zeros((9, 3, 3), bool)
    mask[[0, 4, 8], 1, 1] = True
    whole = painted(fill_between(mask, 0, (1.0, 1.0, 1.0)), mask.shape)
    part = painted(fill_between(mask, 0, (1.0, 1.0, 1.0), first=2, last=8), mask.shape)
    assert whole.any(axis=(1, 2)).nonzero()[0].tolist() == [1, 2, 3, 5, 6, 7]
    assert part.any(axis=(1, 2)).nonzero()[0].tolist() == [5, 6, 7]


@given(masks(), axes, st.one_of(st.none(), st.integers(-3, 12)), st.one_of(st.none(), st.integers(-3, 12)))
def test_only_empty_slices_between_drawn_ones_are_written(mask, axis, first, last) -> None:
    added = painted(fill_between(mask, axis, (1.0, 2.0, 3.0), first=first, last=last), mask.shape)
    drawn = np.moveaxis(mask, axis, 0).any(axis=(1, 2))
    written = np.moveaxis(added, axis, 0).any(axis=(1, 2)).nonzero()[0]
    assert not drawn[written].any()
    for index in written:
        assert drawn[:index].any()
        assert drawn[index:].any()


@pytest.mark.parametrize("drawn", [[], [2], [1, 2]])
def test_without_a_gap_between_two_slices_there_is_nothing_to_fill(drawn: list) -> None:
    mask = np.zeros((4, 3, 3), bool)
    mask[drawn] = True
    assert fill_between(mask, 0, (1.0, 1.0, 1.0)) is None
    assert fill_between(mask[:1], 0, (1.0, 1.0, 1.0)) is None


def test_filling_can_be_cancelled() -> None:
    mask = np.zeros((3, 2, 2), bool)
    mask[[0, 2]] = True
    with pytest.raises(Cancelled):
        fill_between(mask, 0, (1.0, 1.0, 1.0), cancelled=lambda: True)
