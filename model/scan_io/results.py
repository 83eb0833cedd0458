"""What the readers hand back; plain values, no reading here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.grid import Grid
from model.volume import DisplayHints, Volume

Array = npt.NDArray[np.generic]
LabelArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True)
class ScanSource:
    """Where a scan came from.

    Attributes:
        path: the file, or the folder of a DICOM series.
        format: "NIfTI", "NRRD", "MetaImage" or "DICOM".
        files: how many files were read.
        subject: the DICOM patient ID as it stands in the file, or None. Never logged, never exported.
        study_date: "2024-05-31", or None.
        series: the series description, or None.
    """

    path: Path
    format: str
    files: int = 1
    subject: str | None = None
    study_date: str | None = None
    series: str | None = None


@dataclass(frozen=True)
class ScanRead:
    """A scan, where it came from, and sentences the reader should see."""

    volume: Volume
    source: ScanSource
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LabelRead:
    """Labels (z, y, x; uint8, or uint16 above 255), their grid, and sentences the reader should see."""

    labels: LabelArray
    grid: Grid
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a format's reader found, before values are cleaned for showing (scan) or checked (labels)."""

    values: Array
    grid: Grid
    source: ScanSource
    hints: DisplayHints = field(default_factory=DisplayHints)
    notes: tuple[str, ...] = ()
