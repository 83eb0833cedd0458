"""Reading a label file: whole numbers on the grid of their scan; never rounded, never resampled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.errors import ScanError
from model.grid import Grid
from model.progress import CancelCheck, Report, never, silent
from model.scan_io.names import shown_name
from model.scan_io.reading import decode
from model.scan_io.results import Array, LabelArray, LabelRead

GRID_TOLERANCE_MM = 1e-2
"""How far a corner of a label may lie from its scan's: header rounding passes, a shifted mask does not."""


def read_labels(
    path: Path, like: Grid | None = None, report: Report = silent, cancelled: CancelCheck = never
) -> LabelRead:
    """The labels (z, y, x) in a file, as uint8, or uint16 where a value is above 255.

    Args:
        path: a file in any format `read_scan` takes.
        like: the grid of the scan they belong to; the result then carries exactly this grid.
        report: told the fraction done.
        cancelled: asked often.

    Raises:
        ScanError: unreadable, fractions, values below 0 or above 65535, or another grid than `like`.
    """
    decoded = decode(path, report, cancelled)
    grid = decoded.grid
    if like is not None:
        check_same_grid(path, grid, like)
        grid = like
    labels = _whole_numbers(path, decoded.values)
    notes = list(decoded.notes)
    counts = np.zeros(np.iinfo(labels.dtype).max + 1, np.int64)
    for plane in labels:
        counts += np.bincount(plane.ravel(), minlength=counts.size)
    named = [int(value) for value in np.flatnonzero(counts) if value]
    if named and named != list(range(1, len(named) + 1)):
        notes.append(f"The labels present are {_listed(named)}.")
    return LabelRead(labels, grid, tuple(notes))


def check_same_grid(path: Path, grid: Grid, like: Grid) -> None:
    """Refuse labels whose grid is not that of their scan, saying how they differ."""
    if grid.shape != like.shape:
        raise ScanError(
            f"{shown_name(path)} has {_by(grid.size_xyz)} voxels and the scan {_by(like.size_xyz)}; it is "
            "not a mask "
            "of this scan. Choose the label file made on it."
        )
    apart = float(np.linalg.norm(grid.corners_mm() - like.corners_mm(), axis=1).max())
    if not apart <= GRID_TOLERANCE_MM:
        raise ScanError(
            f"{shown_name(path)} lies up to {apart:.3g} mm away from the scan (its origin, spacing or "
            "direction "
            "differs); correct its header, or choose the label file made on this scan."
        )


def _whole_numbers(path: Path, values: Array) -> LabelArray:
    low, high = values.min().item(), values.max().item()
    if not (low >= 0 and high <= 65535):  # also false for NaN
        raise ScanError(
            f"{shown_name(path)} holds values from {low:g} to {high:g}; labels are whole numbers from 0 to "
            "65535, "
            "so this is not a label file."
        )
    labels: LabelArray = values.astype(np.uint8) if high <= 255 else values.astype(np.uint16)
    if values.dtype.kind == "f":
        for mine, plane in zip(labels, values, strict=True):
            wrong = mine != plane
            if wrong.any():
                raise ScanError(
                    f"{shown_name(path)} holds fractions ({float(plane[wrong][0]):g}), so it is not a "
                    "label file; "
                    "export the labels without smoothing or resampling."
                )
    return labels


def _by(size_xyz: tuple[int, int, int]) -> str:
    return " × ".join(str(n) for n in size_xyz)


def _listed(values: list[int]) -> str:
    if len(values) > 12:
        return f"{len(values)} values from {values[0]} to {values[-1]}"
    return ", ".join(str(value) for value in values)
