"""Surface distances of boxes and balls whose distances are known, on voxels that are not cubes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.surface_distances import monai_distances, surface_distances

SPACING = (2.5, 0.8, 1.2)
FINE = (1.0, 0.4, 0.6)


def box(start: tuple[int, ...], stop: tuple[int, ...], shape: tuple[int, ...] = (24, 40, 40)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return mask


def ball(radius_mm: float) -> np.ndarray:
    shape, middle = (47, 107, 73), (23, 53, 36)
    offsets = [(index - at) * mm for index, at, mm in zip(np.indices(shape), middle, FINE, strict=True)]
    return np.square(offsets).sum(axis=0) <= radius_mm**2


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("voxels", [1, 2])
def test_a_box_moved_by_voxels_is_as_far_away_as_they_are_long(axis: int, voxels: int) -> None:
    reference = box((3, 8, 8), (19, 30, 30))
    moved = np.roll(reference, voxels, axis)
    assert surface_distances(moved, reference, SPACING).hd95_mm == pytest.approx(voxels * SPACING[axis])
    assert monai_distances(moved, reference, SPACING).hd95_mm == pytest.approx(voxels * SPACING[axis])


def test_balls_in_one_another_are_as_far_apart_as_their_radii() -> None:
    # Surface points are corners between voxels, so each surface is up to half a voxel thick and distances come out
    # a little short; half the diagonal of a voxel is 0.62 mm.
    found = surface_distances(ball(14.0), ball(20.0), FINE)
    assert found.assd_mm == pytest.approx(6.0, abs=0.62)
    assert found.hd95_mm == pytest.approx(6.0, abs=0.62)


def test_distances_do_not_depend_on_which_mask_is_the_reference() -> None:
    one, other = ball(12.0), np.roll(ball(15.0), 4, axis=1)
    found, swapped = surface_distances(one, other, FINE), surface_distances(other, one, FINE)
    assert swapped.hd95_mm == found.hd95_mm
    assert swapped.assd_mm == pytest.approx(found.assd_mm)


def test_empty_space_round_the_masks_changes_nothing() -> None:
    one, other = box((0, 0, 5), (8, 12, 20)), box((1, 0, 6), (9, 14, 20))
    padded = [np.pad(mask, ((5, 0), (3, 9), (1, 2))) for mask in (one, other)]
    assert surface_distances(*padded, SPACING) == surface_distances(one, other, SPACING)


def test_equal_masks_have_no_distance_and_an_empty_one_has_none_that_is_defined() -> None:
    mask, nothing = box((3, 3, 3), (6, 6, 6)), np.zeros((24, 40, 40), dtype=bool)
    assert surface_distances(mask, mask, SPACING).hd95_mm == 0.0
    assert surface_distances(mask, mask, SPACING).assd_mm == 0.0
    for pair in ((mask, nothing), (nothing, mask), (nothing, nothing)):
        for measure in (surface_distances, monai_distances):
            found = measure(*pair, SPACING)
            assert math.isnan(found.hd95_mm)
            assert math.isnan(found.assd_mm)


def test_masks_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="different grids"):
        surface_distances(np.ones((2, 2, 2), bool), np.ones((2, 2, 3), bool), SPACING)


def test_the_example_of_the_document_is_what_both_libraries_say() -> None:
    # docs/evaluation.md: 4 × 12 × 12 voxels of 4 × 1 × 1 mm; the mask has a bump of 5 × 5 voxels, one slice high.
    reference = box((4, 8, 8), (8, 20, 20))
    mask = reference | box((8, 11, 11), (9, 16, 16))
    spacing = (4.0, 1.0, 1.0)
    ours, theirs = surface_distances(mask, reference, spacing), monai_distances(mask, reference, spacing)
    assert (ours.hd95_mm, ours.assd_mm) == (0.0, pytest.approx(0.11, abs=0.005))
    assert (theirs.hd95_mm, theirs.assd_mm) == (4.0, pytest.approx(0.18, abs=0.005))
