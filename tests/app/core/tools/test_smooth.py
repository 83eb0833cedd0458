"""Median, opening and closing against a ball laid round every voxel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from app.core.stroke import Stroke
from app.core.tools.brush import Brush, sweep
from app.core.tools.guard import Guard
from app.core.tools.margin import Ball
from app.core.tools.smooth import smoothed
from app.core.tools.writers import Smoother
from model.errors import Cancelled
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


@given(data=st.data())
@settings(max_examples=60)
def test_a_smoothing_stroke_is_the_median_of_what_was_there_before_it_under_the_brush_alone(data) -> None:
    mask, radius, spacing = data.draw(masks(small)), data.draw(radii_mm), data.draw(spacings)
    path = data.draw(st.lists(st.tuples(*(st.floats(-1, n) for n in mask.shape)), min_size=1, max_size=4))
    brush = Brush(data.draw(st.sampled_from([0.5, 1.5, 4.0])), data.draw(st.sampled_from([None, 0, 1, 2])))
    labels = mask.astype(np.uint8)
    smoother = Smoother(Guard(1), Ball.of(radius, spacing), mask.shape)
    stroke = Stroke(smoother, brush, 1, "smooth", path[0], spacing)

    under = np.zeros(mask.shape, bool)
    start = path[0]
    for place in (*path, path[0]):  # and back again: what is passed twice is smoothed once
        stroke.extend(labels, place)
        pairs = enumerate(zip(start, place, strict=True))
        place = tuple(a if axis == brush.flat_axis else b for axis, (a, b) in pairs)
        under |= painted(sweep(brush, start, place, spacing, mask.shape), mask.shape)
        start = place

    assert (labels == np.where(under, slowly(mask, "median", radius, spacing), mask)).all()
    stroke.cancel(labels)
    assert (labels == mask).all()


def test_a_smoothing_stroke_does_the_same_however_often_the_pointer_is_heard_on_its_way() -> None:
    spacing, shape = (1.0, 1.0, 1.0), (7, 12, 12)
    before = (np.random.default_rng(5).random(shape) < 0.5).astype(np.uint8)
    ends = (3.0, 3.0, 2.0), (3.0, 8.0, 9.0)
    drawn = []
    for steps in (1, 7):
        labels = before.copy()
        stroke = Stroke(
            Smoother(Guard(1), Ball.of(1.5, spacing), shape), Brush(3.0), 1, "smooth", ends[0], spacing
        )
        for share in np.linspace(0, 1, steps + 1):
            stroke.extend(labels, tuple(a + share * (b - a) for a, b in zip(*ends, strict=True)))
        drawn.append(labels)
    assert (drawn[0] != before).any()
    assert (drawn[0] == drawn[1]).all()


def test_a_smoothing_stroke_takes_a_spike_off_and_leaves_the_neighbour_alone() -> None:
    labels = np.zeros((9, 20, 20), np.uint8)
    labels[2:7, 5:15, 5:12] = 1
    labels[4, 10, 12:17] = 1  # the spike
    labels[2:7, 5:15, 2:5] = 2  # the neighbour
    before = labels.copy()
    smoother = Smoother(Guard(1), Ball.of(2.0, (1.0, 1.0, 1.0)), labels.shape)
    stroke = Stroke(smoother, Brush(4.0), 1, "smooth", (4, 10, 15), (1.0, 1.0, 1.0))
    stroke.extend(labels, (4, 10, 15))
    assert not labels[4, 10, 13:17].any()
    assert ((labels == 2) == (before == 2)).all()
    assert (labels[:, :, :11] == before[:, :, :11]).all()


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
