"""A DICOM series in a folder as one volume: find its files, refuse what is no volume, read and rescale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.errors import ScanError
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.scan_io import guard
from model.scan_io.dicom_geometry import Stack, stacked
from model.scan_io.dicom_headers import BrokenFileError, SliceHeader, quiet_pydicom, read_header
from model.scan_io.dicom_pixels import read_slice, scratch_folder, stored_type
from model.scan_io.names import is_dicom, shown_name
from model.scan_io.results import Array, Decoded, ScanSource
from model.volume import DisplayHints

_NO_SCANS = {"RTDOSE", "RTSTRUCT", "RTPLAN", "SEG", "SR", "PR", "KO", "REG"}
"""Modalities whose objects may carry pixels but are no scan."""

_HEADER_SHARE = 0.2
"""How much of the progress belongs to headers."""


@dataclass(frozen=True)
class _Folder:
    """What a folder holds: pictures, and the names of what is none or cannot be read."""

    pictures: tuple[SliceHeader, ...]
    broken: tuple[Path, ...]
    others: int


def read(path: Path, report: Report = silent, cancelled: CancelCheck = never) -> Decoded:
    """The one series in a folder, or the series of the file that is named.

    Raises:
        ScanError: no series, several of them, or one that is no straight, even, complete grey volume.
    """
    with quiet_pydicom():
        folder = path if path.is_dir() else path.parent
        found = _look_through(folder, report, cancelled)
        headers = _series(path, found)
        stack = stacked(path, headers)
        values = _read_pixels(path, stack, report, cancelled)
    first = stack.slices[0]
    notes = list(stack.notes)
    if first.photometric == "MONOCHROME1":
        notes.append(
            "Low values are meant to look bright (MONOCHROME1); the values are as stored and shown inverted."
        )
    if any(header.has_lookup_table for header in stack.slices):
        notes.append(
            "The values are as stored: the series has a lookup table for them, which is not applied here."
        )
    skipped = found.others + (len(found.broken) if path != folder else 0)
    if skipped:
        words = (
            "file in the folder is no slice and was"
            if skipped == 1
            else "files in the folder are no slices and were"
        )
        notes.append(f"{skipped} other {words} skipped.")
    source = ScanSource(
        path, "DICOM", len(stack.slices), first.patient_id, first.study_date, first.description
    )
    hints = DisplayHints(first.modality, first.window, inverted=first.photometric == "MONOCHROME1")
    return Decoded(values, stack.grid, source, hints, tuple(notes))


def _look_through(folder: Path, report: Report, cancelled: CancelCheck) -> _Folder:
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise ScanError(
            f"The folder {shown_name(folder)} cannot be read ({error.strerror}); check it."
        ) from error
    pictures: list[SliceHeader] = []
    broken: list[Path] = []
    others = 0
    for index, path in enumerate(paths):
        stop_if(cancelled)
        report(_HEADER_SHARE * index / len(paths), f"Looking through {shown_name(folder)}")
        if not is_dicom(path):
            others += 1
            continue
        try:
            header = read_header(path)
        except BrokenFileError:
            broken.append(path)
            continue
        if header.is_image and header.modality not in _NO_SCANS:
            pictures.append(header)
        else:
            others += 1
    return _Folder(tuple(pictures), tuple(broken), others)


def _series(path: Path, found: _Folder) -> tuple[SliceHeader, ...]:
    """The pictures of the series to read; every one has pixels."""
    name = shown_name(path)
    by_uid: dict[str, list[SliceHeader]] = {}
    for header in found.pictures:
        by_uid.setdefault(header.series_uid, []).append(header)
    if path.is_dir():
        if found.broken and len(by_uid) <= 1:
            raise ScanError(
                f"{shown_name(found.broken[0])} in {name} is a truncated or damaged DICOM file; copy the "
                "series again."
            )
        if not by_uid:
            raise ScanError(
                f"{name} holds no scan (no DICOM pictures); name a scan file or a folder of DICOM slices."
            )
        if len(by_uid) > 1:
            raise ScanError(
                f"{name} holds {len(by_uid)} series: {_listed(list(by_uid.values()))}; "
                "open one file of the series you want."
            )
        headers = found.pictures
    else:
        if path in found.broken:
            raise ScanError(f"{name} is a truncated or damaged DICOM file; copy the series again.")
        chosen = next((header.series_uid for header in found.pictures if header.path == path), None)
        if chosen is None:
            raise ScanError(
                f"{name} is a DICOM file without a scan (a plan, report or directory); open a slice of a "
                "scan."
            )
        headers = tuple(by_uid[chosen])
    for header in headers:
        if not header.has_pixels:
            raise ScanError(f"{shown_name(header.path)} in {name} has no pixel data; copy the series again.")
    return headers


def _listed(groups: Sequence[Sequence[SliceHeader]]) -> str:
    words = []
    for group in groups[:8]:
        first = group[0]
        title = f"“{first.description}”" if first.description else f"number {first.series_number or '?'}"
        example = shown_name(min(header.path for header in group))
        words.append(f"{title} ({first.modality or 'no modality'}, {len(group)} pictures, for one {example})")
    if len(groups) > 8:
        words.append(f"{len(groups) - 8} more")
    return ", ".join(words)


def _read_pixels(path: Path, stack: Stack, report: Report, cancelled: CancelCheck) -> Array:
    dtype = np.result_type(*{stored_type(header) for header in stack.slices})
    shape = stack.grid.shape
    guard.check_memory(path, shape, stack.grid.shape[0] * shape[1] * shape[2] * dtype.itemsize)
    values = np.empty(shape, dtype)
    with scratch_folder() as scratch:
        for index, header in enumerate(stack.slices):
            stop_if(cancelled)
            report(_HEADER_SHARE + (1 - _HEADER_SHARE) * index / shape[0], f"Reading {shown_name(path)}")
            values[index] = read_slice(header, Path(scratch))
    result = _rescaled(values, stack.slices, cancelled)
    report(1.0, f"Reading {shown_name(path)}")
    return result


def _rescaled(values: Array, slices: Sequence[SliceHeader], cancelled: CancelCheck) -> Array:
    """Each slice rescaled: whole numbers stay int16 or uint16 where they fit, others become float32."""
    scales = [(header.slope, header.intercept) for header in slices]
    if all(scale == (1.0, 0.0) for scale in scales):
        return values
    target = _whole_type(values, scales)
    # Two bytes fit where two bytes were, so a CT is rescaled in place.
    if target is not None and target.itemsize == values.dtype.itemsize:
        result: Array = values.view(target)
    else:
        result = np.empty(values.shape, target or np.float32)
    for index, (slope, intercept) in enumerate(scales):
        stop_if(cancelled)
        result[index] = (values[index] * np.float64(slope) + intercept).astype(result.dtype)
    return result


def _whole_type(values: Array, scales: Sequence[tuple[float, float]]) -> np.dtype[np.generic] | None:
    """int16 or uint16 if every rescaled value is a whole number that fits, else None."""
    if not all(slope.is_integer() and intercept.is_integer() for slope, intercept in scales):
        return None
    ends = [
        slope * end + intercept
        for plane, (slope, intercept) in zip(values, scales, strict=True)
        for end in (plane.min().item(), plane.max().item())
    ]
    for target in (np.int16, np.uint16):
        if np.iinfo(target).min <= min(ends) and max(ends) <= np.iinfo(target).max:
            return np.dtype(target)
    return None
