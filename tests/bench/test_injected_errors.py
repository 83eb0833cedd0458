"""The errors that are put into masks on purpose: each is where and what it says, and a seed makes it again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tests.bench.injected_errors import (
    ERRORS,
    inject,
    island,
    leak,
    missing_lobe,
    missing_slices,
    rough_surface,
    wrong_label,
)

SPACING = (3.0, 2.0, 2.0)
TOUCHING = np.ones((3, 3, 3), bool)


@pytest.fixture
def organs() -> np.ndarray:
    """Two balls of 20 and 14 mm radius, apart."""
    z, y, x = np.indices((30, 60, 60))
    labels = np.zeros((30, 60, 60), np.uint8)
    labels[(9 * (z - 15) ** 2 + 4 * (y - 20) ** 2 + 4 * (x - 20) ** 2) < 400] = 1
    labels[(9 * (z - 15) ** 2 + 4 * (y - 42) ** 2 + 4 * (x - 42) ** 2) < 196] = 2
    return labels


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def pieces(mask: np.ndarray) -> int:
    return int(ndimage.label(mask, structure=TOUCHING)[1])


def test_a_leak_adds_to_the_label_outside_and_hangs_on_it(organs: np.ndarray) -> None:
    after = leak(organs, 1, SPACING, rng())
    changed = after != organs
    assert changed.sum() > 0.05 * (organs == 1).sum()
    assert (organs[changed] == 0).all()
    assert (after[changed] == 1).all()
    assert pieces(after == 1) == 1


def test_an_island_hangs_on_nothing(organs: np.ndarray) -> None:
    after = island(organs, 1, SPACING, rng())
    changed = after != organs
    assert changed.any()
    assert (organs[changed] == 0).all()
    assert pieces(after == 1) == 2
    assert pieces(after != 0) == 3


def test_a_missing_lobe_takes_a_quarter_off_one_end(organs: np.ndarray) -> None:
    after = missing_lobe(organs, 1, SPACING, rng())
    changed = after != organs
    assert (organs[changed] == 1).all()
    assert (after[changed] == 0).all()
    assert changed.sum() == pytest.approx(0.25 * (organs == 1).sum(), rel=0.05)
    assert pieces(after == 1) == pieces(changed) == 1


def test_missing_slices_lie_between_slices_that_are_there(organs: np.ndarray) -> None:
    after = missing_slices(organs, 1, SPACING, rng())
    before_in, after_in = ((mask == 1).any(axis=(1, 2)) for mask in (organs, after))
    gone = np.flatnonzero(before_in & ~after_in)
    assert len(gone) >= 2
    assert after_in[gone.min() - 1]
    assert after_in[gone.max() + 1]
    kept = np.setdiff1d(np.arange(len(organs)), gone)
    assert (after[kept] == organs[kept]).all()
    assert ((after == organs) | (organs == 1)).all()


def test_a_wrong_label_changes_one_label_to_another_and_no_background(organs: np.ndarray) -> None:
    after = wrong_label(organs, 1, SPACING, rng())
    changed = after != organs
    assert (organs[changed] == 1).all()
    assert (after[changed] == 2).all()
    assert changed.sum() == pytest.approx(0.25 * (organs == 1).sum(), rel=0.05)
    with pytest.raises(ValueError, match="second label"):
        wrong_label((organs == 1).astype(np.uint8), 1, SPACING, rng())


def test_a_rough_surface_changes_voxels_near_the_surface_both_ways(organs: np.ndarray) -> None:
    after = rough_surface(organs, 1, SPACING, rng())
    changed = after != organs
    inside = organs == 1
    depth = ndimage.distance_transform_edt(inside, sampling=SPACING)
    depth += ndimage.distance_transform_edt(~inside, sampling=SPACING)
    assert depth[changed].max() <= 1.5 * max(SPACING)
    assert (changed & inside).sum() > 20
    assert (changed & ~inside).sum() > 20
    assert (after[organs == 2] == 2).all()


def test_one_error_of_each_kind_is_injected_and_its_place_is_known(organs: np.ndarray) -> None:
    first, again, other = (inject(organs, SPACING, seed) for seed in (1, 1, 2))
    assert first.names == tuple(ERRORS)
    assert ((first.where > 0) == (first.labels != organs)).all()
    assert (first.labels == again.labels).all()
    assert (first.labels != other.labels).any()
    assert set(np.unique(first.where)) == set(range(len(ERRORS) + 1))


def test_an_error_without_room_is_left_out(organs: np.ndarray) -> None:
    alone = inject((organs == 1).astype(np.uint8), SPACING, 1, ("wrong label", "missing lobe"))
    assert alone.names == ("missing lobe",)
