"""Discs and spheres against brute force in millimetres."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.planes import Plane, slice_frame
from app.core.tools.brush import Brush, outline, radius_in_slice, sweep
from app.core.tools.guard import Guard
from model.grid import Grid

SHAPE = (9, 14, 17)
SPACING = (5.0, 1.25, 0.8)


def painted(
    brush: Brush, start: tuple, end: tuple, shape: tuple = SHAPE, spacing: tuple = SPACING
) -> np.ndarray:
    mask = np.zeros(shape, bool)
    covered = sweep(brush, start, end, spacing, shape)
    if covered is not None:
        mask[covered.box.slices] = covered.mask
    return mask


def distances(
    start: tuple, end: tuple, axes: tuple, shape: tuple = SHAPE, spacing: tuple = SPACING
) -> np.ndarray:
    """mm from every voxel centre to the nearest point of the line, measured the long way."""
    scale = np.array(spacing)[list(axes)]
    points = np.stack(np.indices(shape), axis=-1)[..., list(axes)] * scale
    a, b = np.array(start)[list(axes)] * scale, np.array(end)[list(axes)] * scale
    length = float((b - a) @ (b - a))
    share = np.clip((points - a) @ (b - a) / length, 0, 1) if length else np.zeros(shape)
    return np.linalg.norm(points - (a + share[..., None] * (b - a)), axis=-1)


places = st.tuples(*(st.floats(-3, n + 2, allow_nan=False).map(lambda v: round(v, 2)) for n in SHAPE))


@given(places, places, st.floats(3.0, 8.0).map(lambda v: round(v, 2)))
@settings(max_examples=80)
def test_a_sphere_covers_exactly_the_voxels_within_its_radius_of_the_path(start, end, radius) -> None:
    distance = distances(start, end, (0, 1, 2))
    mask = painted(Brush(radius), start, end)
    clear = np.abs(distance - radius) > 1e-6
    assert (mask == (distance <= radius))[clear].all()


@given(places, places, st.floats(3.0, 8.0).map(lambda v: round(v, 2)), st.sampled_from([0, 1, 2]))
@settings(max_examples=80)
def test_a_disc_stays_in_its_slice_and_is_round_in_millimetres(start, end, radius, flat) -> None:
    axes = tuple(axis for axis in range(3) if axis != flat)
    distance = distances(start, end, axes)
    expected = distance <= radius
    index = math.floor(start[flat] + 0.5)
    in_slice = np.zeros(SHAPE, bool)
    if 0 <= index < SHAPE[flat]:
        in_slice[(slice(None),) * flat + (index,)] = True
    mask = painted(Brush(radius, flat), start, end)
    clear = np.abs(distance - radius) > 1e-6
    assert (mask == (expected & in_slice))[clear].all()


def test_a_voxel_exactly_on_the_rim_belongs_to_the_brush() -> None:
    mask = painted(Brush(4.0, 0), (4, 7, 8), (4, 7, 8), spacing=(5.0, 1.0, 0.8))
    assert mask[4, 7, 3]  # 5 × 0.8 mm
    assert not mask[4, 7, 2]
    assert mask[4, 3, 8]


def test_a_sphere_of_20_mm_on_thin_and_thick_slices_has_the_volume_of_a_ball() -> None:
    mask = painted(Brush(20.0), (12, 32, 40), (12, 32, 40), (25, 64, 80), (2.5, 0.9, 0.7))
    assert mask.sum() * 2.5 * 0.9 * 0.7 == pytest.approx(4 / 3 * math.pi * 20**3, rel=0.01)


def test_a_brush_smaller_than_a_voxel_still_paints_the_voxels_under_its_path() -> None:
    mask = painted(Brush(0.1, 0), (4, 2.4, 3.4), (4, 2.4, 9.4))
    assert np.argwhere(mask).tolist() == [[4, 2, x] for x in range(3, 10)]


def test_a_fast_hand_leaves_no_gaps() -> None:
    mask = painted(Brush(1.3, 0), (4, 1, 1), (4, 12, 15))
    steps = np.linspace((1, 1), (12, 15), 400)
    assert all(mask[4, round(y), round(x)] for y, x in steps)


def test_a_brush_outside_the_volume_covers_nothing() -> None:
    assert sweep(Brush(2.0), (-30, 2, 2), (-30, 9, 9), SPACING, SHAPE) is None
    assert sweep(Brush(2.0, 0), (9, 2, 2), (9, 9, 9), SPACING, SHAPE) is None


def test_on_a_single_slice_a_sphere_is_a_disc() -> None:
    assert (
        painted(Brush(4.0), (0, 7, 8), (0, 9, 9), (1, 14, 17))
        == painted(Brush(4.0, 0), (0, 7, 8), (0, 9, 9), (1, 14, 17))
    ).all()


def test_labels_are_protected_from_the_brush_and_from_the_eraser() -> None:
    region = np.array([[[0, 1, 2]]], np.uint8)
    assert Guard(1).addable(region).tolist() == [[[True, False, False]]]
    assert Guard(1, protect=False).addable(region).tolist() == [[[True, False, True]]]
    assert Guard(1).removable(region).tolist() == [[[False, True, False]]]
    assert Guard(1, protect=False).removable(region).tolist() == [[[False, True, True]]]


def test_the_rim_shown_in_a_view_lies_at_the_radius_in_millimetres() -> None:
    frame = slice_frame(Grid(SHAPE, SPACING), Plane.SAGITTAL)
    rim = outline(6.0, frame)
    assert np.hypot(rim[:, 0] * frame.row_mm, rim[:, 1] * frame.column_mm) == pytest.approx(6.0)
    assert radius_in_slice(5.0, 3.0) == pytest.approx(4.0)
    assert radius_in_slice(5.0, 6.0) == 0.0
