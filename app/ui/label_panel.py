"""Labels and tools: what the left button does, how large the brush is, and which label it paints.

Shows the session and calls the editing controller; the tools themselves are `app.core.tools`.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.core.labels import LabelEntry
from app.ui import bind, folding, theme, words
from app.ui.actions import ACTIONS, Verbs
from app.ui.qt_bridge import SlotGuard

# The slider is in steps of 0.25 mm: fine enough for a hippocampus, 40 mm covers a liver.
_RADIUS_STEPS_PER_MM = 4
_RADIUS_MAX_MM = 40


class LabelRow(QAbstractButton):
    """One label: colour, name, key and volume; checked where it is the one tools work on."""

    def __init__(self, entry: LabelEntry, number: int) -> None:
        super().__init__()
        self.entry = entry
        self._key = f"Alt+{number}" if number <= 9 else ""
        self._volume = ""
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"Label {entry.name}")
        self.setToolTip(f"Paint {entry.name} ({self._key})" if self._key else f"Paint {entry.name}")
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:
        """A line of its own."""
        return QSize(180, 28)

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
        painter.setBrush(QColor(*self.entry.colour))
        painter.drawRoundedRect(QRectF(10, area.center().y() - 6, 12, 12), 3, 3)
        text = area.adjusted(32, 0, -10, 0)
        centre = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font(theme.SMALL_PX, tabular=True))
        painter.setPen(QColor(theme.QUIET))
        painter.drawText(text.adjusted(0, 0, -52, 0), centre | Qt.AlignmentFlag.AlignRight, self._volume)
        painter.setPen(QColor(theme.FAINT))
        painter.drawText(text, centre | Qt.AlignmentFlag.AlignRight, self._key)
        painter.setFont(theme.font())
        painter.setPen(QColor(theme.TEXT))
        room = int(text.width()) - 52 - painter.fontMetrics().horizontalAdvance(self._volume) - 10
        name = painter.fontMetrics().elidedText(self.entry.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(text, centre, name)


class LabelPanel(QWidget):
    """Tool buttons, brush size, labels with their volumes."""

    def __init__(self, controllers: Controllers, guard: SlotGuard, verbs: Verbs) -> None:
        super().__init__()
        self._desk, self._editing, self._guard = controllers.desk, controllers.editing, guard
        self.rows: list[LabelRow] = []
        self.radius = folding.slider(
            "Brush radius in mm",
            1,
            _RADIUS_MAX_MM * _RADIUS_STEPS_PER_MM,
            "Brush radius (Shift+wheel, [ and ])",
        )
        self._radius_text = folding.label(role="quiet")
        self._radius_text.setFont(theme.font(tabular=True))
        self._radius_text.setMinimumWidth(58)
        self._radius_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.sphere = folding.CheckBox(
            "Ball: also paints the slices beside", "A ball in millimetres instead of a disc in the slice"
        )
        self._labels = QVBoxLayout()
        self._labels.setSpacing(2)
        self._no_labels = folding.label("Labels appear with a case and its model.", "quiet", wraps=True)
        layout = folding.column(self, 8)
        layout.addLayout(self._tool_buttons(verbs))
        layout.addLayout(folding.line(folding.label("Radius", "quiet"), self.radius, self._radius_text))
        layout.addWidget(self.sphere)
        layout.addSpacing(2)
        layout.addLayout(self._labels)
        layout.addWidget(self._no_labels)
        events = self._desk.events
        bind.slider(
            self.radius, events.tool_changed, self._radius_mm, guard.wrap(self._editing.set_radius_mm),
            _RADIUS_STEPS_PER_MM,
        )  # fmt: skip
        bind.check(self.sphere, events.tool_changed, self._is_sphere, guard.wrap(self._editing.set_sphere))
        can_edit = lambda: self._desk.is_on(Condition.CAN_EDIT)  # noqa: E731 - a condition, said in one line
        for control in (self.radius, self.sphere):
            bind.enabled(control, events.conditions_changed, can_edit)
        bind.listen(self, events.case_opened, lambda _: self._show_labels())
        bind.listen(self, events.case_closed, lambda _: self._show_labels())
        bind.listen(self, events.prediction_changed, lambda _: self._show_labels())
        bind.listen(self, events.history_changed, lambda _: self._show_volumes())
        bind.listen(self, events.tool_changed, lambda _: self._show_active())
        self._show_labels()

    def _tool_buttons(self, verbs: Verbs) -> QHBoxLayout:
        buttons: list[QWidget | int] = []
        events = self._desk.events
        for row in (row for row in ACTIONS if row.id.startswith("tool.") and row.checked is not None):
            button = QToolButton()
            button.setIcon(theme.icon(row.icon))
            button.setIconSize(QSize(20, 20))
            button.setText(row.text)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setObjectName("Tool")
            button.setMinimumSize(60, 50)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(row.text)
            button.setToolTip(f"{row.text} ({row.key})")
            checked = row.checked
            assert checked is not None
            assert row.condition is not None
            bind.check(
                button, events.tool_changed, lambda c=checked: c(verbs),  # type: ignore[misc]
                self._guard.wrap(lambda _, call=row.call: self._choose(call, verbs)),  # type: ignore[misc]
            )  # fmt: skip
            bind.enabled(
                button, events.conditions_changed,
                lambda c=row.condition: self._desk.is_on(c),  # type: ignore[misc]
            )  # fmt: skip
            buttons.append(button)
        return folding.line(*buttons, spacing=4)

    def _choose(self, call: object, verbs: Verbs) -> None:
        assert callable(call)
        call(verbs)

    def _radius_mm(self) -> float:
        session = self._desk.session
        radius = session.radius_mm if session else 5.0
        self._radius_text.setText(f"{radius:.1f} mm")
        return radius

    def _is_sphere(self) -> bool:
        return self._desk.session is not None and self._desk.session.sphere

    def _show_labels(self) -> None:
        session = self._desk.session
        entries = session.table.entries if session else ()
        if tuple(row.entry for row in self.rows) != entries:
            for row in self.rows:
                self._labels.removeWidget(row)
                row.deleteLater()
            self.rows = [LabelRow(entry, number) for number, entry in enumerate(entries, 1)]
            for row in self.rows:
                value = row.entry.value
                row.clicked.connect(
                    self._guard.wrap(lambda _=False, v=value: self._editing.set_active_label(v))
                )
                self._labels.addWidget(row)
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
