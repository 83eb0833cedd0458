"""What the tool in hand draws over a view: the brush's outline, the line that is drawn, and words beside the pointer.

Each shows in millimetres what would be painted here. How it is drawn is `slice_overlay`; where things lie in the view
is the view's matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.controllers import Controllers
from app.core.session import Session
from app.core.tools import TOOLS, Gesture
from app.core.tools.brush import radius_in_slice
from app.core.tools.lasso import enclosed_mm2, length_mm
from app.core.tools.polygon import Place, Polygon
from app.ui import slice_overlay, theme, words
from app.ui.cursor_note import CursorNote
from app.ui.view_drags import Drag, GrowDrag, OutlineDrag, StrokeDrag, ViewPlaces, closes
from model.grid import Float3

_CORNER_PX = 2.5
_FIRST_CORNER_PX = 4.5
_BESIDE = QPointF(14, 20)


@dataclass(frozen=True)
class InHand:
    """What a view has in the hand.

    Attributes:
        view: the view.
        controllers: they know the tool and its polygon.
        session: the open case.
        drag: what a held button does, or None.
        pointer: where the pointer is in the view; None where it is elsewhere.
        elsewhere: the voxel (z, y, x) the pointer is at in another view, or None.
        refusal: the sentence of the last refusal.
    """

    view: ViewPlaces
    controllers: Controllers
    session: Session
    drag: Drag | None
    pointer: QPointF | None
    elsewhere: Float3 | None
    refusal: CursorNote

    @property
    def polygon(self) -> Polygon | None:
        """The polygon that is drawn in this plane, whatever its slice."""
        polygon = self.controllers.editing.outlining.polygon
        return polygon if polygon is not None and polygon.plane is self.view.frame.plane else None

    @property
    def polygon_is_here(self) -> bool:
        """Whether its slice is the one shown."""
        return self.polygon is not None and self.polygon.slice_index == self.view.slice_index


def paint_tool(painter: QPainter, area: QRectF, hand: InHand) -> None:
    """The outline of the brush at the pointer, the line of a lasso or a polygon as far as they go; and all words."""
    entry = hand.session.table.entry(hand.session.active_label)
    colour = QColor(*entry.colour) if entry else QColor(theme.ACCENT)
    tool = hand.controllers.editing.tool
    if TOOLS[tool].gesture is Gesture.STROKE:
        if hand.pointer is not None:
            _paint_brush(painter, area, hand, tool, hand.pointer, colour)
        elif hand.elsewhere is not None and hand.session.sphere:
            _paint_ball(painter, hand.view, hand.session, tool, hand.elsewhere, colour)
    elif isinstance(hand.drag, OutlineDrag):
        slice_overlay.paint_line(painter, _line(hand.view, hand.drag.places), colour)
        if hand.pointer is not None:
            _paint_words(painter, area, hand.pointer + _BESIDE, outline_words(hand.view, hand.drag.places))
    elif hand.polygon is not None and hand.polygon_is_here:
        _paint_polygon(painter, area, hand, hand.polygon, colour)
    _paint_notes(painter, area, hand)


def brush_words(session: Session) -> str:
    """How large the brush is: "5.0 mm", "5.0 mm ball"."""
    return f"{session.radius_mm:.1f} mm{' ball' if session.sphere else ''}"


def outline_words(view: ViewPlaces, places: list[Place]) -> str:
    """How long a line is; from three places on what it encloses and how far it is round: "312 mm², 68.2 mm round"."""
    points = np.array(places, np.float64).reshape(-1, 2)
    if len(points) < 3:
        return f"{length_mm(points, view.frame):.1f} mm"
    round_mm = length_mm(np.concatenate([points, points[:1]]), view.frame)
    area_mm2 = enclosed_mm2(points, view.frame)
    return f"{area_mm2:,.{0 if area_mm2 >= 100 else 1}f} mm², {round_mm:.1f} mm round"


def _paint_brush(
    painter: QPainter, area: QRectF, hand: InHand, tool: str, pointer: QPointF, colour: QColor
) -> None:
    """A circle as large as the brush; where it is too small to hold a voxel's centre, the one voxel it paints."""
    view, radius_mm = hand.view, hand.session.radius_mm
    radius_px = radius_mm * view.px_per_mm()
    slice_overlay.paint_brush(painter, pointer, radius_px, colour, tool)
    if radius_mm < 0.5 * math.hypot(view.frame.row_mm, view.frame.column_mm):
        _paint_voxel(painter, view, pointer, colour)
    if not isinstance(hand.drag, StrokeDrag) and not hand.refusal.text:
        beside = QPointF(radius_px, radius_px) * math.sqrt(0.5) + QPointF(6, 14)
        _paint_words(painter, area, pointer + beside, brush_words(hand.session))


def _paint_ball(
    painter: QPainter, view: ViewPlaces, session: Session, tool: str, middle: Float3, colour: QColor
) -> None:
    """What this slice cuts of a ball that is held over another view."""
    distance = view.frame.from_voxel(middle)[0] - view.slice_index
    radius_mm = radius_in_slice(session.radius_mm, distance * view.frame.slice_mm)
    if radius_mm > 0:
        slice_overlay.paint_brush(painter, view.point_of(middle), radius_mm * view.px_per_mm(), colour, tool)


def _paint_voxel(painter: QPainter, view: ViewPlaces, pointer: QPointF, colour: QColor) -> None:
    row, column = (math.floor(place + 0.5) for place in view.place_at(pointer))
    centre = view.point_of(view.frame.to_voxel(view.slice_index, row, column))
    down, right = view.px_per_voxel()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour.lighter(125), 1))
    painter.drawRect(QRectF(centre.x() - right / 2, centre.y() - down / 2, right, down))


def _paint_polygon(painter: QPainter, area: QRectF, hand: InHand, polygon: Polygon, colour: QColor) -> None:
    """Its corners, a line from the last one to the pointer, and its size with the corner that would be set there."""
    view, places = hand.view, list(polygon.corners)
    closing = hand.pointer is not None and closes(view, polygon, hand.pointer)
    if hand.pointer is not None and not closing:
        places.append(view.place_at(hand.pointer))
    line = _line(view, places)
    slice_overlay.paint_line(painter, line, colour)
    painter.setPen(QPen(QColor(0, 0, 0, 170), 1))
    painter.setBrush(colour.lighter(125))
    for number in range(len(polygon.corners)):
        size = _FIRST_CORNER_PX if closing and number == 0 else _CORNER_PX
        painter.drawEllipse(line.at(number), size, size)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if hand.pointer is not None and not hand.refusal.text:
        said = outline_words(view, places) + (", click to close" if closing else "")
        _paint_words(painter, area, hand.pointer + _BESIDE, said)


def _paint_words(painter: QPainter, area: QRectF, at: QPointF, text: str) -> None:
    """A few words at a point, kept inside the view."""
    painter.setFont(theme.font(12, tabular=True))
    wide = painter.fontMetrics().horizontalAdvance(text)
    x = min(max(at.x(), area.left() + 6), area.right() - wide - 6)
    y = min(max(at.y(), area.top() + 16), area.bottom() - 6)
    slice_overlay.paint_text(painter, QPointF(x, y), text)


def _paint_notes(painter: QPainter, area: QRectF, hand: InHand) -> None:
    """What would change, in the view the pointer is in, and what was refused."""
    preview, pointer, drag = hand.session.preview, hand.pointer, hand.drag
    said = words.preview(hand.session, preview) if preview is not None else ""
    # Over the badge and the letter of the lower edge.
    foot = QPointF(area.center().x() - 156, area.bottom() - 32)
    if isinstance(drag, GrowDrag):
        tolerance = drag.tolerance
        if tolerance is not None and pointer is not None:
            text = f"Tolerance {tolerance:.4g}\n{said or 'Growing…'}\nLet go to accept, Esc drops it"
            slice_overlay.paint_note(painter, area, pointer, text, theme.ACCENT)
    elif said and hand.session.tools.point is None and pointer is not None:
        slice_overlay.paint_note(painter, area, foot, f"{said}\nEnter accepts, Esc drops it", theme.ACCENT)
    elif hand.polygon is not None and not hand.polygon_is_here:
        text = "The polygon lies in another slice\nScroll back to go on, Esc drops it"
        slice_overlay.paint_note(painter, area, foot, text, theme.ACCENT)
    if hand.refusal.text:
        slice_overlay.paint_note(painter, area, hand.refusal.at, hand.refusal.text, theme.WARNING)


def _line(view: ViewPlaces, places: list[Place]) -> QPolygonF:
    """Rows and columns of the shown slice as points of the view."""
    frame = view.frame
    return QPolygonF([view.point_of(frame.to_voxel(view.slice_index, *place)) for place in places])
