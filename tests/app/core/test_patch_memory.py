"""What a patch says it takes is what it takes, so that a history bounded by bytes is bounded in memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from app.core.patch import make_patch
from model.grid import Box


@pytest.mark.parametrize("side", [3, 20, 60])
def test_a_patch_takes_the_memory_it_says(side: int) -> None:
    """Its values compress a hundredfold; what they were before must not stay in memory beside them."""
    box = Box((0, 0, 0), (side, side, side))
    before = np.zeros(box.shape, np.uint8)
    after = np.ones(box.shape, np.uint8)
    make_patch("brush", 1, box, before, after)
    tracemalloc.start()
    try:
        begun = tracemalloc.get_traced_memory()[0]
        patches = [make_patch(f"brush {number}", 1, box, before, after) for number in range(100)]
        taken = tracemalloc.get_traced_memory()[0] - begun
    finally:
        tracemalloc.stop()
    said = sum(patch.nbytes for patch in patches if patch is not None)
    assert taken <= 1.2 * said
    assert said <= 2 * taken
