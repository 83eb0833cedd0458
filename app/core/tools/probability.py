"""Probability threshold: a label cut anew from the model's probabilities, at another threshold than its own."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from app.core.tools.brush import BoolArray, Covered
from model.grid import Box


def at_least(probability: npt.NDArray[np.uint8], percent: float, box: Box) -> Covered:
    """Where a label's probability (uint8, z, y, x; 255 is certainty) is at least `percent`, within a box."""
    limit = max(1, math.ceil(percent / 100 * 255 - 1e-9))
    mask: BoolArray = probability[box.slices] >= min(255, limit)
    return Covered(box, mask)
