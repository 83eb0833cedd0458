"""What lies over the picture of a view: guides, words at its edges, and the tool in hand; and how much of it moves.

While a brush moves, only the pixels round it change. The words at the edges are not drawn for an update that does not
reach them, and a move asks for the places the brush left and came to, not for the view.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QPainter

from app.core.planes import Plane
from app.core.tools import TOOLS, Gesture
from app.ui import slice_overlay, tool_overlay, words
from app.ui.tool_overlay import InHand

WORKING = (Gesture.STROKE, Gesture.OUTLINE, Gesture.POLYGON, Gesture.POINT)
"""How tools are used that change the mask; beside them the crosshair is quiet."""

# The lines of the crosshair stand for the other two planes.
_OTHERS = {
    Plane.AXIAL: (Plane.SAGITTAL, Plane.CORONAL),
    Plane.CORONAL: (Plane.SAGITTAL, Plane.AXIAL),
    Plane.SAGITTAL: (Plane.CORONAL, Plane.AXIAL),
}
_EDGE_PX = 48
"""Letters, scale, badge and the mark of a phantom lie this near to the edges."""
_ROUND_BRUSH_PX = 8
_WORDS_WIDE_PX, _WORDS_HIGH_PX = 130, 40
"""Room for the radius beside the brush."""


def paint(painter: QPainter, area: QRectF, hand: InHand, updated: QRect) -> None:
    """Draw all that lies over the picture of a view.

    Args:
        painter: it draws in the view.
        area: the whole view, in logical pixels.
        hand: the view, the case and the tool.
        updated: the part that is drawn; nothing shows outside it.
    """
    view, session, look = hand.view, hand.session, hand.controllers.desk.look
    gesture = TOOLS[hand.controllers.editing.tool].gesture
    if not look.bare:
        _paint_guides(painter, area, hand, gesture)
    shown = words.shown_attention(session, look)
    if shown is not None or not _inner(area).contains(QRectF(updated)):
        slice_overlay.paint_letters(painter, area, view.frame.letters)
        slice_overlay.paint_scale(painter, area, view.px_per_mm())
        slice_overlay.paint_badge(painter, area, words.mask_badge(session, look))
        if session.scan.volume.hints.synthetic:
            slice_overlay.paint_synthetic(painter, area)
        if shown is not None and not look.bare:
            slice_overlay.paint_colour_bar(painter, area, words.level_name(shown))
    if not look.bare:
        tool_overlay.paint_tool(painter, area, hand)


def brush_area(area: QRectF, hand: InHand) -> QRect | None:
    """What the brush in hand covers of a view; empty where it is not in it, None where it may be anywhere."""
    if TOOLS[hand.controllers.editing.tool].gesture is not Gesture.STROKE or hand.refusal.text:
        return None
    if hand.session.preview is not None:
        return None
    radius = hand.session.radius_mm * hand.view.px_per_mm() + _ROUND_BRUSH_PX
    if hand.pointer is not None:
        # Near the edges the words beside the brush are pushed inwards.
        if not _inner(area).adjusted(0, 0, -_WORDS_WIDE_PX, 0).contains(hand.pointer):
            return None
        around = _round(hand.pointer, radius)
        return around.adjusted(0, 0, _WORDS_WIDE_PX, _WORDS_HIGH_PX).toAlignedRect()
    if hand.elsewhere is not None and hand.session.sphere:
        return _round(hand.view.point_of(hand.elsewhere), radius).toAlignedRect()
    return QRect()


def _round(centre: QPointF, radius: float) -> QRectF:
    return QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)


def _inner(area: QRectF) -> QRectF:
    return area.adjusted(_EDGE_PX, _EDGE_PX, -_EDGE_PX, -_EDGE_PX)


def _paint_guides(painter: QPainter, area: QRectF, hand: InHand, gesture: Gesture) -> None:
    """Crosshair and region box, below everything that must stay readable."""
    view, session = hand.view, hand.session
    across, down = _OTHERS[view.frame.plane]
    lines = slice_overlay.CrosshairLines(
        view.point_of(session.crosshair),
        slice_overlay.PLANE_COLOURS[across],
        slice_overlay.PLANE_COLOURS[down],
    )
    slice_overlay.paint_crosshair(painter, area, lines, quiet=gesture in WORKING)
    if session.region is not None:
        top, bottom, left, right = view.frame.span(session.region)
        here = view.frame.touches(session.region, view.slice_index)
        box = QRectF(view.point_at(top, left), view.point_at(bottom, right))
        slice_overlay.paint_region(painter, box, here=here, handles=gesture is Gesture.BOX)
