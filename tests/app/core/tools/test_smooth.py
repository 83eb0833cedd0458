"""Median, opening and closing against a ball laid round every voxel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from app.core.tools.brush import Covered
from app.core.tools.smooth import smoothed
from model.errors import Cancelled
from model.grid import Box
from tests.app.core.tools.slow_references import ball, masks, painted, replaced, spacings

METHODS = ("median", "opening", "closing")
radii_mm = st.sampled_from([0.8, 1.25, 2.0, 3.0, 5.0])


def slowly(mask: np.ndarray, method: str, radius_mm: float, spacing: tuple) -> np.ndarray:
    shape = ball(radius_mm, spacing)
    if method == "median":
        # "nearest" repeats the last voxels beyond the border.
        return ndimage.convolve(mask.astype(int), shape.astype(int), mode="nearest") * 2 > shape.sum()
    if method == "opening":
        kept = ndimage.binary_erosion(mask, shape, border_value=1)
        return ndimage.binary_dilation(kept, shape)
    room = [(n, n) for n in shape.shape]
    grown = ndimage.binary_dilation(np.pad(mask, room), shape)
    closed = ndimage.binary_erosion(grown, shape, border_value=1)
    return closed[tuple(slice(n, -n) for n, _ in room)]


small = st.tuples(*(st.integers(1, 6) for _ in range(3)))


@pytest.mark.parametrize("method", METHODS)
@given(data=st.data())
@settings(max_examples=40)
def test_a_smoothed_mask_is_what_the_ball_round_every_voxel_says(method, data) -> None:
    mask, radius, spacing = data.draw(masks(small)), data.draw(radii_mm), data.draw(spacings)
    found = smoothed(mask, method, radius, spacing)
    assert (replaced(found, mask) == slowly(mask, method, radius, spacing)).all()


@pytest.mark.parametrize("method", METHODS)
@given(data=st.data())
@settings(max_examples=30)
def test_under_a_brush_it_is_the_same_there_and_nothing_else_changes(method, data) -> None:
    mask, radius, spacing = data.draw(masks(small)), data.draw(radii_mm), data.draw(spacings)
    corner = data.draw(st.tuples(*(st.integers(0, n - 1) for n in mask.shape)))
    box = Box(corner, tuple(a + 3 for a in corner)).clipped(mask.shape)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    under = Covered(box, rng.random(box.shape) < 0.7)

    found = smoothed(mask, method, radius, spacing, within=under)

    expected = np.where(painted(under, mask.shape), slowly(mask, method, radius, spacing), mask)
    assert (replaced(found, mask) == expected).all()


def test_opening_cuts_a_bridge_that_is_thin_in_millimetres_not_in_voxels() -> None:
    mask = np.zeros((9, 9, 24), bool)
    mask[1:8, 1:8, 1:8] = mask[1:8, 1:8, 16:23] = True
    mask[3:6, 3:6, 8:16] = True  # three voxels thick

    fine = replaced(smoothed(mask, "opening", 2.0, (1.0, 1.0, 1.0)), mask)  # 3 mm thick, the ball 5 mm
    coarse = replaced(smoothed(mask, "opening", 2.0, (2.0, 2.0, 2.0)), mask)  # 6 mm thick

    assert not fine[4, 4, 11:13].any()
    assert coarse[4, 4, 11:13].all()


@pytest.mark.parametrize("method", METHODS)
def test_a_slab_that_the_scan_cuts_off_stays_as_it_is(method: str) -> None:
    mask = np.zeros((8, 8, 8), bool)
    mask[:4] = True
    assert smoothed(mask, method, 2.5, (1.0, 1.0, 1.0)) is None


def test_closing_does_not_pull_a_mask_to_the_border() -> None:
    mask = np.zeros((8, 8, 8), bool)
    mask[2:5] = True
    assert smoothed(mask, "closing", 4.0, (1.0, 1.0, 1.0)) is None


@pytest.mark.parametrize("method", METHODS)
def test_nothing_to_smooth_is_none(method: str) -> None:
    voxel = np.zeros((1, 5, 5), bool)
    voxel[0, 2, 2] = True
    assert smoothed(np.zeros((4, 4, 4), bool), method, 3.0, (1.0, 1.0, 1.0)) is None
    assert smoothed(voxel, method, 0.9, (1.0, 1.0, 1.0)) is None
    assert smoothed(voxel, method, float("nan"), (1.0, 1.0, 1.0)) is None


@pytest.mark.parametrize("method", METHODS)
def test_smoothing_can_be_cancelled(method: str) -> None:
    with pytest.raises(Cancelled):
        smoothed(np.eye(5, dtype=bool)[None], method, 2.0, (1.0, 1.0, 1.0), cancelled=lambda: True)
