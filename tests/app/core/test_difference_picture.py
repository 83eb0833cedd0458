"""The picture of what differs between two masks: left is left, millimetres are millimetres, shapes tell the kinds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from app.core.difference_picture import ADDED, LONGEST_PX, REMOVED, difference
from model.grid import Grid
from model.volume import Volume
from tests.app.core.test_planes import AXIS_ORDERS, grid_of

Mask = npt.NDArray[np.uint8]
WINDOW = (100.0, 200.0)


def flat(grid: Grid) -> Volume:
    """A scan of one value, black in `WINDOW`."""
    return Volume(np.zeros(grid.shape, np.int16), grid)


def two(grid: Grid) -> tuple[Mask, Mask]:
    return np.zeros(grid.shape, np.uint8), np.zeros(grid.shape, np.uint8)


def middle(image: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> tuple[float, float]:
    """The mean row and column of the pixels of exactly this colour."""
    rows, columns = np.nonzero((image == colour).all(axis=-1))
    return float(rows.mean()), float(columns.mean())


def voxel_towards(grid: Grid, place_lps: tuple[float, float, float]) -> tuple[int, int, int]:
    """The voxel nearest to a place given in mm from the middle of the scan, to the patient's left, back and head."""
    centre = grid.to_mm([(n - 1) / 2 for n in grid.shape])
    z, y, x = (round(v) for v in grid.to_voxel(centre + np.array(place_lps)))
    return z, y, x


@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_the_patients_right_is_left_and_front_is_up_whatever_the_file_says(codes: str) -> None:
    grid = grid_of(codes)
    before, after = two(grid)
    added = voxel_towards(grid, (-2.0, -2.0, 0.0))
    removed = voxel_towards(grid, (2.0, 2.0, 0.0))
    after[added] = 1
    before[removed] = 1
    found = difference(flat(grid), before, after, WINDOW)
    assert found is not None
    blue, orange = middle(found.image, ADDED), middle(found.image, REMOVED)
    assert blue[0] < orange[0]
    assert blue[1] < orange[1]
    assert (found.letters.left, found.letters.top) == ("R", "A")


@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_the_scan_lies_in_the_picture_as_the_change_does(codes: str) -> None:
    grid = grid_of(codes)
    before, after = two(grid)
    place = voxel_towards(grid, (-2.0, 2.0, 0.0))
    after[place] = 1
    values = np.zeros(grid.shape, np.int16)
    values[place] = 200
    found = difference(Volume(values, grid), before, after, WINDOW)
    assert found is not None
    grey = found.image.astype(int).sum(axis=-1)
    bright = np.argwhere(grey > grey.max() * 0.8).mean(axis=0)
    assert bright == pytest.approx(middle(found.image, ADDED), abs=4)


def test_it_shows_the_slice_where_most_differs_and_counts_the_whole_mask() -> None:
    grid = Grid((9, 10, 11), (2.0, 1.0, 1.0))
    before, after = two(grid)
    after[2, 3, 3] = 1
    after[6, 3:6, 3:6] = 1
    before[6, 8, 8] = 2
    before[0, 0, 0], after[0, 0, 0] = 1, 2
    found = difference(flat(grid), before, after, WINDOW)
    assert found is not None
    assert (found.slice_index, found.slice_count) == (6, 9)
    assert (found.voxels, found.voxels_added, found.voxels_removed) == (12, 11, 2)


def test_a_slice_counts_as_the_view_counts_it_from_the_feet_up() -> None:
    grid = Grid((9, 10, 11), direction=((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))
    before, after = two(grid)
    after[1, 3, 3] = 1
    found = difference(flat(grid), before, after, WINDOW)
    assert found is not None
    assert found.slice_index == 7


def test_added_is_filled_and_removed_is_hatched_so_that_shape_tells_them_apart() -> None:
    grid = Grid((3, 60, 60))
    before, after = two(grid)
    after[1, 10:30, 5:25] = 1
    before[1, 10:30, 35:55] = 1
    found = difference(flat(grid), before, after, WINDOW)
    assert found is not None
    image = found.image
    row = round(middle(image, ADDED)[0])
    left, right = image[row, : image.shape[1] // 2], image[row, image.shape[1] // 2 :]
    filled = np.flatnonzero((left != 0).any(axis=-1))
    assert np.array_equal(filled, np.arange(filled[0], filled[-1] + 1))
    hatched = np.flatnonzero((right != 0).any(axis=-1))
    assert (right[hatched] == REMOVED).all()
    assert 0 < hatched.size < 0.5 * (hatched[-1] - hatched[0])


def test_a_voxel_that_changes_its_label_is_both_filled_and_hatched() -> None:
    grid = Grid((3, 60, 60))
    before, after = two(grid)
    before[1, 10:30, 10:30], after[1, 10:30, 10:30] = 1, 2
    found = difference(flat(grid), before, after, WINDOW)
    assert found is not None
    colours = {tuple(int(part) for part in pixel) for pixel in found.image.reshape(-1, 3)}
    assert colours == {(0, 0, 0), tuple(part // 2 for part in ADDED), REMOVED}


def test_millimetres_are_as_long_down_as_across() -> None:
    grid = Grid((3, 40, 40), (5.0, 2.0, 0.5))
    before, after = two(grid)
    after[1, 10:15, 5:25] = 1  # 10 mm by 10 mm
    found = difference(flat(grid), before, after, WINDOW)
    assert found is not None
    rows, columns = np.nonzero((found.image != 0).any(axis=-1))
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=2)


@pytest.mark.parametrize(
    "shape", [(1, 40, 40), (40, 1, 40), (40, 40, 1), (7, 500, 300), (1, 1, 1), (3, 600, 4)]
)
def test_no_picture_is_longer_than_it_may_be_and_the_change_is_always_in_it(
    shape: tuple[int, int, int],
) -> None:
    grid = Grid(shape, (3.0, 0.7, 0.9))
    for corner in (0, -1):
        before, after = two(grid)
        after[corner, corner, corner] = 1
        found = difference(flat(grid), before, after, WINDOW)
        assert found is not None
        assert found.image.dtype == np.uint8
        assert max(found.image.shape[:2]) == LONGEST_PX
        assert (found.image == ADDED).all(axis=-1).any()
        assert not found.image.flags.writeable


def test_a_small_change_in_a_large_slice_is_shown_nearer() -> None:
    grid = Grid((1, 512, 512), (3.0, 0.7, 0.7))
    before, after = two(grid)
    after[0, 100:106, 400:406] = 1
    found = difference(flat(grid), before, after, WINDOW)
    assert found is not None
    rows, _ = np.nonzero((found.image != 0).any(axis=-1))
    assert np.ptp(rows) >= 6


def test_single_voxels_far_apart_can_be_seen_and_do_not_run_into_each_other() -> None:
    grid = Grid((1, 512, 512), (3.0, 0.7, 0.7))
    for row in (60, 61, 62, 63):  # Every other row falls between the pixels.
        before, after = two(grid)
        after[0, row, 40] = before[0, 450, 470] = 1
        found = difference(flat(grid), before, after, WINDOW)
        assert found is not None
        for colour in (ADDED, REMOVED):
            assert (found.image == colour).all(axis=-1).sum() >= 8
    before, after = two(grid)
    after[0, 60:80, 40:60] = before[0, 60:80, 60:80] = after[0, 450, 470] = 1
    found = difference(flat(grid), before, after, WINDOW)
    assert found is not None
    orange = np.nonzero((found.image == REMOVED).all(axis=-1))[1]
    filled = np.nonzero((found.image == tuple(part // 2 for part in ADDED)).all(axis=-1))[1]
    assert filled.max() < orange.min()


def test_equal_masks_have_no_difference_and_others_must_fit() -> None:
    grid = Grid((4, 5, 6))
    before, after = two(grid)
    before[1, 1, 1] = after[1, 1, 1] = 3
    assert difference(flat(grid), before, after, WINDOW) is None
    with pytest.raises(ValueError, match="do not fit"):
        difference(flat(grid), before, after[1:], WINDOW)
