"""An asymmetric, oblique, anisotropic, left-handed phantom, and a writer of DICOM series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from model.grid import Grid
from model.volume import DisplayHints, Volume

LANDMARKS = {(1, 2, 3): 1000, (5, 9, 2): 2000, (7, 4, 10): 3000}
"""Voxels (z, y, x) of the phantom and the value each carries."""


def rotation(*degrees: float) -> np.ndarray:
    """Turned about x, y and z, one after the other."""
    a, b, c = np.radians(degrees)
    about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    about_y = [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
    about_z = [[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]]
    return np.array(about_z) @ np.array(about_y) @ np.array(about_x)


@pytest.fixture
def phantom() -> Volume:
    """13 × 11 × 9 voxels (x, y, z) with three landmarks; the y axis runs backwards."""
    direction = rotation(12, -17, 23) * np.array([1, -1, 1])
    grid = Grid.from_xyz((13, 11, 9), (0.7, 1.3, 3.1), (-120.53, 33.271, 400.125), direction.ravel())
    values = np.random.default_rng(1).integers(-900, 900, grid.shape).astype(np.int16)
    for voxel, value in LANDMARKS.items():
        values[voxel] = value
    return Volume(values, grid, DisplayHints("CT", synthetic=True))


@dataclass(frozen=True)
class Slices:
    """What goes into a series: stored values (slices, rows, columns) and where each slice lies."""

    values: np.ndarray
    positions: np.ndarray
    cosines: Sequence[float] = (1, 0, 0, 0, 1, 0)
    spacing: tuple[float, float] = (1.0, 1.0)


SeriesWriter = Callable[..., list[Path]]


@pytest.fixture
def write_series() -> SeriesWriter:
    """Writes one DICOM file a slice, named against the order of positions; keywords set further elements."""

    def write(
        folder: Path, slices: Slices, syntax: UID = ExplicitVRLittleEndian, **elements: Any
    ) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for index, (plane, position) in enumerate(zip(slices.values, slices.positions, strict=True)):
            data = FileDataset(None, {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
            data.file_meta.TransferSyntaxUID = syntax
            data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = CTImageStorage
            uid = UID(f"1.2.826.0.1.3680043.8.498.{index + 1}")
            data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid
            data.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.7"
            data.Modality = "CT"
            data.Rows, data.Columns = plane.shape
            data.SamplesPerPixel = 1
            data.PhotometricInterpretation = "MONOCHROME2"
            data.BitsAllocated = data.BitsStored = plane.dtype.itemsize * 8
            data.HighBit = data.BitsStored - 1
            data.PixelRepresentation = int(plane.dtype.kind == "i")
            data.ImagePositionPatient = [f"{v:.9f}"[:16] for v in position]
            data.ImageOrientationPatient = [f"{v:.12f}"[:16] for v in slices.cosines]
            data.PixelSpacing = [f"{v:.9f}"[:16] for v in slices.spacing]
            for keyword, value in elements.items():
                setattr(data, keyword, value[index] if isinstance(value, list) else value)
            swapped = plane.astype(plane.dtype.newbyteorder(">" if not syntax.is_little_endian else "<"))
            pixels = swapped.tobytes() + b"\0" * (plane.nbytes % 2)
            data.add_new("PixelData", "OB" if plane.itemsize == 1 else "OW", pixels)
            path = folder / f"{len(slices.values) - index:04d}.dcm"
            pydicom.dcmwrite(path, data, enforce_file_format=True)
            paths.append(path)
        return paths

    return write


@pytest.fixture
def straight() -> Slices:
    """Six slices of 5 rows × 4 columns, 2.5 mm apart, int16."""
    values = np.arange(120, dtype=np.int16).reshape(6, 5, 4)
    positions = np.array([(-10.0, 20.0, 2.5 * index) for index in range(6)])
    return Slices(values, positions, spacing=(1.5, 0.8))
