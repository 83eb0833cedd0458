"""Patches restore exactly; the history is bounded by bytes and keeps the newest."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.history import History
from app.core.patch import Patch, make_patch
from model.grid import Box

SHAPE = (6, 7, 8)


def change(mask: np.ndarray, index: tuple, value: int, name: str = "brush on a", label: int = 1) -> Patch:
    """Write `value` at `index` of the mask and give the patch."""
    before = mask.copy()
    mask[index] = value
    patch = make_patch(name, label, Box.whole(SHAPE), before, mask)
    assert patch is not None
    return patch


def test_a_patch_is_as_small_as_its_change_and_counts_it() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[1, 1, 1] = 1
    before = mask.copy()
    mask[1, 1, 1] = 0
    mask[2:4, 3, 4:6] = 1
    patch = make_patch("brush on a", 1, Box.whole(SHAPE), before, mask)
    assert patch is not None
    assert patch.box == Box((1, 1, 1), (4, 4, 6))
    assert (patch.voxels_added, patch.voxels_removed) == (4, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_patch_reverts_and_applies_exactly_and_touches_nothing_else(dtype: type) -> None:
    rng = np.random.default_rng(0)
    before = rng.integers(0, 200, SHAPE).astype(dtype)
    after = before.copy()
    after[2:5, 1:3, 4:8] = rng.integers(0, 200, (3, 2, 4))
    box = Box((1, 0, 3), (6, 5, 8))
    patch = make_patch("x", 0, box, before[box.slices], after[box.slices])
    assert patch is not None
    live = after.copy()
    patch.revert(live)
    assert (live == before).all()
    patch.apply(live)
    assert (live == after).all()
    outside = np.full(SHAPE, 7, dtype)
    patch.apply(outside)
    kept = np.ones(SHAPE, bool)
    kept[patch.box.slices] = False
    assert (outside[kept] == 7).all()


def test_a_change_that_is_none_makes_no_patch() -> None:
    mask = np.ones((2, 2, 2), np.uint8)
    assert make_patch("x", 1, Box.whole(mask.shape), mask, mask.copy()) is None


def test_a_patch_of_the_whole_mask_counts_every_label() -> None:
    before = np.array([[[0, 1, 2, 2]]], np.uint8)
    after = np.array([[[3, 2, 0, 2]]], np.uint8)
    patch = make_patch("take prediction", 0, Box.whole(before.shape), before, after)
    assert patch is not None
    assert (patch.voxels_added, patch.voxels_removed) == (2, 2)


def test_damaged_bytes_are_refused_before_the_mask_changes() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    patch = change(mask, (1, 1, 1), 1)
    broken = Patch(Box((0, 0, 0), (2, 2, 2)), "x", 1, patch.before, b"not zstd", 1, 0)
    with pytest.raises(ValueError, match="patch"):
        broken.apply(mask)
    with pytest.raises(ValueError, match="8 voxels"):
        broken.revert(mask)
    assert mask.sum() == 1


def test_undo_and_redo_walk_the_same_way_back_and_forth() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    history, states = History(), [mask.copy()]
    for number in range(5):
        history.push(change(mask, (number, slice(0, 3), 2), number + 1, f"step {number}"))
        states.append(mask.copy())
    for number in reversed(range(5)):
        assert history.undo_name == f"step {number}"
        history.undo(mask)
        assert (mask == states[number]).all()
    assert not history.can_undo
    assert history.undo(mask) is None
    for number in range(5):
        assert history.redo_name == f"step {number}"
        history.redo(mask)
        assert (mask == states[number + 1]).all()
    assert not history.can_redo


def test_a_new_change_ends_what_could_be_redone_and_its_memory() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    history = History()
    first = change(mask, (0, 0, 0), 1)
    history.push(first)
    history.undo(mask)
    second = change(mask, (1, 1, 1), 1)
    history.push(second)
    assert not history.can_redo
    assert history.nbytes == second.nbytes
    assert history.depth == 1


def test_the_oldest_changes_are_forgotten_by_bytes_but_a_minimum_stays() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    history = History(limit_bytes=0, minimum=3)
    for number in range(10):
        history.push(change(mask, (0, 0, number % 8), number + 1, f"step {number}"))
    assert [patch.name for patch in history.patches] == ["step 7", "step 8", "step 9"]
    assert history.depth == 10  # what was forgotten still is in force
    assert history.nbytes == sum(patch.nbytes for patch in history.patches)
    roomy = History(limit_bytes=1 << 20, minimum=3)
    for patch in history.patches:
        roomy.push(patch)
    assert len(roomy.patches) == 3
    assert not roomy.is_untouched
    assert History().is_untouched
