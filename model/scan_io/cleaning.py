"""From decoded values to a scan fit to be shown: types kept or narrowed, no NaN, notes for odd content."""

from __future__ import annotations

import numpy as np

from model.errors import ScanError
from model.progress import CancelCheck, never, stop_if
from model.scan_io.names import shown_name
from model.scan_io.results import Array, Decoded, ScanRead
from model.volume import Volume

_KEPT = tuple(np.dtype(code) for code in ("u1", "i2", "u2", "f4"))


def to_scan(decoded: Decoded, cancelled: CancelCheck = never) -> ScanRead:
    """The scan with values of type uint8, int16, uint16 or float32, all of them finite.

    Raises:
        ScanError: no value is finite.
    """
    notes = list(decoded.notes)
    values = decoded.values
    if values.dtype not in _KEPT:
        values = narrowed(values, notes, cancelled)
    if values.dtype.kind == "f":
        values = _finite(decoded, values, notes, cancelled)
    if min(values.shape) == 1:
        notes.append(
            "The scan has a single slice, so its thickness is not certain and 3-D models do not apply."
        )
    low, high = _range(values)
    if low == high:
        notes.append(f"All voxels have the same value ({low:g}); there is nothing to see.")
    return ScanRead(Volume(values, decoded.grid, decoded.hints), decoded.source, tuple(notes))


def narrowed(values: Array, notes: list[str], cancelled: CancelCheck = never) -> Array:
    """Wider integers as int16 or uint16 where they fit, else float32; float64 as float32."""
    target: type[np.generic] = np.float32
    if values.dtype.kind in "iu":
        low, high = _range(values)
        for narrow in (np.int16, np.uint16):
            if np.iinfo(narrow).min <= low and high <= np.iinfo(narrow).max:
                target = narrow
                break
        if max(-low, high) > 1 << 24:
            notes.append("Values above 16,777,216 were rounded to seven digits.")
    result = np.empty(values.shape, target)
    with np.errstate(over="ignore", invalid="ignore"):
        for index, plane in enumerate(values):
            stop_if(cancelled)
            result[index] = plane
    return result


def _finite(decoded: Decoded, values: Array, notes: list[str], cancelled: CancelCheck) -> Array:
    """Values without NaN and infinities: NaN and −inf become the least finite value, +inf the greatest."""
    low, high, bad = np.inf, -np.inf, 0
    for plane in values:
        stop_if(cancelled)
        finite = np.isfinite(plane)
        count = int(finite.sum())
        bad += plane.size - count
        if count:
            low = min(low, float(plane.min(where=finite, initial=np.inf)))
            high = max(high, float(plane.max(where=finite, initial=-np.inf)))
    if bad == 0:
        return values
    if bad == values.size:
        raise ScanError(
            f"{shown_name(decoded.source.path)} holds no number at all (only NaN or infinity); export it "
            "again."
        )
    for plane in values:
        np.nan_to_num(plane, copy=False, nan=low, posinf=high, neginf=low)
    notes.append(
        f"{bad:,} voxels were not numbers (NaN or infinity); they were set to the least value, {low:g}, "
        f"or for +infinity to the greatest, {high:g}."
    )
    return values


def _range(values: Array) -> tuple[float, float]:
    return values.min().item(), values.max().item()
