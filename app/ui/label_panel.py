"""The labels of the case: which one tools work on, how large each is, which are locked, which are hidden.

Shows the session and calls the labelling controller; the tools have a pane of their own (`tool_panel`).
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.controllers import Controllers
from app.controllers.labelling import LabellingController
from app.core.label_rules import LabelRules
from app.core.labels import LabelEntry
from app.ui import bind, folding, theme, words
from app.ui.qt_bridge import SlotGuard

_KEY_PX = 52


class LabelRow(QAbstractButton):
    """One label: colour, name, key and volume; checked where it is the one tools work on."""

    def __init__(self, entry: LabelEntry, number: int) -> None:
        super().__init__()
        self.entry = entry
        self._key = f"Alt+{number}" if number <= 9 else ""
        self._volume = ""
        self._hidden = False
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"Label {entry.name}")
        self.setToolTip(f"Work on {entry.name} ({self._key})" if self._key else f"Work on {entry.name}")
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:
        """Most of a line."""
        return QSize(160, 28)

    def set_hidden(self, hidden: bool) -> None:
        """Show that the label is not drawn."""
        if hidden != self._hidden:
            self._hidden = hidden
            self.update()

    def set_volume(self, text: str) -> None:
        """Show how much of the label there is."""
        if text != self._volume:
            self._volume = text
            self.update()

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
            painter.setPen(Qt.PenStyle.NoPen)
        colour = QColor(*self.entry.colour)
        if self._hidden:
            painter.setPen(QPen(colour, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        else:
            painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(10, area.center().y() - 6, 12, 12), 3, 3)
        text = area.adjusted(32, 0, -10, 0)
        centre = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font(theme.SMALL_PX, tabular=True))
        painter.setPen(QColor(theme.QUIET))
        size = painter.fontMetrics().horizontalAdvance(self._volume) + 10
        whole = QFontMetrics(theme.font()).horizontalAdvance(self.entry.name)
        # The key gives way to the name; the tooltip has both.
        key = _KEY_PX if whole + size + _KEY_PX <= text.width() else 0
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
    """A label's row with its two switches: locked, hidden."""

    def __init__(
        self, entry: LabelEntry, number: int, labelling: LabellingController, guard: SlotGuard
    ) -> None:
        super().__init__()
        self.row = LabelRow(entry, number)
        self.row.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.lock, self.eye = _switch(), _switch()
        value = entry.value
        self.row.clicked.connect(guard.wrap(lambda _=False: labelling.set_active(value)))
        lock = guard.wrap(lambda on: labelling.set_locked(value, bool(on)))
        hide = guard.wrap(lambda on: labelling.set_visible(value, not on))
        # Plain functions between: Qt gives wrapped ones no argument.
        self.lock.clicked.connect(lambda on: lock(on))
        self.eye.clicked.connect(lambda on: hide(on))
        self.setLayout(folding.line(self.row, self.lock, self.eye, spacing=2))

    def show_rules(self, rules: LabelRules) -> None:
        """Show whether the label is locked, and whether it is hidden."""
        name, value = self.row.entry.name, self.row.entry.value
        locked, hidden = value in rules.locked, value in rules.hidden
        self.row.set_hidden(hidden)
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


def _switch() -> QToolButton:
    button = QToolButton()
    button.setObjectName("Switch")
    button.setCheckable(True)
    button.setIconSize(QSize(16, 16))
    button.setFixedSize(26, 26)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


class LabelPanel(QWidget):
    """The labels with their volumes."""

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self._desk, self._labelling, self._guard = controllers.desk, controllers.labelling, guard
        self.lines: list[LabelLine] = []
        self._labels = QVBoxLayout()
        self._labels.setSpacing(2)
        self._no_labels = folding.label("Labels appear with a case and its model.", "quiet", wraps=True)
        layout = folding.column(self, 8)
        layout.addLayout(self._labels)
        layout.addWidget(self._no_labels)
        events = self._desk.events
        bind.listen(self, events.case_opened, lambda _: self._show_labels())
        bind.listen(self, events.case_closed, lambda _: self._show_labels())
        bind.listen(self, events.prediction_changed, lambda _: self._show_labels())
        bind.listen(self, self._labelling.table_changed, lambda _: self._show_labels())
        bind.listen(self, events.history_changed, lambda _: self._show_volumes())
        bind.listen(self, events.tool_changed, lambda _: self._show_active())
        self._show_labels()

    @property
    def rows(self) -> list[LabelRow]:
        """The rows, without their switches."""
        return [line.row for line in self.lines]

    def _show_labels(self) -> None:
        session = self._desk.session
        entries = session.table.entries if session else ()
        if tuple(row.entry for row in self.rows) != entries:
            for line in self.lines:
                self._labels.removeWidget(line)
                line.hide()
                line.deleteLater()
            self.lines = [
                LabelLine(entry, number, self._labelling, self._guard)
                for number, entry in enumerate(entries, 1)
            ]
            for line in self.lines:
                self._labels.addWidget(line)
        if session is not None:
            for line in self.lines:
                line.show_rules(session.rules)
        self._no_labels.setVisible(not self.rows)
        self._show_active()
        self._show_volumes()

    def _show_active(self) -> None:
        session = self._desk.session
        for row in self.rows:
            row.setChecked(session is not None and session.active_label == row.entry.value)

    def _show_volumes(self) -> None:
        session = self._desk.session
        if session is not None and self.rows:
            volumes = {volume.value: volume.ml for volume in session.volumes_ml()}
            for row in self.rows:
                row.set_volume(words.millilitres(volumes.get(row.entry.value, 0.0)))
