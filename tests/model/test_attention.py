"""An attention map keeps its values and says where they lie."""

from __future__ import annotations

import numpy as np
import pytest

from model.attention import AttentionMap
from model.grid import Grid

GRID = Grid(
    (3, 4, 5), (6.0, 4.0, 2.0), (-7.0, 11.0, 3.0), ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (-1.0, 0.0, 0.0))
)


def ramp(grid: Grid = GRID) -> AttentionMap:
    """Coefficients that grow along x by 0.1 a voxel from 0.1."""
    x = np.broadcast_to(0.1 + 0.1 * np.arange(grid.shape[2]), grid.shape)
    return AttentionMap.from_coefficients(2, 1, grid, x.astype(np.float32))


def test_coefficients_come_back_within_half_a_step() -> None:
    wanted = np.random.default_rng(0).random(GRID.shape, dtype=np.float32)
    found = AttentionMap.from_coefficients(3, 1, GRID, wanted).coefficients
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=0.51 / 65535)


def test_zero_and_one_are_kept_exactly() -> None:
    extremes = AttentionMap.from_coefficients(2, 1, Grid((1, 1, 3)), np.array([[[0.0, 1.0, 1.0000001]]]))
    assert extremes.coefficients.tolist() == [[[0.0, 1.0, 1.0]]]


def test_a_map_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ramp().values[0, 0, 0] = 1


@pytest.mark.parametrize("values", [np.zeros((3, 4, 4), np.uint16), np.zeros((3, 4, 5), np.uint8)])
def test_values_that_do_not_fit_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="coefficients"):
        AttentionMap(2, 1, GRID, values)


def test_its_name_says_level_and_gate() -> None:
    assert AttentionMap(3, 2, GRID, np.zeros(GRID.shape, np.uint16)).name == "level 3, gate 2"


@pytest.mark.parametrize(("spread", "hardly"), [(0.01, True), (0.03, False)])
def test_a_map_that_hardly_varies_says_so(spread: float, hardly: bool) -> None:
    values = 0.5 + spread * np.where(np.arange(60).reshape(GRID.shape) % 2, 1, -1)
    found = AttentionMap.from_coefficients(2, 1, GRID, values)
    assert found.sd == pytest.approx(spread, rel=1e-3)
    assert found.hardly_varies is hardly


def test_a_voxel_centre_in_mm_gives_its_own_coefficient() -> None:
    found = ramp()
    everywhere = np.moveaxis(np.indices(GRID.shape), 0, -1)
    np.testing.assert_allclose(found.at_mm(GRID.to_mm(everywhere)), found.coefficients, atol=1e-6)


def test_between_centres_it_is_linear_and_in_the_outer_half_voxel_constant() -> None:
    found = ramp()
    points = GRID.to_mm([(1, 1, 1.25), (1.5, 2.5, 2.5), (0, 0, -0.4), (2, 3, 4.4)])
    np.testing.assert_allclose(found.at_mm(points), [0.225, 0.35, 0.1, 0.5], atol=2e-5)


def test_outside_its_outer_faces_there_is_no_value() -> None:
    points = GRID.to_mm([(1, 1, -0.51), (1, 1, 4.51), (-0.6, 1, 1), (1, 3.6, 1), (1, 1, 1)])
    assert np.isnan(ramp().at_mm(points)).tolist() == [True, True, True, True, False]
    assert np.isnan(ramp().at_mm((np.nan, 0.0, 0.0)))


def test_a_single_point_and_a_grid_of_points_keep_their_shape() -> None:
    assert ramp().at_mm(GRID.origin).shape == ()
    assert ramp().at_mm(np.zeros((2, 7, 3))).shape == (2, 7)


def test_a_map_of_one_voxel_along_an_axis_is_sampled_too() -> None:
    flat = Grid((1, 1, 2), (8.0, 8.0, 8.0))
    found = AttentionMap.from_coefficients(2, 1, flat, np.array([[[0.0, 1.0]]]))
    assert found.at_mm((4.0, 3.9, -3.9)) == pytest.approx(0.5, abs=1e-5)
