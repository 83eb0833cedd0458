"""What the reader chose to see, and which part of a slice a view shows. The picture is `app.core.display`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.core.planes import SliceFrame
from model.grid import Box

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """How the three views show a case; one for all of them.

    Attributes:
        level: middle of the grey window, in the scan's own values.
        width: width of the grey window; values below level − width/2 are black.
        inverted: low values bright.
        smooth: grey interpolated linearly between voxels; False shows each voxel as a plain rectangle.
        mask_visible: the mask is shown, as a filled area and outlines.
        mask_opacity: 0–1, of the filled area; outlines are always opaque.
        outline: a thin line along the border of each label.
        attention_key: (level, gate) of the attention map laid over the scan, or None.
        attention_opacity: 0–1, reached where attention is 1; see `display.attention_alpha`.
        bare: the scan alone, whatever else is set (while X is held).
    """

    level: float = 40.0
    width: float = 400.0
    inverted: bool = False
    smooth: bool = True
    mask_visible: bool = True
    mask_opacity: float = 0.35
    outline: bool = True
    attention_key: tuple[int, int] | None = None
    attention_opacity: float = 0.65
    bare: bool = False


@dataclass(frozen=True)
class Part:
    """A rectangle of device pixels: rows `top` to `bottom` and columns `left` to `right`, the last ones left out."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def is_empty(self) -> bool:
        """True if no pixel lies in it."""
        return self.top >= self.bottom or self.left >= self.right

    def joined(self, other: Part) -> Part:
        """The smallest rectangle that holds both."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return Part(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )

    def grown(self, by: int, height_px: int, width_px: int) -> Part:
        """With `by` pixels more on each side, kept within a picture."""
        return Part(
            max(0, self.top - by),
            min(height_px, self.bottom + by),
            max(0, self.left - by),
            min(width_px, self.right + by),
        )


@dataclass(frozen=True)
class Viewport:
    """The part of a slice that fills a view, in device pixels.

    A device pixel i covers [i, i + 1); its centre lies at i + 0.5. Rows and columns are those of a
    `SliceFrame` (voxel centres at integers), so voxels appear as large as their millimetres say.

    Attributes:
        width_px: device pixels across; `height_px` down.
        centre_row: the row of the slice in the middle of the view; `centre_column` likewise.
        px_per_mm: device pixels per millimetre, the same both ways.
        outline_px: thickness of outlines in device pixels; 1 unless the screen is of high density.
    """

    width_px: int
    height_px: int
    centre_row: float
    centre_column: float
    px_per_mm: float
    outline_px: int = 1

    @classmethod
    def fitted(cls, frame: SliceFrame, width_px: int, height_px: int, outline_px: int = 1) -> Viewport:
        """The whole slice in the middle of the view, as large as fits."""
        across = width_px / (frame.columns * frame.column_mm)
        down = height_px / (frame.rows * frame.row_mm)
        scale = max(1e-3, min(across, down))
        return cls(width_px, height_px, (frame.rows - 1) / 2, (frame.columns - 1) / 2, scale, outline_px)

    def to_slice(self, frame: SliceFrame, x_px: float, y_px: float) -> tuple[float, float]:
        """Row and column of the slice under a point of the view (x right, y down, in device pixels)."""
        row = self.centre_row + (y_px - self.height_px / 2) / (self.px_per_mm * frame.row_mm)
        column = self.centre_column + (x_px - self.width_px / 2) / (self.px_per_mm * frame.column_mm)
        return row, column

    def to_pixel(self, frame: SliceFrame, row: float, column: float) -> tuple[float, float]:
        """The point of the view (x, y in device pixels) where a row and column of the slice appears."""
        x_px = self.width_px / 2 + (column - self.centre_column) * self.px_per_mm * frame.column_mm
        y_px = self.height_px / 2 + (row - self.centre_row) * self.px_per_mm * frame.row_mm
        return x_px, y_px

    def part_of(self, frame: SliceFrame, box: Box) -> Part:
        """The pixels that a change of a box can change: those of its voxels, and the outlines round them."""
        top, bottom, left, right = frame.span(box)
        (x0, y0), (x1, y1) = self.to_pixel(frame, top, left), self.to_pixel(frame, bottom, right)
        room = self.outline_px + 1
        return Part(
            max(0, math.floor(y0) - room),
            min(self.height_px, math.ceil(y1) + room),
            max(0, math.floor(x0) - room),
            min(self.width_px, math.ceil(x1) + room),
        )

    def rows_shown(self, frame: SliceFrame) -> FloatArray:
        """The row of the slice at the centre of each line of device pixels, top to bottom (height_px,)."""
        middles = np.arange(self.height_px) + (0.5 - self.height_px / 2)
        return np.asarray(self.centre_row + middles / (self.px_per_mm * frame.row_mm), np.float64)

    def columns_shown(self, frame: SliceFrame) -> FloatArray:
        """The column of the slice at the centre of each device pixel of a line, left to right (width_px,)."""
        middles = np.arange(self.width_px) + (0.5 - self.width_px / 2)
        return np.asarray(self.centre_column + middles / (self.px_per_mm * frame.column_mm), np.float64)
