"""From the headers of one series to a stack of slices on a grid, or the reasons why it is none.

Judged from positions and sizes, not from tags such as SpacingBetweenSlices or GantryDetectorTilt. LPS mm
(DICOM PS3.3 C.7.6.2.1.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.errors import ScanError
from model.grid import Grid
from model.scan_io import guard
from model.scan_io.dicom_headers import SliceHeader
from model.scan_io.names import shown_name

_ORIENTATION_TOLERANCE = 2e-3  # of a direction cosine: about a tenth of a degree
_SPACING_TOLERANCE = 1e-3  # mm between the pixel spacings of two slices
_SAME_POSITION_MM = 1e-2
_OFF_NOTE_MM = 0.02

_PROJECTIONS = {"CR", "DX", "MG", "XA", "RF", "IO", "PX"}


@dataclass(frozen=True)
class Stack:
    """Slices in order along the normal (row × column direction), their grid, and notes."""

    slices: tuple[SliceHeader, ...]
    grid: Grid
    notes: tuple[str, ...]


def stacked(path: Path, headers: Sequence[SliceHeader]) -> Stack:
    """The slices of one series in order, on a straight and even grid.

    Args:
        path: what the reader opened; sentences name it.
        headers: the files of one series, in any order.

    Raises:
        ScanError: the files are no single straight volume of grey values.
    """
    name = shown_name(path)
    _refuse_other_kinds(name, headers)
    _refuse_mixtures(name, headers)
    first = headers[0]
    if first.position is None or first.row_direction is None or first.column_direction is None:
        raise AssertionError("refused above")
    row, column = np.asarray(first.row_direction), np.asarray(first.column_direction)
    normal = np.cross(row, column)
    length = float(np.linalg.norm(normal))
    if not 0.9 < length < 1.1:
        raise ScanError(
            f"{name} holds no usable geometry (its rows and columns point the same way); export it again."
        )
    normal /= length
    ordered = sorted(headers, key=lambda header: float(np.dot(normal, _position(header))))
    positions = np.asarray([_position(header) for header in ordered])
    heights = positions @ normal
    _refuse_shared_positions(name, heights)
    notes: list[str] = []
    if len(ordered) == 1:
        thickness = first.thickness if first.thickness and first.thickness > 0 else 1.0
        step = normal * thickness
        if thickness != first.thickness:
            notes.append("The thickness of the slice is unknown; 1 mm is assumed.")
    else:
        step = (positions[-1] - positions[0]) / (len(ordered) - 1)
        off = float(np.abs(positions - positions[0] - np.outer(np.arange(len(ordered)), step)).max())
        _refuse_bent(name, positions, heights, normal, step)
        if off > _OFF_NOTE_MM:
            notes.append(
                f"The gaps between slices vary a little: slices are shown up to {off:.2f} mm from their place."
            )
        if len(ordered) == 2:
            notes.append("The series has two slices only.")
    assert first.row_spacing is not None
    assert first.column_spacing is not None
    affine = np.column_stack([row * first.column_spacing, column * first.row_spacing, step, positions[0]])
    grid, sheared = guard.grid_from_affine(path, (len(ordered), first.rows, first.columns), affine)
    return Stack(tuple(ordered), grid, (*notes, *sheared))


def _position(header: SliceHeader) -> npt.NDArray[np.float64]:
    assert header.position is not None
    return np.asarray(header.position)


def _refuse_other_kinds(name: str, headers: Sequence[SliceHeader]) -> None:
    """Refuse what is not one grey slice a file."""
    for header in headers:
        if "MOSAIC" in header.image_type:
            raise ScanError(
                f"{name} is a mosaic (many slices tiled in one picture); convert it to NIfTI first."
            )
        if header.samples != 1 or not header.photometric.startswith("MONOCHROME"):
            raise ScanError(
                f"{name} holds colour pictures ({header.photometric}), not grey values; open the scan itself."
            )
        if header.frames > 1:
            raise ScanError(
                f"{name} is an enhanced or multi-frame series ({shown_name(header.path)} holds "
                f"{header.frames} frames), "
                "which is not read here; export it as single-frame DICOM or NIfTI."
            )
    first = headers[0]
    if len(headers) == 1:
        kind = set(first.image_type)
        if "LOCALIZER" in kind:
            raise ScanError(f"{name} is a localizer (scout), not a volume; open the series planned on it.")
        if first.modality in _PROJECTIONS or any("PROJECTION" in word or word == "MIP" for word in kind):
            raise ScanError(f"{name} is a single projection, not a volume; open the series of slices.")


def _refuse_mixtures(name: str, headers: Sequence[SliceHeader]) -> None:
    """Refuse slices that do not lie in planes of one kind: no geometry, or more than one."""
    for header in headers:
        if header.position is None or header.row_direction is None or header.column_direction is None:
            raise ScanError(
                f"{name} does not say where its pictures lie ({shown_name(header.path)} has no position or "
                "orientation), "
                "so it is no volume; open the series of slices."
            )
        if (
            not header.row_spacing
            or not header.column_spacing
            or min(header.row_spacing, header.column_spacing) <= 0
        ):
            raise ScanError(
                f"{name} does not say how large its pixels are ({shown_name(header.path)}); export it again."
            )
    orientations = _groups(
        [(*(header.row_direction or ()), *(header.column_direction or ())) for header in headers]
    )
    if orientations > 1:
        raise ScanError(
            f"{name} mixes slices of {orientations} orientations in one series (a localizer, or planes "
            "sent together); "
            "split it into one series a plane."
        )
    sizes = {(header.columns, header.rows) for header in headers}
    if len(sizes) > 1:
        listed = ", ".join(f"{x} × {y}" for x, y in sorted(sizes)[:4])
        raise ScanError(
            f"{name} mixes slices of different matrix sizes ({listed}) in one series; split it by size."
        )
    spacings = np.asarray([(header.row_spacing, header.column_spacing) for header in headers], dtype=float)
    if float(np.ptp(spacings, axis=0).max()) > _SPACING_TOLERANCE:
        raise ScanError(
            f"{name} mixes slices of different pixel sizes in one series; split it by pixel size."
        )


def _groups(rows: Sequence[tuple[float, ...]]) -> int:
    """How many different rows there are, within the tolerance of a direction."""
    found: list[npt.NDArray[np.float64]] = []
    for row in rows:
        values = np.asarray(row)
        if not any(np.abs(values - other).max() <= _ORIENTATION_TOLERANCE for other in found):
            found.append(values)
    return len(found)


def _refuse_shared_positions(name: str, heights: npt.NDArray[np.float64]) -> None:
    """Refuse several slices at one place along the normal: time points, echoes, copies, monitoring."""
    count = len(heights)
    starts = np.flatnonzero(np.diff(heights, prepend=-np.inf) > _SAME_POSITION_MM)
    if len(starts) == count:
        return
    if len(starts) == 1:
        raise ScanError(
            f"{name} holds {count} slices at one and the same position (monitoring), which is no volume."
        )
    each = np.diff(np.append(starts, count))
    if each.min() == each.max():
        what = f"{int(each[0])} slices at each (4-D: time points, echoes, directions, or duplicate slices)"
    else:
        what = (
            f"{int(each.min())} to {int(each.max())} at each (4-D with a slice missing, or duplicate slices)"
        )
    raise ScanError(
        f"{name} holds {count} slices at {len(starts)} positions, {what}; export one volume as its own "
        "series."
    )


def _refuse_bent(
    name: str,
    positions: npt.NDArray[np.float64],
    heights: npt.NDArray[np.float64],
    normal: npt.NDArray[np.float64],
    step: npt.NDArray[np.float64],
) -> None:
    """Refuse uneven gaps, gantry tilt or shear beyond 3 degrees, and slices off a straight line."""
    gaps = np.diff(heights)
    spacing = float(gaps.mean())
    # Positions are often rounded to a tenth of a millimetre, so a gap may be off by that much, but not by a
    # slice.
    tolerance = max(0.02 * spacing, min(0.1, 0.15 * spacing))
    even = np.arange(len(heights))
    problems: list[str] = []
    if np.abs(heights - heights[0] - spacing * even).max() > tolerance:
        problems.append(_uneven(gaps))
    tilt = float(np.degrees(np.arccos(min(1.0, abs(float(step @ normal)) / float(np.linalg.norm(step))))))
    if tilt > guard.SHEAR_LIMIT_DEGREES:
        problems.append(f"is sheared by {tilt:.1f} degrees (gantry tilt)")
    elif not problems and np.abs(positions - positions[0] - np.outer(even, step)).max() > tolerance:
        problems.append("has slices that are shifted sideways against each other")
    if problems:
        raise ScanError(
            f"{name} {' and '.join(problems)}, so it would be shown bent; export it again with all slices, "
            "or resample it on a straight, even grid first."
        )


def _uneven(gaps: npt.NDArray[np.float64]) -> str:
    usual = float(np.median(gaps))
    odd = [index for index, gap in enumerate(gaps) if abs(gap - usual) > 0.05 * usual] or [
        int(np.argmax(gaps))
    ]
    named = ", ".join(f"{gaps[index]:.2f} mm between slices {index + 1} and {index + 2}" for index in odd[:4])
    more = f" and {len(odd) - 4} more" if len(odd) > 4 else ""
    return f"has uneven gaps ({named}{more}; the others are {usual:.2f} mm: slices are missing or were added)"
