"""A scan in memory: read-only, the same by identity in every axis order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.grid import Box, Grid
from model.volume import DisplayHints, Volume

GRID = Grid((4, 5, 6), spacing=(3.0, 1.5, 0.7), origin=(-10.0, 20.0, 30.0))


def values() -> np.ndarray:
    return np.arange(120, dtype=np.int16).reshape(4, 5, 6)


def test_the_array_cannot_be_written() -> None:
    volume = Volume(values(), GRID)
    with pytest.raises(ValueError, match="read-only"):
        volume.values[0, 0, 0] = 1


def test_values_that_do_not_fit_the_grid_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(6, 5, 4\)"):
        Volume(values().T, GRID)


def test_a_crop_keeps_values_and_place_and_is_clipped() -> None:
    crop = Volume(values(), GRID).crop(Box((1, 1, 1), (9, 3, 3)))
    assert np.array_equal(crop.values, values()[1:, 1:3, 1:3])
    assert crop.grid.origin == pytest.approx((-9.3, 21.5, 33.0))


@pytest.mark.parametrize("codes", ["RAS", "LAS", "PIR", "SRA", "RSA"])
def test_the_same_scan_in_another_axis_order_has_the_same_identity(codes: str) -> None:
    volume = Volume(values(), GRID)
    turned = volume.reordered(codes)
    assert turned.grid.axis_codes_xyz == codes
    assert turned.identity() == volume.identity()
    assert np.array_equal(turned.reordered("LPS").values, volume.values)


def test_identity_does_not_depend_on_the_type_that_holds_equal_numbers() -> None:
    first = Volume(values(), GRID).identity()
    for dtype in (np.uint8, np.int32, np.float32, np.float64):
        assert Volume(values().astype(dtype), GRID).identity() == first


def test_identity_changes_with_one_voxel_and_with_the_grid() -> None:
    first = Volume(values(), GRID).identity()
    other = values()
    other[2, 3, 4] += 1
    assert Volume(other, GRID).identity() != first
    assert Volume(values(), replace(GRID, origin=(-10.0, 20.0, 30.01))).identity() != first
    assert Volume(values()[:, :, ::-1], GRID).identity() != first


def test_reordering_keeps_hints() -> None:
    hints = DisplayHints("CT", (40.0, 400.0), synthetic=True)
    assert Volume(values(), GRID, hints).reordered("RAS").hints == hints
