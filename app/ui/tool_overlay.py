"""What the tool in hand draws over a view: the brush's outline, the line that is drawn, and words beside the pointer.

The drawing itself is `slice_overlay`; where things lie in the view is the view's matter.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPolygonF

from app.core.session import Session
from app.core.tools import TOOLS, Gesture
from app.ui import slice_overlay, theme, words
from app.ui.cursor_note import CursorNote
from app.ui.view_drags import Drag, GrowDrag


def paint_tool(
    painter: QPainter, session: Session, tool: str, pointer: QPointF | None, px_per_mm: float, line: QPolygonF
) -> None:
    """The outline of the brush at the pointer, and the line of a lasso as far as it goes (empty: none)."""
    entry = session.table.entry(session.active_label)
    colour = QColor(*entry.colour) if entry else QColor(theme.ACCENT)
    if pointer is not None and TOOLS[tool].gesture is Gesture.STROKE:
        slice_overlay.paint_brush(painter, pointer, session.radius_mm * px_per_mm, colour, tool)
    if not line.isEmpty():
        slice_overlay.paint_line(painter, line, colour)


def paint_notes(
    painter: QPainter,
    area: QRectF,
    session: Session,
    drag: Drag | None,
    pointer: QPointF | None,
    note: CursorNote,
) -> None:
    """What would change, in the view the pointer is in, and what was refused."""
    preview = session.preview
    said = words.preview(session, preview) if preview is not None else ""
    if isinstance(drag, GrowDrag):
        tolerance = drag.tolerance
        if tolerance is not None and pointer is not None:
            text = f"Tolerance {tolerance:.4g}\n{said or 'Growing…'}\nLet go to accept, Esc drops it"
            slice_overlay.paint_note(painter, area, pointer, text, theme.ACCENT)
    elif said and session.tools.point is None and pointer is not None:
        # Over the badge and the letter of the lower edge.
        foot = QPointF(area.center().x() - 156, area.bottom() - 32)
        slice_overlay.paint_note(painter, area, foot, f"{said}\nEnter accepts, Esc drops it", theme.ACCENT)
    if note.text:
        slice_overlay.paint_note(painter, area, note.at, note.text, theme.WARNING)
