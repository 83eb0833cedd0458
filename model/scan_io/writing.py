"""Writing scans and labels so that a name never holds half a file: temporary name, fsync, then rename."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from model.errors import ScanError
from model.grid import Grid
from model.scan_io import metaimage, nifti_write, nrrd
from model.scan_io.names import has_suffix, shown_name
from model.scan_io.packing import packed
from model.scan_io.results import Array, LabelArray
from model.scan_io.tags import description
from model.volume import DisplayHints, Volume


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Have `write` fill a temporary file beside `path`, fsync it, and rename it to `path`.

    Raises:
        ScanError: the system refuses; nothing is left behind.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise ScanError(
            f"{shown_name(path)} cannot be written ({error.strerror or error}); check the folder and the "
            "free space."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_scan(path: Path, volume: Volume) -> None:
    """Write a scan as its suffix says (.nii.gz, .nii, .nrrd, .mha), with grid, modality and synthetic flag.

    Raises:
        ScanError: another suffix, values no format holds, or the disk refuses.
    """
    _write(path, volume.values, volume.grid, volume.hints)


def write_labels(path: Path, labels: LabelArray, grid: Grid) -> None:
    """Write labels (z, y, x) on their grid as the suffix says; uint8, or uint16 above 255.

    Raises:
        ScanError: another suffix or type of values, or the disk refuses.
    """
    if labels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"labels are uint8 or uint16, not {labels.dtype}")
    _write(path, labels, grid, DisplayHints())


def _write(path: Path, values: Array, grid: Grid, hints: DisplayHints) -> None:
    if values.shape != grid.shape:
        raise ValueError(f"values of shape {values.shape} do not fit a grid of {grid.shape}")
    if nifti_write.datatype_code(values.dtype) is None:
        raise ValueError(f"no scan format here holds values of type {values.dtype}")
    text = description(hints)
    if has_suffix(path, ".nii.gz"):
        write_whole(path, lambda file: packed(file, lambda sink: nifti_write.write(sink, values, grid, text)))
    elif has_suffix(path, ".nii"):
        write_whole(path, lambda file: nifti_write.write(file, values, grid, text))
    elif has_suffix(path, ".nrrd"):
        write_whole(path, lambda file: nrrd.write(file, values, grid, text))
    elif has_suffix(path, ".mha"):
        write_whole(path, lambda file: metaimage.write(file, values, grid, text))
    else:
        raise ScanError(
            f"{shown_name(path)} has no suffix that can be written; use .nii.gz, .nii, .nrrd or .mha."
        )


def _sync_folder(folder: Path) -> None:
    """Make a rename lasting where the system can open folders (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
