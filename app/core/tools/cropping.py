"""Crops what the tools find to the smallest box that holds it, and finds a voxel in a volume or a box."""

from __future__ import annotations

import math

import numpy as np

from app.core.tools.brush import BoolArray, Covered
from model.grid import Box, Float3, Int3


def voxel_at(place: Float3, shape: tuple[int, ...]) -> Int3 | None:
    """The voxel (z, y, x) that holds a continuous place; None outside a volume of `shape`."""
    if not all(math.isfinite(value) for value in place):
        return None
    z, y, x = (math.floor(value + 0.5) for value in place)
    inside = 0 <= z < shape[0] and 0 <= y < shape[1] and 0 <= x < shape[2]
    return (z, y, x) if inside else None


def one_voxel(voxel: Int3) -> Box:
    """The box of a single voxel."""
    return Box(voxel, (voxel[0] + 1, voxel[1] + 1, voxel[2] + 1))


def index_in(voxel: Int3, box: Box) -> Int3:
    """The index of a voxel in an array that covers `box`."""
    return voxel[0] - box.start[0], voxel[1] - box.start[1], voxel[2] - box.start[2]


def cropped(found: BoolArray, box: Box) -> Covered | None:
    """Some voxels of a box in the smallest box that holds them, as an array of their own; None if there are none."""
    inner = Box.around(found)
    if inner is None:
        return None
    return Covered(inner.moved(box.start), np.array(found[inner.slices], order="C"))
