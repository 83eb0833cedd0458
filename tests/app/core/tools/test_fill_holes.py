"""Holes against a flood from outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy import ndimage

from app.core.tools.fill_holes import holes
from model.errors import Cancelled
from tests.app.core.tools.slow_references import axes, flooded, masks, painted

BY_FACES = ndimage.generate_binary_structure(3, 1)


def enclosed(mask: np.ndarray) -> np.ndarray:
    around = np.pad(~mask, 1, constant_values=True)
    return ~mask & ~flooded(around, (0, 0, 0), BY_FACES)[1:-1, 1:-1, 1:-1]


@given(masks())
def test_what_cannot_be_reached_from_outside_is_a_hole(mask) -> None:
    assert (painted(holes(mask), mask.shape) == enclosed(mask)).all()


@given(masks(), axes)
def test_slice_by_slice_each_slice_has_its_own_holes(mask, axis) -> None:
    expected = np.zeros(mask.shape, bool)
    for index in range(mask.shape[axis]):
        plane = np.expand_dims(mask.take(index, axis), axis)
        flat = np.moveaxis(plane, axis, 0)[0]
        outside = flooded(np.pad(~flat, 1, constant_values=True)[None], (0, 0, 0), BY_FACES)[0, 1:-1, 1:-1]
        np.moveaxis(expected, axis, 0)[index] = ~flat & ~outside
    assert (painted(holes(mask, flat_axis=axis), mask.shape) == expected).all()


def test_a_tube_has_holes_in_its_slices_and_none_in_the_volume() -> None:
    tube = np.zeros((4, 5, 5), bool)
    tube[:, 1:4, 1:4] = True
    tube[:, 2, 2] = False
    assert holes(tube) is None
    assert painted(holes(tube, flat_axis=0), tube.shape).sum() == 4
    assert holes(tube, flat_axis=1) is None


def test_what_is_open_to_the_border_is_no_hole() -> None:
    cup = np.ones((3, 3, 3), bool)
    cup[1, 1, 0] = cup[1, 1, 1] = False
    assert holes(cup) is None


@pytest.mark.parametrize("flat_axis", [None, 0, 2])
def test_an_empty_mask_has_no_holes_and_filling_can_be_cancelled(flat_axis) -> None:
    assert holes(np.zeros((1, 3, 3), bool), flat_axis=flat_axis) is None
    with pytest.raises(Cancelled):
        holes(np.ones((1, 3, 3), bool), flat_axis=flat_axis, cancelled=lambda: True)
