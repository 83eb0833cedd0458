"""Outlines against a point-by-point count, in every plane and orientation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.planes import Plane, slice_frame
from app.core.tools.lasso import enclosed_mm2, inside_outline, lasso, length_mm
from model.grid import Grid
from tests.app.core.tools.slow_references import painted

ROWS, COLUMNS = 11, 14
places = st.tuples(st.floats(-4, ROWS + 3), st.floats(-4, COLUMNS + 3))
outlines = st.lists(places, min_size=3, max_size=9).map(lambda points: np.array(points))


def whole(points: np.ndarray) -> np.ndarray:
    row, column, inside = inside_outline(points, ROWS, COLUMNS)
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return mask


def crossings(points: np.ndarray, row: int, column: int) -> tuple[int, int]:
    """How often an outline crosses the line from a centre to the left: in all, and downwards less upwards."""
    count = winding = 0
    for (row_a, column_a), (row_b, column_b) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if (row_a <= row) != (row_b <= row):
            place = column_a + (row - row_a) / (row_b - row_a) * (column_b - column_a)
            if place <= column:
                count += 1
                winding += 1 if row_b > row_a else -1
    return count, winding


def star(seed: int, corners: int) -> np.ndarray:
    """An outline that does not cross itself."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * math.pi, corners))
    radii = rng.uniform(1, 8, corners)
    return np.stack([5 + radii * np.sin(angles), 7 + radii * np.cos(angles)], axis=1)


def off_centre(points: np.ndarray) -> np.ndarray:
    """Moved a little, so that no centre lies on a line, where the last bits would decide."""
    return points + np.array([1 / math.pi, 1 / math.e]) * 1e-3


@given(outlines)
def test_a_pixel_is_inside_if_the_outline_winds_round_its_centre(points) -> None:
    points = off_centre(points)
    expected = [[crossings(points, r, c)[1] != 0 for c in range(COLUMNS)] for r in range(ROWS)]
    assert (whole(points) == np.array(expected)).all()


@given(st.integers(0, 10_000), st.integers(3, 30))
def test_an_outline_that_does_not_cross_itself_follows_the_even_odd_rule(seed, corners) -> None:
    points = off_centre(star(seed, corners))
    expected = [[crossings(points, r, c)[0] % 2 == 1 for c in range(COLUMNS)] for r in range(ROWS)]
    assert (whole(points) == np.array(expected)).all()


def test_a_rectangle_between_centres_holds_those_centres() -> None:
    row, column, inside = inside_outline(
        np.array([(1.5, 2.5), (1.5, 6.5), (4.5, 6.5), (4.5, 2.5)]), ROWS, COLUMNS
    )
    assert (row, column, inside.shape, inside.all()) == (2, 3, (3, 4), True)


def test_neighbouring_outlines_share_no_pixel_of_their_common_line() -> None:
    left = np.array([(0.0, 0.0), (0.0, 5.0), (6.0, 5.0), (6.0, 0.0)])
    right = left + np.array([0.0, 5.0])
    assert not (whole(left) & whole(right)).any()
    assert (whole(left) | whole(right)).sum() == 6 * 10


def test_a_hand_that_passes_its_beginning_again_leaves_no_hole() -> None:
    angle = np.linspace(0, 2.3 * 2 * math.pi / 2, 60)
    loop = np.stack([5 + 4 * np.sin(angle), 7 + 4 * np.cos(angle)], axis=1)
    twice = np.concatenate([loop, loop[:20]])
    assert whole(twice)[5, 7]
    assert whole(np.concatenate([star(1, 12)] * 2)).sum() == whole(star(1, 12)).sum()


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(1, 1), (5, 5)],
        [(1, 1), (5, 5), (9, 9)],
        [(2.1, 2.1), (2.1, 2.4), (2.4, 2.4)],
        [(-5, -5), (-5, -2), (-1, -2)],
        [(50, 50), (50, 60), (60, 60)],
        [(float("nan"), 1), (float("inf"), 3), (2, 2)],
    ],
)
def test_an_outline_round_no_centre_holds_nothing(points: list) -> None:
    assert inside_outline(np.array(points, float), ROWS, COLUMNS)[2].shape == (0, 0)


def test_an_outline_far_outside_takes_the_whole_slice() -> None:
    assert whole(np.array([(-1e30, -1e30), (-1e30, 1e30), (1e30, 1e30), (1e30, -1e30)])).all()


ORIENTED = Grid((5, 7, 9), (3.0, 1.0, 0.5), direction=((0.0, 0.0, -1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0)))
SAGITTAL = Grid((5, 7, 9), (3.0, 1.0, 0.5), direction=((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)))


@pytest.mark.parametrize("grid", [Grid((5, 7, 9), (3.0, 1.0, 0.5)), ORIENTED, SAGITTAL])
@pytest.mark.parametrize("plane", list(Plane))
@given(seed=st.integers(0, 10_000), through_all=st.booleans())
@settings(max_examples=15)
def test_what_is_drawn_on_the_screen_is_taken_under_it(grid, plane, seed, through_all) -> None:
    frame = slice_frame(grid, plane)
    rng = np.random.default_rng(seed)
    points = rng.uniform(-2, (frame.rows + 1, frame.columns + 1), (6, 2))
    index = int(rng.integers(frame.count))

    found = painted(lasso(frame, index, points, through_all=through_all, shape=grid.shape), grid.shape)

    row, column, inside = inside_outline(points, frame.rows, frame.columns)
    drawn = np.zeros((frame.rows, frame.columns), bool)
    drawn[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    for other in range(frame.count):
        expected = drawn if through_all or other == index else np.zeros_like(drawn)
        assert (frame.cut(found, other) == expected).all()


def test_a_slice_there_is_none_of_takes_nothing() -> None:
    frame = slice_frame(ORIENTED, Plane.AXIAL)
    square = np.array([(0.5, 0.5), (0.5, 3.5), (3.5, 3.5)])
    assert lasso(frame, 5, square, through_all=False, shape=ORIENTED.shape) is None
    assert lasso(frame, -1, square, through_all=True, shape=ORIENTED.shape) is None


def test_an_edge_that_is_all_but_level_overflows_nothing() -> None:
    points = np.array([[5e-324, 1.0], [0.0, 9.0], [6.0, 9.0], [6.0, 1.0]])
    assert whole(points).sum() == 5 * 8  # row 0 lies on the rim


@pytest.mark.parametrize("plane", list(Plane))
def test_an_outline_is_measured_in_the_millimetres_of_its_view(plane: Plane) -> None:
    frame = slice_frame(ORIENTED, plane)
    square = np.array([(0.5, 0.5), (0.5, 3.5), (3.5, 3.5), (3.5, 0.5)])
    assert enclosed_mm2(square, frame) == pytest.approx(9 * frame.row_mm * frame.column_mm)
    assert length_mm(square[:2], frame) == pytest.approx(3 * frame.column_mm)
    assert length_mm(square[1:], frame) == pytest.approx(3 * (frame.row_mm + frame.column_mm))
    assert enclosed_mm2(square[:2], frame) == length_mm(square[:1], frame) == 0
    assert {frame.row_mm, frame.column_mm} <= {3.0, 1.0, 0.5}


def test_a_line_that_crosses_itself_is_as_large_as_what_it_takes() -> None:
    eight = np.array([(0.5, 0.5), (0.5, 3.5), (3.5, 0.5), (3.5, 3.5)])
    frame = slice_frame(ORIENTED, Plane.CORONAL)
    inside = inside_outline(eight, frame.rows, frame.columns)[2]
    assert inside.any()
    assert enclosed_mm2(eight, frame) == pytest.approx(inside.sum() * frame.row_mm * frame.column_mm)
