"""Where a voxel comes from, by the two masks."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.provenance import Origin, origins


def test_every_pair_of_model_and_reader_has_its_code() -> None:
    model = np.array([[[0, 1, 0, 1, 1, 2]]], np.uint8)
    final = np.array([[[0, 1, 2, 2, 0, 2]]], np.uint16)
    assert origins(model, final).tolist() == [[[0, 1, 2, 3, 4, 1]]]
    assert [int(code) for code in Origin] == [0, 1, 2, 3, 4]


def test_without_a_model_everything_is_the_readers() -> None:
    assert origins(None, np.array([[[0, 3]]], np.uint8)).tolist() == [[[0, 2]]]


def test_masks_of_two_sizes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        origins(np.zeros((1, 2, 3), np.uint8), np.zeros((3, 2, 1), np.uint8))
