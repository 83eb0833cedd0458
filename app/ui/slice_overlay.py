"""What is drawn over the composite image of a view: letters, crosshair, scale, badge, brush, box, colour bar.

Everything here is in logical pixels of the widget; `SliceView` knows the geometry and hands over finished places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
)

from app.core.attention_colours import attention_colours
from app.core.planes import EdgeLetters, Plane
from app.ui import theme, words

PLANE_COLOURS: dict[Plane, str] = {
    Plane.AXIAL: "#e7b65c",
    Plane.CORONAL: "#5fc3a9",
    Plane.SAGITTAL: "#a79be8",
}
HANDLE_PX = 4.0
_MARGIN = 10.0
_BAR_WIDTH = 10.0
_RIM = 3.0
_BRUSH_DASHES = {
    "erase": [4.0, 3.0], "threshold-brush": [1.5, 2.5], "take-prediction": [8.0, 3.0, 1.5, 3.0],
    "smooth-brush": [6.0, 2.0],
}  # fmt: skip


@dataclass(frozen=True)
class CrosshairLines:
    """Where the crosshair is, and the colours of the planes its two lines stand for."""

    centre: QPointF
    vertical: str
    horizontal: str


def paint_text(painter: QPainter, at: QPointF, text: str, colour: str = theme.TEXT) -> None:
    """Text with a dark rim, readable on bright and dark anatomy; `at` is the left end of its base line."""
    font = painter.font()
    weight, ratio = QFont.Weight(font.weight()), painter.device().devicePixelRatioF()
    picture = _rimmed(text, font.pixelSize(), weight, colour, ratio)
    rise = QFontMetricsF(font).ascent()
    # On whole device pixels, where the cached picture is sharp.
    x, y = round((at.x() - _RIM) * ratio) / ratio, round((at.y() - rise - _RIM) * ratio) / ratio
    painter.drawPixmap(QPointF(x, y), picture)


@lru_cache(maxsize=256)
def _rimmed(text: str, px: int, weight: QFont.Weight, colour: str, ratio: float) -> QPixmap:
    """A picture of text with its rim: the same few words are drawn in every frame, and outlines are slow."""
    font = theme.font(px, weight=weight, tabular=True)
    metrics = QFontMetricsF(font)
    wide, high = metrics.horizontalAdvance(text) + 2 * _RIM, metrics.height() + 2 * _RIM
    picture = QPixmap(QSize(math.ceil(wide * ratio), math.ceil(high * ratio)))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    path = QPainterPath()
    path.addText(QPointF(_RIM, _RIM + metrics.ascent()), font, text)
    pen = QPen(QColor(0, 0, 0, 190), _RIM, Qt.PenStyle.SolidLine)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.strokePath(path, pen)
    painter.fillPath(path, QBrush(QColor(colour)))
    painter.end()
    return picture


def paint_letters(painter: QPainter, area: QRectF, letters: EdgeLetters) -> None:
    """The patient's directions at the four edges."""
    painter.setFont(theme.font(15, weight=QFont.Weight.DemiBold))
    metrics = QFontMetricsF(painter.font())
    rise = metrics.capHeight()
    for letter, x, y in (
        (letters.top, 0.5, 0.0), (letters.bottom, 0.5, 1.0), (letters.left, 0.0, 0.5), (letters.right, 1.0, 0.5),
    ):  # fmt: skip
        if letter:
            wide = metrics.horizontalAdvance(letter)
            left = area.left() + _MARGIN + x * (area.width() - wide - 2 * _MARGIN)
            base = area.top() + _MARGIN + rise + y * (area.height() - rise - 2 * _MARGIN)
            paint_text(painter, QPointF(left, base), letter, "#f4dc9a")


def paint_synthetic(painter: QPainter, area: QRectF) -> None:
    """Says in every view of a generated scan that nobody was scanned."""
    painter.setFont(theme.font(12))
    metrics = QFontMetricsF(painter.font())
    text = "Synthetic phantom"
    if metrics.horizontalAdvance(text) > area.width() / 2 - 30:
        text = "Synthetic"
    paint_text(painter, QPointF(area.left() + 10, area.top() + 12 + metrics.capHeight()), text, "#b9c4cf")


def paint_crosshair(painter: QPainter, area: QRectF, lines: CrosshairLines, *, quiet: bool) -> None:
    """Two thin lines with a gap in the middle, so that they never cover what they point at."""
    gap = 14.0
    x, y = lines.centre.x(), lines.centre.y()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for colour, ends in (
        (lines.vertical, ((x, area.top(), x, y - gap), (x, y + gap, x, area.bottom()))),
        (lines.horizontal, ((area.left(), y, x - gap, y), (x + gap, y, area.right(), y))),
    ):
        shade = QColor(colour)
        shade.setAlpha(70 if quiet else 170)
        pen = QPen(shade, 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        for x0, y0, x1, y1 in ends:
            if (x1 - x0) + (y1 - y0) > 0:
                painter.drawLine(QPointF(x0, y0), QPointF(x1, y1))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


def paint_scale(painter: QPainter, area: QRectF, px_per_mm: float) -> None:
    """A bar of a round length in the lower right corner."""
    mm = words.scale_length_mm(min(area.width() * 0.22, 110.0) / px_per_mm)
    right, bottom, wide = area.right() - 12, area.bottom() - 12, mm * px_per_mm
    for pen in (QPen(QColor(0, 0, 0, 190), 4), QPen(QColor("#f2f5f8"), 1.6)):
        pen.setCapStyle(Qt.PenCapStyle.FlatCap if pen.widthF() < 3 else Qt.PenCapStyle.SquareCap)
        painter.setPen(pen)
        painter.drawLine(QPointF(right - wide, bottom), QPointF(right, bottom))
        for x in (right - wide, right):
            painter.drawLine(QPointF(x, bottom - 4), QPointF(x, bottom + 0.8))
    painter.setFont(theme.font(12, tabular=True))
    text = words.length(mm)
    across = QFontMetricsF(painter.font()).horizontalAdvance(text)
    paint_text(painter, QPointF(right - (wide + across) / 2, bottom - 8), text)


def paint_badge(painter: QPainter, area: QRectF, badge: words.Badge) -> None:
    """Whose mask is shown, in the lower left corner, where it is always seen with the mask."""
    painter.setFont(theme.font(12))
    metrics = QFontMetricsF(painter.font())
    # Left of the middle, where the letter of the lower edge stands, and left of the scale.
    scale = min(area.width() * 0.22, 110.0) + 30
    room = min(area.width() / 2 - 20, area.width() - scale) - 40
    # Whole words as far as they go: "Edited, not saved" becomes "Edited" in a very small view.
    choices = (badge.text, badge.short, badge.short.split(",")[0])
    chosen = next((text for text in choices if metrics.horizontalAdvance(text) <= room), choices[-1])
    text = metrics.elidedText(chosen, Qt.TextElideMode.ElideRight, max(60.0, room))
    box = QRectF(area.left() + 10, area.bottom() - 34, metrics.horizontalAdvance(text) + 30, 24)
    painter.setPen(QPen(QColor(255, 255, 255, 36), 1))
    painter.setBrush(QColor(12, 16, 21, 215))
    painter.drawRoundedRect(box, 12, 12)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(badge.colour))
    painter.drawEllipse(QPointF(box.left() + 12, box.center().y()), 3.5, 3.5)
    painter.setPen(QColor(theme.TEXT))
    painter.drawText(box.adjusted(21, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)


def paint_brush(painter: QPainter, centre: QPointF, radius_px: float, colour: QColor, tool: str) -> None:
    """The outline of the brush as large as its millimetres; dashed while it erases, dotted with a range."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 170), 3))
    painter.drawEllipse(centre, radius_px, radius_px)
    pen = QPen(QColor("#ffffff") if tool == "erase" else colour.lighter(125), 1.4)
    dashes = _BRUSH_DASHES.get(tool)
    if dashes is not None:
        pen.setDashPattern(dashes)
    painter.setPen(pen)
    painter.drawEllipse(centre, radius_px, radius_px)


def paint_line(painter: QPainter, points: QPolygonF, colour: QColor) -> None:
    """A line that is being drawn, closed by a faint one from its end to its beginning."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(QColor(0, 0, 0, 150), 2.6), QPen(colour.lighter(125), 1.2)):
        painter.setPen(pen)
        painter.drawPolyline(points)
    closing = QPen(colour.lighter(125), 1)
    closing.setDashPattern([3, 4])
    painter.setPen(closing)
    painter.drawLine(points.last(), points.first())


def paint_note(painter: QPainter, area: QRectF, at: QPointF, text: str, colour: str) -> QRectF:
    """A few words in a box beside a point, kept inside the view; gives the box. `colour` is that of its left edge."""
    painter.setFont(theme.font(theme.SMALL_PX))
    widest = max(80.0, min(280.0, area.width() - 2 * _MARGIN - 24))
    flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap)
    words_in = QFontMetricsF(painter.font()).boundingRect(QRectF(0, 0, widest, 400), flags, text)
    wide, high = math.ceil(words_in.width()) + 24, math.ceil(words_in.height()) + 12
    left = min(max(area.left() + 6, at.x() + 16), area.right() - wide - 6)
    top = at.y() + 18
    if top + high > area.bottom() - 6:
        top = max(area.top() + 6, at.y() - 18 - high)
    box = QRectF(left, top, wide, high)
    painter.setPen(QPen(QColor(255, 255, 255, 46), 1))
    painter.setBrush(QColor(12, 16, 21, 232))
    painter.drawRoundedRect(box, 6, 6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(QRectF(left + 4, top + 5, 3, high - 10), 1.5, 1.5)
    painter.setPen(QColor(theme.TEXT))
    painter.drawText(box.adjusted(14, 0, -8, 0), flags, text)
    return box


def paint_region(painter: QPainter, box: QRectF, *, here: bool, handles: bool) -> None:
    """The region box in this plane: bright where this slice lies in it, faint elsewhere; handles when it can move."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    shade = QColor("#f0c65a")
    shade.setAlpha(235 if here else 110)
    painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
    painter.drawRect(box)
    pen = QPen(shade, 1.3)
    pen.setDashPattern([6, 3])
    painter.setPen(pen)
    painter.drawRect(box)
    if handles:
        painter.setPen(QPen(QColor(0, 0, 0, 200), 1))
        painter.setBrush(shade)
        for x in (box.left(), box.center().x(), box.right()):
            for y in (box.top(), box.center().y(), box.bottom()):
                if QPointF(x, y) != box.center():
                    side = 2 * HANDLE_PX
                    painter.drawRect(QRectF(x - HANDLE_PX, y - HANDLE_PX, side, side))


def paint_colour_bar(painter: QPainter, area: QRectF, title: str) -> None:
    """The fixed 0–1 ramp of attention, upright at the right edge, above the orientation letter."""
    height = min(150.0, area.height() * 0.5 - 60)
    if height < 40:
        return
    painter.setFont(theme.font(12, tabular=True))
    metrics = QFontMetricsF(painter.font())
    wide = metrics.horizontalAdvance("0.5")
    left = area.right() - 14 - wide - 6 - _BAR_WIDTH
    bar = QRectF(left, area.top() + 34, _BAR_WIDTH, height)
    painter.setPen(QPen(QColor(0, 0, 0, 200), 2))
    painter.setBrush(ramp(bar.bottomLeft(), bar.topLeft()))
    painter.drawRect(bar)
    painter.setPen(QPen(QColor(255, 255, 255, 120), 0.8))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(bar)
    for value in (0.0, 0.5, 1.0):
        y = bar.bottom() - value * bar.height()
        text = f"{value:g}"
        paint_text(painter, QPointF(bar.right() + 6, y + metrics.capHeight() / 2), text)
    across = metrics.horizontalAdvance(title)
    paint_text(painter, QPointF(area.right() - 14 - across, area.top() + 22), title)


def ramp(start: QPointF, stop: QPointF) -> QLinearGradient:
    """The colours of attention from 0 at `start` to 1 at `stop`."""
    gradient = QLinearGradient(start, stop)
    colours = attention_colours()
    for index in range(0, 256, 15):
        red, green, blue = (int(part) for part in colours[index])
        gradient.setColorAt(index / 255, QColor(red, green, blue))
    return gradient
