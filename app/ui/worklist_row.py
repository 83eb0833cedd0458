"""How a case looks in the worklist: its picture, and what is said of it in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.controllers.desk import Desk
from app.core.seen import UNDER_READ
from app.store.review_store import CaseRow
from app.ui import theme

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = int(Qt.ItemDataRole.UserRole)
"""The role under which the model gives the `CaseRow`."""
_THUMBNAIL_PX = 52
_ROW_PX = 88


class CaseDelegate(QStyledItemDelegate):
    """Paints a case: picture, name, state with its colour, and a quiet line of facts."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """One height for every row."""
        return QSize(200, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        row = index.data(ROW_ROLE)
        if not isinstance(row, CaseRow):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(option.rect).adjusted(6, 2, -6, -2)
        state: QStyle.StateFlag = option.state
        session = self._desk.session
        is_open = session is not None and session.case.id == row.id
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if is_open or selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor("#22303c" if is_open else theme.HOVER if selected else theme.RAISED))
            painter.drawRoundedRect(area, 6, 6)
        if is_open:
            painter.setBrush(QColor(theme.ACCENT))
            painter.drawRoundedRect(QRectF(area.left(), area.top() + 8, 3, area.height() - 16), 1.5, 1.5)
        if state & QStyle.StateFlag.State_HasFocus and selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.ACCENT), 1))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        top = area.center().y() - _THUMBNAIL_PX / 2
        box = QRectF(area.left() + 10, top, _THUMBNAIL_PX, _THUMBNAIL_PX)
        _paint_thumbnail(painter, box, self._desk.thumbnail(row.id))
        _paint_words(painter, area.adjusted(_THUMBNAIL_PX + 20, 6, -8, -6), row)
        painter.restore()


def describe(row: CaseRow) -> tuple[str, ...]:
    """Everything the worklist says of a case, one fact each."""
    return (
        row.name,
        theme.STATE_WORDS[row.state] + (f" (version {row.version})" if row.version else ""),
        f"Model {row.model_name}" if row.model_name else "",
        f"Read by {row.reader}" if row.reader else "",
        f"Under-read: {row.seen_share:.0%} of the mask's slices seen" if _is_under_read(row) else "",
        f"Study of {row.study_date}" if row.study_date else "",
        row.series or "",
        "Kept for testing" if row.role == "test" else "",
        f"{row.shape} voxels, {row.spacing}",
        row.note,
    )


def _is_under_read(row: CaseRow) -> bool:
    """Whether the mask was accepted with too few of its slices seen."""
    return row.seen_share is not None and row.seen_share < UNDER_READ


def _paint_thumbnail(painter: QPainter, box: QRectF, picture: npt.NDArray[np.uint8] | None) -> None:
    path = QPainterPath()
    path.addRoundedRect(box, 5, 5)
    painter.fillPath(path, QColor("#05070a"))
    if picture is not None:
        painter.save()
        painter.setClipPath(path)
        grey = np.ascontiguousarray(picture)
        image = QImage(
            grey.data, grey.shape[1], grey.shape[0], grey.strides[0], QImage.Format.Format_Grayscale8
        )
        painter.drawImage(box, image)
        painter.restore()
    else:
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(box.center() - QPointF(10, 10), theme.pixmap("image", 20, "#2d3843", ratio))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(255, 255, 255, 28), 1))
    painter.drawPath(path)


def _paint_words(painter: QPainter, area: QRectF, row: CaseRow) -> None:
    """Four lines: the name; the state, with version and reader; the model; study date and series."""
    elide, centre = Qt.TextElideMode.ElideRight, Qt.AlignmentFlag.AlignVCenter
    high = area.height() / 4
    lines = [QRectF(area.left(), area.top() + number * high, area.width(), high) for number in range(4)]
    painter.setFont(theme.font(weight=QFont.Weight.DemiBold))
    painter.setPen(QColor(theme.TEXT if row.undone else "#c3ccd6"))
    painter.drawText(
        lines[0], centre, QFontMetricsF(painter.font()).elidedText(row.name, elide, area.width())
    )
    painter.setFont(theme.font(theme.SMALL_PX))
    metrics = QFontMetricsF(painter.font())
    colour = QColor(theme.STATE_COLOURS[row.state])
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(lines[1].left() + 4, lines[1].center().y()), 4, 4)
    painter.setPen(colour)
    state = theme.STATE_WORDS[row.state]
    painter.drawText(lines[1].adjusted(14, 0, 0, 0), centre, state)
    used = 14 + metrics.horizontalAdvance(state)
    if _is_under_read(row):
        mark = f"  ·  {row.seen_share:.0%} seen"
        painter.setPen(QColor(theme.WARNING))
        painter.drawText(lines[1].adjusted(used, 0, 0, 0), centre, mark)
        used += metrics.horizontalAdvance(mark)
    facts = (
        f"v{row.version}" if row.version else "",
        "test set" if row.role == "test" else "",
        row.reader or "",
    )
    by = "".join(f"  ·  {fact}" for fact in facts if fact)
    painter.setPen(QColor(theme.QUIET))
    painter.drawText(
        lines[1].adjusted(used, 0, 0, 0), centre, metrics.elidedText(by, elide, area.width() - used)
    )
    painter.setPen(QColor(theme.FAINT))
    model = row.model_name or "no prediction yet"
    taken = " · ".join(fact for fact in (row.study_date, row.series) if fact) or f"{row.shape} voxels"
    for place, text in ((lines[2], model), (lines[3], taken)):
        painter.drawText(place, centre, metrics.elidedText(text, elide, area.width()))
