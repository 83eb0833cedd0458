"""What editing is measured on: a generated scan and its mask, as a prediction leaves it that has to be corrected.

Shapes by formula, seeded: no phantom is cut to 512×512×300, and every voxel of these is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.labels import LabelEntry, LabelTable
from app.core.session import Base, CaseIdentity, Session
from model.grid import Box, Float3, Grid, Int3
from model.scan_io import ScanRead, ScanSource
from model.volume import DisplayHints, Volume

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

LIVER, PANCREAS = 1, 2
TABLE = LabelTable(
    "bench", (LabelEntry(LIVER, "liver", (200, 90, 70)), LabelEntry(PANCREAS, "pancreas", (230, 190, 90)))
)
_SPACING = (1.0, 0.8, 0.8)
_SEED = 11
_TISSUE_HU, _LIVER_HU, _PANCREAS_HU, _NOISE_HU = 40, 115, 95, 11
LIVER_HU = (80.0, 150.0)
"""The range that grows over the liver and stops at what lies round it."""

# In parts of the volume along z, y, x.
_LIVER_MIDDLE, _LIVER_HALF = (0.52, 0.45, 0.36), (0.27, 0.19, 0.29)
_FISSURE_MIDDLE, _FISSURE_HALF = (0.36, 0.62, 0.44), (0.10, 0.12, 0.08)
_PANCREAS_ENDS = ((0.45, 0.52, 0.56), (0.56, 0.60, 0.80))
_ISLANDS = 250
_MISSING_EVERY, _MISSING = 12, 5
"""Of twelve slices of the drawn liver the last five are missing, as where a reader draws every few slices."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What the rows are measured on; arrays are z, y, x and read-only.

    Attributes:
        values: the scan in HU.
        liver: a large organ as a prediction leaves it, with islands all over the volume.
        drawn: the organ without islands, several slices missing between drawn ones.
        seed: a voxel in the middle of the organ.
        spacing: mm between voxels along z, y, x.
    """

    values: npt.NDArray[np.int16]
    liver: BoolArray
    drawn: BoolArray
    pancreas: BoolArray
    seed: Float3
    spacing: Float3

    @property
    def shape(self) -> Int3:
        """Voxels along z, y, x."""
        depth, rows, columns = self.liver.shape
        return depth, rows, columns

    def labels(self) -> npt.NDArray[np.uint8]:
        """The mask a reader would get, a fresh copy."""
        labels = self.liver.astype(np.uint8)
        labels[self.pancreas] = PANCREAS
        return labels

    def session(self, labels: npt.NDArray[np.unsignedinteger[Any]] | None = None) -> Session:
        """An open case of this scan; without a disk, a journal or a window. `labels` None: an empty mask."""
        volume = Volume(
            self.values, Grid(self.shape, self.spacing), DisplayHints(modality="CT", synthetic=True)
        )
        scan = ScanRead(volume, ScanSource(Path("bench.nii.gz"), "NIfTI"))
        return Session(CaseIdentity("0" * 64, "bench"), scan, TABLE, labels, Base("empty", "", ""))


def make_scene(size: Int3, spacing: Float3 = _SPACING) -> Scene:
    """A scan of `size` voxels (z, y, x) with a large organ, a small one, islands and missing slices."""
    random = np.random.default_rng(_SEED)
    organ = np.zeros(size, np.bool_)
    _add_ellipsoid(organ, _LIVER_MIDDLE, _LIVER_HALF, wavy=True)
    fissure = np.zeros(size, np.bool_)
    _add_ellipsoid(fissure, _FISSURE_MIDDLE, _FISSURE_HALF)
    organ &= ~fissure
    pancreas = np.zeros(size, np.bool_)
    for share in np.linspace(0.0, 1.0, 24):
        middle = [a + (b - a) * share for a, b in zip(*_PANCREAS_ENDS, strict=True)]
        middle[1] -= 0.07 * math.sin(math.pi * share)
        half = 0.022 + 0.014 * (1 - share)
        _add_ellipsoid(pancreas, (middle[0], middle[1], middle[2]), (half * 1.4, half, half))
    pancreas &= ~organ
    values = _noise(size, random)
    values += np.int16(_TISSUE_HU)
    values[organ] += np.int16(_LIVER_HU - _TISSUE_HU)
    values[pancreas] += np.int16(_PANCREAS_HU - _TISSUE_HU)
    drawn = organ.copy()
    for first in range(_MISSING_EVERY - _MISSING, size[0] - _MISSING, _MISSING_EVERY):
        drawn[first : first + _MISSING] = False
    liver = organ
    for _ in range(_ISLANDS):
        z, y, x = random.random(3)
        half = random.uniform(0.002, 0.01)
        _add_ellipsoid(liver, (float(z), float(y), float(x)), (half * 1.5, half, half))
    liver &= ~pancreas
    for array in (values, liver, drawn, pancreas):
        array.flags.writeable = False
    seed = tuple(float(round(share * (n - 1))) for share, n in zip(_LIVER_MIDDLE, size, strict=True))
    return Scene(values, liver, drawn, pancreas, (seed[0], seed[1], seed[2]), spacing)


def _add_ellipsoid(mask: BoolArray, middle: Float3, half: Float3, *, wavy: bool = False) -> None:
    """Mark an ellipsoid, given in parts of the volume; a wavy one has lobes."""
    size = mask.shape
    centre = [share * (n - 1) for share, n in zip(middle, size, strict=True)]
    reach = [max(0.6, share * n) for share, n in zip(half, size, strict=True)]
    wide = 1.2 if wavy else 1.0
    box = Box(
        tuple(math.floor(c - wide * r) for c, r in zip(centre, reach, strict=True)),
        tuple(math.ceil(c + wide * r) + 1 for c, r in zip(centre, reach, strict=True)),
    ).clipped(size)
    z, y, x = (
        ((np.arange(a, b, dtype=np.float32) - np.float32(c)) / np.float32(r)).reshape(form)
        for a, b, c, r, form in zip(
            box.start, box.stop, centre, reach, ((-1, 1, 1), (1, -1, 1), (1, 1, -1)), strict=True
        )
    )
    squared: FloatArray = z * z + y * y + x * x
    limit: FloatArray | float = 1.0
    if wavy:
        limit = 1.0 + 0.16 * np.sin(5 * y + 2) * np.sin(4 * x) + 0.1 * np.sin(6 * z + 3 * x)
    mask[box.slices] |= squared <= limit


def _noise(size: Int3, random: np.random.Generator) -> npt.NDArray[np.int16]:
    """Noise in HU; a tile of it over and over, since 79 million numbers take seconds to draw."""
    tile = np.rint(random.normal(0.0, _NOISE_HU, (48, 64, 64))).astype(np.int16)
    times = [-(-n // m) for n, m in zip(size, tile.shape, strict=True)]
    return np.ascontiguousarray(np.tile(tile, times)[: size[0], : size[1], : size[2]])
