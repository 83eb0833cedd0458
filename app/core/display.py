"""One composite image per view and frame: grey window, attention, mask and outlines, in device pixels.

Everything is sampled where the device pixels are, so voxels are as large as their millimetres, outlines stay
thin and attention lies where it belongs. Only the slice that is shown is windowed. No Qt: the caller owns the
buffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.attention_colours import attention_alpha, attention_colours
from app.core.attention_plane import AttentionPlane, cut_attention
from app.core.labels import LabelTable
from app.core.look import Look, Part, Viewport
from app.core.mask_paint import paint_mask, paint_preview
from app.core.planes import SliceFrame
from app.core.sampling import (
    AxisSamples,
    Float32Array,
    FloatArray,
    axis_samples,
    sample_linear,
    sample_nearest,
)
from app.core.tools.proposal import Proposal
from app.core.windowing import WINDOW_PRESETS, WindowPreset, automatic_window, presets_for
from model.attention import AttentionMap
from model.volume import Volume

__all__ = [
    "BACKGROUND",
    "WINDOW_PRESETS",
    "Look",
    "Part",
    "Scratch",
    "Viewport",
    "WindowPreset",
    "attention_alpha",
    "attention_colours",
    "automatic_window",
    "compose",
    "presets_for",
]

Picture = npt.NDArray[np.uint32]
Labels = npt.NDArray[np.unsignedinteger[Any]]

BACKGROUND = 0xFF000000
"""What surrounds the scan: black, 0xffRRGGBB."""

# Rows of the picture made at a time: small enough that every step's arrays stay in the processor's cache.
_BAND_PIXELS = 40_000


class Scratch:
    """The windowed slice a view showed last, so that panning, zooming and painting do not window it again.

    Each view keeps its own. It holds one slice (float32) and never changes what is drawn.
    """

    def __init__(self) -> None:
        self._volume: Volume | None = None
        self._key: tuple[SliceFrame, int, float, float, bool] | None = None
        self._grey: Float32Array = np.empty((0, 0), np.float32)

    def grey(self, volume: Volume, frame: SliceFrame, slice_index: int, look: Look) -> Float32Array:
        """The slice (rows, columns) through the grey window, 0–255, unrounded."""
        key = (frame, slice_index, look.level, look.width, look.inverted)
        if volume is not self._volume or key != self._key:
            self._grey = _windowed(frame.cut(volume.values, slice_index), look)
            self._volume, self._key = volume, key
        return self._grey


def compose(
    out: Picture,
    volume: Volume,
    labels: Labels | None,
    table: LabelTable | None,
    attention: AttentionMap | None,
    look: Look,
    frame: SliceFrame,
    slice_index: int,
    viewport: Viewport,
    scratch: Scratch | None = None,
    *,
    hidden: frozenset[int] = frozenset(),
    preview: Proposal | None = None,
    part: Part | None = None,
) -> None:
    """Draw one view into `out`, whole or the part of it that changed.

    Order, from below: grey, attention, filled mask (not over attention), outlines, preview. A label the table does not
    know is drawn white.

    Args:
        out: (height_px, width_px), uint32, 0xffRRGGBB as QImage.Format_RGB32 has it; every pixel is written.
        volume: the scan.
        labels: the mask (z, y, x) on the scan's grid, or None.
        table: the colours of the labels.
        attention: the map to lay over the scan, or None; drawn whatever `look.attention_key` says.
        look: what the reader chose to see.
        frame: the plane, as `planes.slice_frame(volume.grid, …)` gave it.
        slice_index: the slice, 0 to frame.count − 1.
        viewport: the part of the slice that fills the view.
        scratch: what the same view kept from its last frame; faster, never different.
        hidden: labels that are not drawn.
        preview: a change that is proposed, drawn over the mask, also where the mask is switched off.
        part: the pixels to draw; the others of `out` stay. None for all. Each is as it would be in the whole picture.
    """
    if out.shape != (viewport.height_px, viewport.width_px) or out.dtype != np.uint32:
        raise ValueError(
            f"the picture must be uint32 of {viewport.height_px}×{viewport.width_px} pixels, "
            f"not {out.dtype} of {out.shape}"
        )
    shown = _Shown(volume, labels, table, attention, look, frame, slice_index, viewport, hidden, preview)
    scratch = scratch or Scratch()
    if part is None:
        _draw(out, shown, shown.whole, scratch)
    elif not part.is_empty:
        # Outlines depend on the pixels beside them, so a little more is drawn than is taken over.
        wide = part.grown(viewport.outline_px + 1, viewport.height_px, viewport.width_px)
        picture = np.empty((wide.bottom - wide.top, wide.right - wide.left), np.uint32)
        _draw(picture, shown, wide, scratch)
        out[part.top : part.bottom, part.left : part.right] = picture[
            part.top - wide.top : part.bottom - wide.top, part.left - wide.left : part.right - wide.left
        ]


@dataclass(frozen=True, eq=False)
class _Shown:
    """What `compose` draws; its arguments say what each is."""

    volume: Volume
    labels: Labels | None
    table: LabelTable | None
    attention: AttentionMap | None
    look: Look
    frame: SliceFrame
    slice_index: int
    viewport: Viewport
    hidden: frozenset[int]
    preview: Proposal | None

    @property
    def whole(self) -> Part:
        """All pixels of the view."""
        return Part(0, self.viewport.height_px, 0, self.viewport.width_px)

    def places(self, part: Part) -> tuple[FloatArray, FloatArray]:
        """Row and column of the slice at each row and column of device pixels of a part."""
        rows, columns = self.viewport.rows_shown(self.frame), self.viewport.columns_shown(self.frame)
        return rows[part.top : part.bottom], columns[part.left : part.right]

    def tint(self, part: Part) -> AttentionPlane | None:
        """The attention that lies over a part; None where none does."""
        if self.attention is None or self.look.bare:
            return None
        frame, (rows, columns) = self.frame, self.places(part)
        within = axis_samples(rows, frame.rows), axis_samples(columns, frame.columns)
        if within[0].size == 0 or within[1].size == 0:
            return None
        return cut_attention(self.attention, self.volume.grid, frame, self.slice_index, rows, columns, within)


def _draw(out: Picture, shown: _Shown, part: Part, scratch: Scratch) -> None:
    """Draw a part of the view, which `out` is, whole."""
    frame, slice_index, look, viewport = shown.frame, shown.slice_index, shown.look, shown.viewport
    row_places, column_places = shown.places(part)
    rows, columns = axis_samples(row_places, frame.rows), axis_samples(column_places, frame.columns)
    _surround(out, rows, columns)
    if rows.size == 0 or columns.size == 0:
        return
    grey = scratch.grey(shown.volume, frame, slice_index, look)
    tint = shown.tint(part)
    _paint_scan(out, grey, rows, columns, look, tint)
    if shown.labels is not None and look.mask_visible and not look.bare:
        plane = frame.cut(shown.labels, slice_index)
        opacity = min(1.0, max(0.0, look.mask_opacity))
        thick = viewport.outline_px if look.outline else 0
        if tint is not None or (part != shown.whole and shown.tint(shown.whole) is not None):
            # A fill would change the colours of attention, which are read against a fixed bar.
            opacity, thick = 0.0, viewport.outline_px
        paint_mask(out, plane, rows, columns, shown.table, opacity, thick, shown.hidden)
    if shown.preview is not None and not look.bare:
        origin = (part.top, part.left)
        paint_preview(
            out, shown.preview, frame, slice_index, rows, columns, shown.table, viewport.outline_px, origin
        )


def _windowed(plane: npt.NDArray[np.generic], look: Look) -> Float32Array:
    """Grey 0–255 of a slice, row by row in memory; NaN is black."""
    width = max(look.width, 1e-6)
    scale, black = 255.0 / width, look.level - look.width / 2
    # float32 holds every value of these types; wider ones lose digits only after black is taken off.
    exact = plane.dtype in (np.uint8, np.int8, np.uint16, np.int16, np.float32, np.float16)
    grey = np.empty(plane.shape, np.float32)
    np.subtract(plane, black, out=grey, dtype=np.float32 if exact else np.float64, casting="unsafe")
    grey *= np.float32(scale)
    if plane.dtype.kind == "f":
        np.nan_to_num(grey, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    np.clip(grey, 0.0, 255.0, out=grey)
    if look.inverted:
        np.subtract(np.float32(255.0), grey, out=grey)
    return grey


def _surround(out: Picture, rows: AxisSamples, columns: AxisSamples) -> None:
    """Background wherever the scan is not."""
    out[: rows.start] = BACKGROUND
    out[rows.stop :] = BACKGROUND
    out[rows.start : rows.stop, : columns.start] = BACKGROUND
    out[rows.start : rows.stop, columns.stop :] = BACKGROUND


def _paint_scan(
    out: Picture,
    grey: Float32Array,
    rows: AxisSamples,
    columns: AxisSamples,
    look: Look,
    tint: AttentionPlane | None,
) -> None:
    """Grey, and the tint of attention over it, in bands of rows."""
    blend = _tinted(look.attention_opacity) if tint is not None else None
    band = max(1, _BAND_PIXELS // columns.size)
    for start in range(rows.start, rows.stop, band):
        stop = min(start + band, rows.stop)
        part = rows.part(start, stop)
        shown = sample_linear(grey, part, columns) if look.smooth else sample_nearest(grey, part, columns)
        shown += np.float32(0.5)
        level = shown.astype(np.uint8)
        target = out[start:stop, columns.start : columns.stop]
        np.multiply(level, np.uint32(0x010101), out=target)
        target |= np.uint32(0xFF000000)
        if tint is None or blend is None:
            continue
        top, bottom = max(start, tint.rows.start), min(stop, tint.rows.stop)
        if top < bottom:
            across = slice(tint.columns.start - columns.start, tint.columns.stop - columns.start)
            _paint_tint(target, level, tint, blend, slice(top - start, bottom - start), across, start)


def _paint_tint(
    target: Picture,
    level: npt.NDArray[np.uint8],
    tint: AttentionPlane,
    blend: Picture,
    down: slice,
    across: slice,
    first: int,
) -> None:
    """Attention over the part of a band (first device row `first`) that the map covers."""
    value, covered = tint.levels(first + down.start, first + down.stop)
    index = value.astype(np.uint16)
    index <<= 8
    index |= level[down, across]
    colours = blend.take(index)
    if covered is None:
        target[down, across] = colours
    else:
        np.copyto(target[down, across], colours, where=covered)


@lru_cache(maxsize=8)
def _tinted(opacity: float) -> Picture:
    """The picture's colour for every pair of attention and grey: index attention × 256 + grey (65536,)."""
    alpha = attention_alpha(opacity)[:, None]
    grey = np.arange(256.0)
    result = np.full((256, 256), 0xFF, np.uint32)
    for channel in range(3):
        colour = attention_colours()[:, channel].astype(float)[:, None]
        result <<= 8
        result |= np.rint(grey * (1 - alpha) + colour * alpha).astype(np.uint32)
    return result.ravel()
