"""A line of the list of labels: colour, name, coded term, volume and two switches; or a value without a name.

It shows one label and says what the reader asks of it; what that does is `label_panel`.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolButton, QWidget

from app.core.label_counts import LabelVolume
from app.core.label_rules import LabelRules
from app.core.labels import LabelEntry
from app.ui import folding, theme, words
from app.ui.label_colours import Swatch, colour_name
from app.ui.qt_bridge import SlotGuard
from app.ui.view_pane import ElidedLabel

_KEY_PX = 52
_LINE_PX, _WITH_TERM_PX = 28, 40
_WHITE = (255, 255, 255)
_WALKS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}
_TO_AN_END = {Qt.Key.Key_Home: -(1 << 16), Qt.Key.Key_End: 1 << 16}
_RENAME, _CLEAR = Qt.Key.Key_F2, (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class LabelRow(QAbstractButton):
    """One label: name, coded term, key and volume; checked where it is the one tools work on.

    Signals:
        rename_asked: a double click, or F2.
        clear_asked: Delete.
        menu_asked: a right click or the menu key; where, on the screen.
        walked: an arrow key: so many rows on.
        focused: it has got the keyboard.
    """

    rename_asked = Signal()
    clear_asked = Signal()
    menu_asked = Signal(QPoint)
    walked = Signal(int)
    focused = Signal()

    def __init__(self, entry: LabelEntry, number: int) -> None:
        super().__init__()
        self.entry = entry
        self._key = f"Alt+{number}" if number <= 9 else ""
        self._volume = ""
        self._hidden = False
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self._name_it()

    def sizeHint(self) -> QSize:
        """Most of a line; a second one for a coded term."""
        return QSize(120, _WITH_TERM_PX if self.entry.term else _LINE_PX)

    def set_hidden(self, hidden: bool) -> None:
        """Show that the label is not drawn."""
        if hidden != self._hidden:
            self._hidden = hidden
            self.update()

    def set_volume(self, text: str) -> None:
        """Show how much of the label there is."""
        if text != self._volume:
            self._volume = text
            self._name_it()
            self.update()

    def _name_it(self) -> None:
        entry, key = self.entry, f" ({self._key})" if self._key else ""
        self.setAccessibleName(
            f"Label {entry.name}, {self._volume}" if self._volume else f"Label {entry.name}"
        )
        about = f"value {entry.value}, {colour_name(entry.colour).lower()}"
        if entry.term:
            about += f", {entry.term}"
        self.setToolTip(
            f"Work on {entry.name}{key}\n{about}\nDouble click or F2: rename. Right click: all there is to do."
        )

    # -- hands ---------------------------------------------------------------------------------------------
    def event(self, event: QEvent) -> bool:
        """Say that the keys of a list are ours before the window's shortcuts take them."""
        if folding.keeps(event, return_too=True) or self._keeps(event):
            return True
        if event.type() == QEvent.Type.FocusIn:
            self.focused.emit()
        return super().event(event)

    def _keeps(self, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        ours = event.modifiers() == Qt.KeyboardModifier.NoModifier and event.key() in (_RENAME, *_CLEAR)
        event.setAccepted(ours)
        return ours

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, take, rename or clear."""
        key = Qt.Key(event.key())
        if key in _WALKS or key in _TO_AN_END:
            self.walked.emit(_WALKS.get(key, 0) or _TO_AN_END[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif key == _RENAME:
            self.rename_asked.emit()
        elif key in _CLEAR:
            self.clear_asked.emit()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Rename."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.rename_asked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """All there is to do with the label."""
        self.menu_asked.emit(event.globalPos())

    # -- the picture ---------------------------------------------------------------------------------------
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked() or self.underMouse():
            painter.setBrush(QColor("#22303c" if self.isChecked() else theme.RAISED))
            painter.drawRoundedRect(area, 6, 6)
        if self.hasFocus():
            painter.setPen(QColor(theme.ACCENT))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        text = area.adjusted(8, 0, -8, 0)
        if self.entry.term:
            self._paint_term(painter, text)
            text = text.adjusted(0, 2, 0, -15)
        self._paint_line(painter, text)

    def _paint_term(self, painter: QPainter, text: QRectF) -> None:
        painter.setFont(theme.font(11))
        painter.setPen(QColor(theme.FAINT))
        term = painter.fontMetrics().elidedText(
            self.entry.term, Qt.TextElideMode.ElideRight, int(text.width())
        )
        painter.drawText(text.adjusted(0, 22, 0, -2), Qt.AlignmentFlag.AlignVCenter, term)

    def _paint_line(self, painter: QPainter, text: QRectF) -> None:
        centre = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font())
        whole = painter.fontMetrics().horizontalAdvance(self.entry.name)
        painter.setFont(theme.font(theme.SMALL_PX, tabular=True))
        painter.setPen(QColor(theme.QUIET))
        size = painter.fontMetrics().horizontalAdvance(self._volume) + 10
        # The key gives way to the name; the tooltip has both.
        key = _KEY_PX if self._key and whole + size + _KEY_PX <= text.width() else 0
        painter.drawText(text.adjusted(0, 0, -key, 0), centre | Qt.AlignmentFlag.AlignRight, self._volume)
        painter.setPen(QColor(theme.FAINT))
        if key:
            painter.drawText(text, centre | Qt.AlignmentFlag.AlignRight, self._key)
        painter.setFont(theme.font())
        painter.setPen(QColor(theme.FAINT if self._hidden else theme.TEXT))
        room = int(text.width()) - key - size
        name = painter.fontMetrics().elidedText(self.entry.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(text, centre, name)


class LabelLine(QWidget):
    """A label's colour, its row and its two switches: locked, hidden."""

    def __init__(self, entry: LabelEntry, number: int) -> None:
        super().__init__()
        self.row = LabelRow(entry, number)
        self.row.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.swatch = Swatch(f"Colour of {entry.name}")
        self.lock, self.eye = _switch(), _switch()
        self.setLayout(folding.line(self.swatch, self.row, self.lock, self.eye, spacing=2))

    @property
    def entry(self) -> LabelEntry:
        """The label."""
        return self.row.entry

    def set_in_reach(self, in_reach: bool) -> None:
        """Whether Tab stops here: of a long list it stops at one line, and arrow keys go to the others."""
        policy = Qt.FocusPolicy.TabFocus if in_reach else Qt.FocusPolicy.NoFocus
        for widget in (self.row, self.lock, self.eye):
            widget.setFocusPolicy(policy)

    def show_rules(self, rules: LabelRules) -> None:
        """Show whether the label is locked, and whether it is hidden."""
        name, value = self.entry.name, self.entry.value
        locked, hidden = value in rules.locked, value in rules.hidden
        self.row.set_hidden(hidden)
        self.swatch.show_colour(self.entry.colour, hollow=hidden)
        for button, on, icons, tips in (
            (
                self.lock,
                locked,
                ("lock", "lock-open"),
                (f"Unlock {name}", f"Lock {name}: nothing changes it"),
            ),
            (
                self.eye,
                hidden,
                ("eye-off", "eye"),
                (f"Show {name}", f"Hide {name}; a hidden label does not change"),
            ),
        ):
            button.setChecked(on)
            colour = theme.WARNING if on else theme.FAINT
            button.setIcon(theme.icon(icons[0] if on else icons[1], colour, colour))
            button.setToolTip(tips[0] if on else tips[1])
            button.setAccessibleName(tips[0] if on else tips[1])


class UnnamedLine(QWidget):
    """A value that the mask has and the table does not name, with the offer to name it."""

    def __init__(self, value: int, name_it: Callable[[int], object], guard: SlotGuard) -> None:
        super().__init__()
        self.value = value
        square = Swatch("Drawn in white, as every value without a name")
        square.setEnabled(False)
        square.show_colour(_WHITE)
        self._text = ElidedLabel()
        self._text.setProperty("role", "quiet")
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._volume = folding.label(role="small")
        self.offer = QToolButton()
        self.offer.setText("Name it…")
        self.offer.setObjectName("Segment")
        self.offer.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.offer.setToolTip(f"Give label {value} a name; until then no tool works on it")
        self.offer.setAccessibleName(f"Name label {value}")
        self.offer.clicked.connect(guard.wrap(lambda _=False: name_it(value)))
        self._text.say(f"Label {value}, no name", f"Label {value}")
        line = folding.line(square, self._text, self._volume, self.offer, spacing=6)
        # Its words stand under the names.
        line.insertSpacing(1, 4)
        self.setLayout(line)

    def show_volume(self, volume: LabelVolume) -> None:
        """Show how much of it there is."""
        self._volume.setText(words.millilitres(volume.ml))


def _switch() -> QToolButton:
    button = QToolButton()
    button.setObjectName("Switch")
    button.setCheckable(True)
    button.setIconSize(QSize(16, 16))
    button.setFixedSize(26, 26)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
