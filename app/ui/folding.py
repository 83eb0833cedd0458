"""Small parts the panes share: a pane that folds, a label in a role, a line of widgets. No subject of their own."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui import theme


class FoldingPane(QFrame):
    """A titled pane whose content folds away."""

    def __init__(self, title: str, content: QWidget, *, opened: bool = True) -> None:
        super().__init__()
        self.setObjectName("Fold")
        self._title = QToolButton()
        self._title.setObjectName("FoldTitle")
        self._title.setText(title)
        self._title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._title.setIconSize(QSize(16, 16))
        self._title.setCheckable(True)
        self._title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._title.setAccessibleName(f"{title}: fold or unfold")
        self._title.toggled.connect(self._fold)
        self._content = content
        content.setContentsMargins(14, 2, 14, 14)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._title)
        layout.addWidget(content)
        self._title.setChecked(opened)
        self._fold(opened)

    @property
    def is_open(self) -> bool:
        """Whether the content shows."""
        return self._title.isChecked()

    def unfold(self) -> None:
        """Show the content."""
        self._title.setChecked(True)

    def _fold(self, opened: bool) -> None:
        self._content.setVisible(opened)
        self._title.setIcon(
            theme.icon("chevron-down" if opened else "chevron-right", theme.QUIET, theme.QUIET)
        )


class CheckBox(QCheckBox):
    """A check box whose empty square can be seen on a dark pane."""

    def __init__(self, text: str, tip: str) -> None:
        super().__init__(text)
        self.setToolTip(tip)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumHeight(24)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw square, tick and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on, live = self.isChecked(), self.isEnabled()
        box = QRectF(0.5, self.height() / 2 - 8, 16, 16)
        edge = theme.ACCENT if self.hasFocus() else "#56636f" if live else "#36404a"
        painter.setPen(QPen(QColor(edge), 1))
        painter.setBrush(QColor(theme.PRIMARY if on and live else theme.WINDOW))
        painter.drawRoundedRect(box, 4, 4)
        if on:
            pen = QPen(QColor("#ffffff" if live else "#5a6672"), 1.8)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            x, y = box.left(), box.top()
            painter.drawPolyline(
                QPolygonF([QPointF(x + 4, y + 8.3), QPointF(x + 7, y + 11.2), QPointF(x + 12, y + 5.2)])
            )
        painter.setPen(QColor(theme.TEXT if live else "#5a6672"))
        painter.drawText(
            QRectF(25, 0, self.width() - 25, self.height()), Qt.AlignmentFlag.AlignVCenter, self.text()
        )


class Slider(QSlider):
    """A horizontal slider that keeps the arrow keys while it has the focus, and takes it by Tab only."""

    def event(self, event: QEvent) -> bool:
        """Say that arrow and page keys are ours before the shortcuts for slices take them."""
        return keeps(event) or super().event(event)


def keeps(event: QEvent, *, return_too: bool = False) -> bool:
    """Accept a walking key (and Return) that is offered before shortcuts take it; True where it was one."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    if not (is_walking(event) or (return_too and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter))):
        return False
    event.accept()
    return True


def is_walking(event: QKeyEvent) -> bool:
    """Whether a key walks through a list or along a slider."""
    keys, bare = Qt.Key, (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
    walking = (keys.Key_Up, keys.Key_Down, keys.Key_PageUp, keys.Key_PageDown, keys.Key_Home, keys.Key_End)
    return event.modifiers() in bare and event.key() in walking


def button(text: str, icon: str, tip: str, *, primary: bool = False) -> QPushButton:
    """A push button with an icon a little apart from its words; the space bar and Tab reach it."""
    made = QPushButton(text)
    made.setIcon(theme.button_icon(icon, "#ffffff" if primary else theme.TEXT))
    made.setIconSize(QSize(22, 16))
    made.setToolTip(tip)
    made.setAccessibleName(text)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if primary:
        made.setProperty("role", "primary")
    return made


def label(text: str = "", role: str = "", *, wraps: bool = False) -> QLabel:
    """A label in one of the style sheet's roles: title, heading, quiet, small, faint, notice."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wraps)
    return made


def line(*widgets: QWidget | int, spacing: int = 8) -> QHBoxLayout:
    """Widgets side by side; a number is a stretch."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(spacing)
    for widget in widgets:
        if isinstance(widget, int):
            made.addStretch(widget)
        else:
            made.addWidget(widget)
    return made


def slider(name: str, low: int, high: int, tip: str) -> QSlider:
    """A horizontal slider that takes the focus by Tab only, so that the arrow keys stay with the slices."""
    made = Slider(Qt.Orientation.Horizontal)
    made.setRange(low, high)
    made.setAccessibleName(name)
    made.setToolTip(tip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made


def column(content: QWidget, spacing: int = 8) -> QVBoxLayout:
    """A vertical layout on a pane's content."""
    made = QVBoxLayout(content)
    made.setSpacing(spacing)
    return made
