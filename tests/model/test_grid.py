"""Geometry: between voxels and millimetres, axis orders, boxes, coarser grids."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.grid import Box, Grid

CODES = [
    "".join(pair[flip] for pair, flip in zip(order, flips, strict=True))
    for order in permutations(("LR", "PA", "SI"))
    for flips in product((0, 1), repeat=3)
]


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Oblique, anisotropic, either hand."""
    angles = [draw(st.floats(-math.pi, math.pi)) for _ in range(3)]
    rotation = np.eye(3)
    for axis, angle in enumerate(angles):
        a, b = [other for other in range(3) if other != axis]
        turn = np.eye(3)
        turn[[a, a, b, b], [a, b, a, b]] = math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle)
        rotation = rotation @ turn
    if draw(st.booleans()):
        rotation[:, draw(st.integers(0, 2))] *= -1
    return Grid.from_xyz(
        [draw(st.integers(1, 9)) for _ in range(3)],
        [draw(st.floats(0.2, 8.0)) for _ in range(3)],
        [draw(st.floats(-500, 500)) for _ in range(3)],
        rotation.ravel(),
    )


def boxes(shape: tuple[int, int, int]) -> st.SearchStrategy[Box]:
    bounds = [st.tuples(st.integers(0, n), st.integers(0, n)).map(sorted) for n in shape]
    return st.tuples(*bounds).map(
        lambda pairs: Box(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))  # type: ignore[arg-type]
    )


@given(grids(), st.tuples(*[st.floats(-50, 50)] * 3))
def test_a_voxel_comes_back_from_millimetres(grid: Grid, voxel: tuple[float, float, float]) -> None:
    assert grid.to_voxel(grid.to_mm(voxel)) == pytest.approx(voxel, abs=1e-6)


def test_the_first_index_is_z_and_moves_along_the_first_direction() -> None:
    grid = Grid((4, 5, 6), spacing=(3.0, 2.0, 1.0), origin=(10.0, 20.0, 30.0))
    assert grid.to_mm((1, 0, 0)).tolist() == [10.0, 20.0, 33.0]
    assert grid.to_mm((0, 1, 0)).tolist() == [10.0, 22.0, 30.0]
    assert grid.to_mm((0, 0, 1)).tolist() == [11.0, 20.0, 30.0]


@given(grids())
def test_simpleitk_layout_is_kept(grid: Grid) -> None:
    again = Grid.from_xyz(grid.size_xyz, grid.spacing_xyz, grid.origin, grid.direction_xyz)
    assert again == grid


@pytest.mark.parametrize("codes", CODES)
def test_axis_codes_name_the_way_each_index_grows(codes: str) -> None:
    grid = Grid((3, 4, 5)).reordering(codes).apply_grid(Grid((3, 4, 5)))
    assert grid.axis_codes_xyz == codes
    vectors = {
        "L": (1, 0, 0),
        "P": (0, 1, 0),
        "S": (0, 0, 1),
        "R": (-1, 0, 0),
        "A": (0, -1, 0),
        "I": (0, 0, -1),
    }
    assert [tuple(round(v) for v in axis) for axis in grid.direction] == [vectors[c] for c in codes[::-1]]


def test_a_left_handed_grid_says_so() -> None:
    assert not Grid((2, 2, 2)).is_left_handed
    mirrored = Grid.from_xyz((2, 2, 2), (1, 1, 1), (0, 0, 0), (-1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert mirrored.is_left_handed
    assert mirrored.axis_codes_xyz == "RPS"


@given(grids(), st.sampled_from(CODES), st.randoms(use_true_random=False))
def test_reordering_moves_no_voxel_in_space_and_is_undone_exactly(
    grid: Grid, codes: str, random: object
) -> None:
    values = np.arange(math.prod(grid.shape)).reshape(grid.shape)
    reordering = grid.reordering(codes)
    there = reordering.apply(values)
    there_grid = reordering.apply_grid(grid)
    assert there.shape == there_grid.shape
    assert there_grid.axis_codes_xyz == codes
    for index in ((0, 0, 0), tuple(n - 1 for n in there.shape)):
        old = np.rint(grid.to_voxel(there_grid.to_mm(index))).astype(int)
        assert there[index] == values[tuple(old)]
    assert np.array_equal(reordering.undo(there), values)
    back = reordering.undo_grid(there_grid)
    assert back.shape == grid.shape
    assert back.close_to(grid, 1e-6)


@given(grids(), st.sampled_from(CODES), st.data())
def test_a_box_is_reordered_with_its_voxels(grid: Grid, codes: str, data: st.DataObject) -> None:
    box = data.draw(boxes(grid.shape))
    mask = np.zeros(grid.shape, bool)
    mask[box.slices] = True
    reordering = grid.reordering(codes)
    expected = np.zeros(reordering.apply(mask).shape, bool)
    expected[reordering.apply_box(box).slices] = True
    assert np.array_equal(reordering.apply(mask), expected)


@given(grids(), st.data())
def test_a_sub_grid_keeps_its_voxels_in_place(grid: Grid, data: st.DataObject) -> None:
    box = data.draw(boxes(grid.shape).filter(lambda candidate: candidate.size > 0))
    assert grid.sub(box).to_mm((0, 0, 0)) == pytest.approx(grid.to_mm(box.start), abs=1e-6)


@given(grids(), st.tuples(*[st.integers(1, 4)] * 3))
def test_a_coarse_voxel_lies_in_the_middle_of_its_block(grid: Grid, factor: tuple[int, int, int]) -> None:
    coarse = grid.coarser(factor)
    block = np.stack(np.meshgrid(*(np.arange(f) for f in factor), indexing="ij"), -1).reshape(-1, 3)
    assert coarse.to_mm((0, 0, 0)) == pytest.approx(grid.to_mm(block.mean(0)), abs=1e-6)
    assert coarse.to_mm((1, 1, 1)) == pytest.approx(grid.to_mm(block.mean(0) + factor), abs=1e-6)
    assert all(c * f >= n > (c - 1) * f for c, f, n in zip(coarse.shape, factor, grid.shape, strict=True))
    assert coarse.voxel_mm3 == pytest.approx(grid.voxel_mm3 * math.prod(factor))


def test_grids_that_differ_by_a_tenth_of_a_micrometre_are_close_and_by_five_mm_are_not() -> None:
    grid = Grid((5, 5, 5))
    assert grid.close_to(replace(grid, origin=(1e-4, 0.0, 0.0)))
    assert not grid.close_to(replace(grid, origin=(5.0, 0.0, 0.0)))
    assert not grid.close_to(replace(grid, shape=(5, 5, 4)))


@pytest.mark.parametrize("codes", ["LPX", "LLS", "LP", "LRS"])
def test_codes_that_name_no_three_axes_are_refused(codes: str) -> None:
    with pytest.raises(ValueError, match="axis codes"):
        Grid((2, 2, 2)).reordering(codes)


@pytest.mark.parametrize("spacing", [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, math.nan)])
def test_a_spacing_that_is_no_length_is_refused(spacing: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="positive spacings"):
        Grid((2, 2, 2), spacing=spacing)


def test_the_box_around_a_mask_is_the_smallest() -> None:
    mask = np.zeros((6, 7, 8), np.uint8)
    mask[2, 3, 4] = mask[4, 3, 6] = 1
    assert Box.around(mask) == Box((2, 3, 4), (5, 4, 7))
    assert Box.around(np.zeros((2, 2, 2))) is None


@given(st.data())
def test_a_clipped_box_lies_inside_and_keeps_what_was_inside(data: st.DataObject) -> None:
    shape = (5, 6, 7)
    starts = [data.draw(st.integers(-9, 12)) for _ in range(3)]
    stops = [data.draw(st.integers(-9, 12)) for _ in range(3)]
    box = Box(tuple(starts), tuple(stops))  # type: ignore[arg-type]
    inside = {
        index
        for index in product(*(range(n) for n in shape))
        if all(a <= i < b for a, i, b in zip(box.start, index, box.stop, strict=True))
    }
    clipped = box.clipped(shape)
    found = set(product(*(range(a, b) for a, b in zip(clipped.start, clipped.stop, strict=True))))
    assert found == inside
    assert clipped.size == len(inside)


def test_joining_and_growing_boxes() -> None:
    box = Box((1, 2, 3), (2, 3, 4)).joined(Box((0, 5, 3), (1, 6, 9)))
    assert box == Box((0, 2, 3), (2, 6, 9))
    assert box.grown((1, 0, 2)) == Box((-1, 2, 1), (3, 6, 11))
