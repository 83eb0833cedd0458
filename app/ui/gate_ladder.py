"""The fourth pane: every gated level's map over the axial slice, side by side on one fixed scale; a click shows it.

Small composites made as the large views make theirs, so a map lies in the same place in both.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.controllers import Controllers
from app.core.display import Scratch, Viewport, compose
from app.core.planes import Plane
from app.ui import bind, slice_overlay, theme, words
from app.ui.qt_bridge import SlotGuard
from model.attention import AttentionMap

_CAPTION_PX = 26
_GAP_PX = 8
# Scrolling redraws the large views at once and these a moment later.
_DELAY_MS = 40


class GateCard(QAbstractButton):
    """One map over the axial slice, with its name and how much it varies."""

    def __init__(self, controllers: Controllers, shown: AttentionMap) -> None:
        super().__init__()
        self._desk, self.map = controllers.desk, shown
        self.key = (shown.level, shown.gate)
        self._scratch = Scratch()
        self._buffer = np.zeros((1, 1), np.uint32)
        self._image = QImage()
        self._stale = True
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(f"Attention of {shown.name}")
        self.setToolTip(f"Lay {shown.name} over the scan (A goes through the levels)")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def redraw(self) -> None:
        """Make the picture again at the next paint."""
        self._stale = True
        self.update()

    def sizeHint(self) -> QSize:
        """Room for a recognisable slice."""
        return QSize(160, 130)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The picture is of the card's size."""
        self.redraw()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the composite, the caption and the frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        caption = caption_height(self.width())
        picture = QRectF(0, 0, self.width(), self.height() - caption)
        if self._stale:
            self._compose(picture)
        painter.fillRect(self.rect(), QColor("#0b0e12"))
        if not self._image.isNull():
            painter.drawImage(picture, self._image)
        self._paint_caption(painter, QRectF(0, picture.bottom(), self.width(), caption))
        chosen = self.isChecked()
        hot = chosen or self.hasFocus() or self.underMouse()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(
            QPen(QColor(theme.ACCENT if chosen else "#4a5a69" if hot else theme.LINE), 2 if chosen else 1)
        )
        inset = 1.0 if chosen else 0.5
        painter.drawRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset))

    def _paint_caption(self, painter: QPainter, area: QRectF) -> None:
        two_lines = area.height() > _CAPTION_PX
        centre = Qt.AlignmentFlag.AlignTop if two_lines else Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font(theme.SMALL_PX, weight=QFont.Weight.DemiBold))
        painter.setPen(QColor(theme.TEXT))
        text = area.adjusted(8, 4 if two_lines else 0, -8, 0)
        painter.drawText(text, centre, words.level_name(self.map))
        painter.setFont(theme.font(theme.SMALL_PX, tabular=True))
        warns = self.map.hardly_varies
        painter.setPen(QColor(theme.WARNING if warns else theme.QUIET))
        fact = "hardly varies" if warns else f"sd {self.map.sd:.2f}"
        if painter.fontMetrics().horizontalAdvance(fact) > text.width():
            # Still in the colour of a warning, and in full in the overlays pane.
            fact = f"sd {self.map.sd:.2f}"
        if two_lines:
            painter.drawText(text.adjusted(0, 17, 0, 0), centre, fact)
        else:
            painter.drawText(text, centre | Qt.AlignmentFlag.AlignRight, fact)

    def _compose(self, picture: QRectF) -> None:
        session = self._desk.session
        if session is None:
            return
        ratio = self.devicePixelRatioF()
        wide, high = max(1, round(picture.width() * ratio)), max(1, round(picture.height() * ratio))
        if self._buffer.shape != (high, wide):
            self._buffer = np.zeros((high, wide), np.uint32)
            self._image = QImage(self._buffer.data, wide, high, wide * 4, QImage.Format.Format_RGB32)
        frame = session.frame(Plane.AXIAL)
        fitted = Viewport.fitted(frame, wide, high)
        # The ladder compares maps: always visible, without the mask, whatever the large views show.
        look = replace(self._desk.look, bare=False, mask_visible=False)
        compose(
            self._buffer, session.scan.volume, None, None, self.map, look, frame,
            frame.slice_at(session.crosshair), replace(fitted, px_per_mm=fitted.px_per_mm * 0.97), self._scratch,
        )  # fmt: skip
        self._stale = False


class GateLadder(QWidget):
    """The cards of all maps from coarse to fine, or words where there are none."""

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self._controllers, self._desk, self._guard = controllers, controllers.desk, guard
        self.cards: list[GateCard] = []
        self.setObjectName("gate_ladder")
        self.setAccessibleName("Gate ladder: the attention of every gated level")
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_DELAY_MS)
        self._later.timeout.connect(self._redraw)
        events = self._desk.events
        bind.listen_all(
            self, (events.case_opened, events.case_closed, events.prediction_changed), self._rebuild
        )
        bind.listen(self, events.crosshair_changed, lambda _: self._soon())
        bind.listen(self, events.look_changed, lambda _: self._look_changed())
        bind.listen(self, events.conditions_changed, lambda _: self.update())
        self._rebuild()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the cards out for the new size."""
        self._lay_out()

    def event(self, event: QEvent) -> bool:
        """Follow the window to a screen of another density."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._redraw()
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The colour bar under the cards, or what would bring cards."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor("#0b0e12"))
        area = QRectF(self.rect())
        if not self.cards:
            _paint_empty(painter, area, *self._empty_words())
            return
        bar = QRectF(area.left() + 70, area.bottom() - 19, max(40.0, min(260.0, area.width() - 140)), 8)
        bar.moveLeft(area.center().x() - bar.width() / 2)
        painter.setPen(QColor(theme.LINE))
        painter.setBrush(slice_overlay.ramp(bar.topLeft(), bar.topRight()))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setFont(theme.font(11, tabular=True))
        painter.setPen(QColor(theme.QUIET))
        high = QRectF(0, bar.top() - 6, bar.left() - 8, 20)
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(high, flags | Qt.AlignmentFlag.AlignRight, "0")
        painter.drawText(QRectF(bar.right() + 8, bar.top() - 6, 30, 20), flags, "1")

    def _empty_words(self) -> tuple[str, str]:
        session = self._desk.session
        if session is None:
            return "Gate ladder", "Here every level's attention is shown side by side."
        if session.prediction is not None:
            return "No attention in this prediction", "Predict again (F5) with a model that has gates."
        return "No attention yet", "Predict (F5) to see where the model looks, level by level."

    def _rebuild(self) -> None:
        for card in self.cards:
            card.hide()
            card.deleteLater()
        maps = sorted(self._desk.attention_maps, key=lambda found: (-found.level, found.gate))
        self.cards = [GateCard(self._controllers, found) for found in maps]
        for card in self.cards:
            card.setParent(self)
            card.clicked.connect(self._guard.wrap(lambda _=False, key=card.key: self._choose(key)))
            card.show()
        self._lay_out()
        self._check()
        self.update()

    def _choose(self, key: tuple[int, int]) -> None:
        shown = self._desk.look.attention_key
        self._controllers.looking.set_attention(None if shown == key else key)
        self._check()

    def _lay_out(self) -> None:
        if not self.cards:
            return
        count, wide, high = len(self.cards), self.width() - 2 * _GAP_PX, self.height() - 2 * _GAP_PX - 24
        columns = max(range(1, count + 1), key=lambda n: _card_size(count, n, wide, high))
        rows = -(-count // columns)
        card_wide = (wide - _GAP_PX * (columns - 1)) // columns
        # No taller than the slice: empty black above and below shows nothing.
        session = self._desk.session
        frame = session.frame(Plane.AXIAL) if session else None
        shape = frame.rows * frame.row_mm / (frame.columns * frame.column_mm) if frame else 1.0
        room = (high - _GAP_PX * (rows - 1)) // rows
        card_high = min(room, round(card_wide * shape) + caption_height(card_wide))
        above = _GAP_PX + max(0, (high - rows * card_high - _GAP_PX * (rows - 1)) // 2)
        for number, card in enumerate(self.cards):
            row, column = divmod(number, columns)
            in_row = min(columns, count - row * columns)
            indent = (columns - in_row) * (card_wide + _GAP_PX) // 2
            card.setGeometry(
                _GAP_PX + indent + column * (card_wide + _GAP_PX), above + row * (card_high + _GAP_PX),
                max(20, card_wide), max(20, card_high),
            )  # fmt: skip

    def _look_changed(self) -> None:
        self._check()
        self._soon()

    def _check(self) -> None:
        for card in self.cards:
            card.setChecked(card.key == self._desk.look.attention_key)

    def _soon(self) -> None:
        if self.cards and self.isVisible():
            self._later.start()

    def _redraw(self) -> None:
        for card in self.cards:
            card.redraw()


def caption_height(card_width: float) -> int:
    """Pixels under a card's picture: one line, or two where name and fact do not fit beside each other."""
    return _CAPTION_PX if card_width >= 148 else 42


def _card_size(count: int, columns: int, wide: int, high: int) -> int:
    """The smaller side of a card's picture with this many columns."""
    rows = -(-count // columns)
    return min(wide // columns, high // rows - caption_height(wide / columns))


def _paint_empty(painter: QPainter, area: QRectF, title: str, text: str) -> None:
    centre = Qt.AlignmentFlag.AlignHCenter
    middle = area.center().y()
    painter.setPen(QColor(theme.QUIET))
    painter.setFont(theme.font(14, weight=QFont.Weight.DemiBold))
    painter.drawText(QRectF(area.left() + 20, middle - 28, area.width() - 40, 24), centre, title)
    painter.setPen(QColor(theme.FAINT))
    painter.setFont(theme.font())
    flags = int(centre | Qt.TextFlag.TextWordWrap)
    painter.drawText(QRectF(area.left() + 24, middle + 2, area.width() - 48, 60), flags, text)
