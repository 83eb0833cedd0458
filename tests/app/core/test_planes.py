"""Left stays left: for every order and direction of the voxel axes."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from app.core.planes import EdgeLetters, Plane, slice_frame
from model.grid import Box, Grid

_UNIT = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
AXIS_ORDERS = ["".join(letters) for pairs in permutations(("LR", "PA", "SI")) for letters in product(*pairs)]


def grid_of(codes_zyx: str, tilt: float = 0.0) -> Grid:
    """A grid of 5×6×7 voxels of unequal size whose z, y, x grow to the patient directions named."""
    cosine, sine = np.cos(tilt), np.sin(tilt)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    directions = [tuple(float(v) for v in turn @ np.array(_UNIT[letter], float)) for letter in codes_zyx]
    return Grid((5, 6, 7), (3.0, 2.0, 1.0), (-40.0, 25.0, 300.0), tuple(directions))


def moved_mm(grid: Grid, plane: Plane, convention: str, step: tuple[int, int, int]) -> np.ndarray:
    """Where in the patient (L, P, S mm) one step by slices, rows and columns leads."""
    frame = slice_frame(grid, plane, convention)
    return grid.to_mm(frame.to_voxel(*step)) - grid.to_mm(frame.to_voxel(0, 0, 0))


def test_there_are_48_axis_orders() -> None:
    assert len(set(AXIS_ORDERS)) == 48


@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_the_patients_right_is_on_the_left_of_the_screen(codes: str) -> None:
    grid = grid_of(codes, tilt=0.2)
    for plane in (Plane.AXIAL, Plane.CORONAL):
        to_the_right = moved_mm(grid, plane, "radiological", (0, 0, 1))
        assert to_the_right[0] > 0  # towards the patient's left
        assert np.abs(to_the_right).argmax() == 0
        assert slice_frame(grid, plane).letters.left == "R"
        assert slice_frame(grid, plane).letters.right == "L"


@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_anterior_is_up_in_axial_and_left_in_sagittal_and_the_head_is_up(codes: str) -> None:
    grid = grid_of(codes, tilt=-0.2)
    assert moved_mm(grid, Plane.AXIAL, "radiological", (0, 1, 0))[1] > 0
    assert moved_mm(grid, Plane.SAGITTAL, "radiological", (0, 0, 1))[1] > 0
    for plane in (Plane.CORONAL, Plane.SAGITTAL):
        assert moved_mm(grid, plane, "radiological", (0, 1, 0))[2] < 0
    assert slice_frame(grid, Plane.AXIAL).letters == EdgeLetters("A", "L", "P", "R")
    assert slice_frame(grid, Plane.CORONAL).letters == EdgeLetters("S", "L", "I", "R")
    assert slice_frame(grid, Plane.SAGITTAL).letters == EdgeLetters("S", "P", "I", "A")


@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_slices_count_the_same_way_whatever_the_file_says(codes: str) -> None:
    grid = grid_of(codes)
    assert moved_mm(grid, Plane.AXIAL, "radiological", (1, 0, 0))[2] > 0
    assert moved_mm(grid, Plane.CORONAL, "radiological", (1, 0, 0))[1] > 0
    assert moved_mm(grid, Plane.SAGITTAL, "radiological", (1, 0, 0))[0] > 0


@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_a_letter_written_in_voxels_is_cut_out_where_its_place_in_the_view_says(codes: str) -> None:
    grid = grid_of(codes)
    values = np.arange(5 * 6 * 7).reshape(grid.shape)
    for plane in Plane:
        frame = slice_frame(grid, plane)
        for place in ((0, 0, 0), (2, 1, 3), (frame.count - 1, frame.rows - 1, frame.columns - 1)):
            z, y, x = (int(v) for v in frame.to_voxel(*place))
            assert frame.cut(values, place[0])[place[1], place[2]] == values[z, y, x]
            assert frame.from_voxel((z, y, x)) == place


def test_the_neurological_convention_swaps_left_and_right_and_nothing_else() -> None:
    grid = grid_of("SPL")
    for plane in (Plane.AXIAL, Plane.CORONAL):
        frame = slice_frame(grid, plane, "neurological")
        assert (frame.letters.left, frame.letters.right) == ("L", "R")
        assert moved_mm(grid, plane, "neurological", (0, 0, 1))[0] < 0
        assert frame.words == "patient's left on the left of the screen"
    assert slice_frame(grid, Plane.SAGITTAL, "neurological") == slice_frame(grid, Plane.SAGITTAL)


def test_a_scan_of_unknown_orientation_gets_no_letters_and_no_words() -> None:
    frame = slice_frame(Grid((3, 4, 5), orientation_known=False), Plane.AXIAL)
    assert frame.letters == EdgeLetters()
    assert frame.words == ""


def test_row_and_column_distances_are_those_of_the_axes_shown() -> None:
    frame = slice_frame(grid_of("PSL"), Plane.AXIAL)  # slices along y
    assert (frame.slice_axis, frame.row_axis, frame.column_axis) == (1, 0, 2)
    assert (frame.slice_mm, frame.row_mm, frame.column_mm) == (2.0, 3.0, 1.0)
    assert (frame.count, frame.rows, frame.columns) == (6, 5, 7)


def test_a_changed_box_touches_the_slices_it_reaches_and_no_others() -> None:
    frame = slice_frame(grid_of("IPL"), Plane.AXIAL)  # slice 0 is array index 4
    box = Box((0, 1, 1), (2, 3, 3))
    assert [frame.touches(box, index) for index in range(5)] == [False, False, False, True, True]
    assert frame.box(4) == Box((0, 0, 0), (1, 6, 7))


def test_a_slice_that_does_not_exist_is_refused() -> None:
    frame = slice_frame(grid_of("SPL"), Plane.AXIAL)
    with pytest.raises(IndexError, match="no axial slice 5"):
        frame.cut(np.zeros((5, 6, 7)), 5)
    with pytest.raises(ValueError, match="does not fit"):
        frame.cut(np.zeros((5, 6, 8)), 0)
