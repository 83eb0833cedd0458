"""A view with its title: the plane, the convention in words, the slice. And how four such panes share the centre."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui import folding, slice_overlay, theme
from app.ui.slice_view import SliceView


class ElidedLabel(QLabel):
    """A label that says it shorter, or ends in an ellipsis, rather than being cut off; the tooltip says all of it."""

    def __init__(self) -> None:
        super().__init__()
        self._shorter: tuple[str, ...] = ()
        self.setTextFormat(Qt.TextFormat.PlainText)

    def say(self, text: str, *shorter: str) -> None:
        """Show the longest of these that fits."""
        self._shorter = shorter
        self.setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        """Room for a few letters is enough."""
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much as fits."""
        painter = QPainter(self)
        metrics = self.fontMetrics()
        fitting = (
            text for text in (self.text(), *self._shorter) if metrics.horizontalAdvance(text) <= self.width()
        )
        text = next(fitting, (self.text(), *self._shorter)[-1])
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, self.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment()), text)


class PaneTitle(QWidget):
    """The strip above a view; a double click makes the pane large."""

    enlarge_asked = Signal()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask for the pane to be large, or small again."""
        self.enlarge_asked.emit()
        event.accept()


class Pane(QFrame):
    """A titled frame round one view of the centre."""

    enlarge_asked = Signal()

    def __init__(self, name: str, content: QWidget, colour: str) -> None:
        super().__init__()
        self.content = content
        self.setObjectName("Pane")
        self.setProperty("current", False)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        dot = QLabel()
        dot.setFixedSize(9, 9)
        dot.setStyleSheet(f"background: {colour}; border-radius: 4px;")
        self.name = folding.label(name, "heading")
        self.words = ElidedLabel()
        self.words.setProperty("role", "small")
        self.count = folding.label(role="quiet")
        self.count.setFont(theme.font(tabular=True))
        title = PaneTitle()
        title.enlarge_asked.connect(self.enlarge_asked)
        title.setFixedHeight(28)
        row = QHBoxLayout(title)
        row.setContentsMargins(10, 0, 10, 0)
        row.setSpacing(8)
        row.addWidget(dot)
        row.addWidget(self.name)
        row.addWidget(self.words, 1)
        row.addWidget(self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(title)
        layout.addWidget(content, 1)

    def set_current(self, current: bool) -> None:
        """Mark the pane that the keys for slices belong to."""
        if bool(self.property("current")) != current:
            self.setProperty("current", current)
            self.style().polish(self)
            self.update()


def slice_pane(view: SliceView) -> Pane:
    """The pane of a plane; its title follows the view."""
    pane = Pane(view.plane.capitalize(), view, slice_overlay.PLANE_COLOURS[view.plane])

    def say() -> None:
        if not view.has_case:
            pane.words.say("")
            pane.count.setText("")
            return
        words, left = view.frame.words, view.frame.letters.left
        if words:
            pane.words.say(words, words.removesuffix(" of the screen"), f"{left} on the left")
        else:
            pane.words.say("orientation unknown: left and right are not certain", "orientation unknown")
        pane.count.setText(f"{view.slice_index + 1} / {view.frame.count}")
        pane.count.setToolTip(
            f"Slice {view.slice_index + 1} of {view.frame.count}, {view.frame.slice_mm:.3g} mm apart"
        )

    view.slice_changed.connect(say)
    view.enlarge_asked.connect(pane.enlarge_asked)
    say()
    return pane


class Layout(Enum):
    """How the panes share the centre; F2 goes through them."""

    FOUR = "four panes"
    MAIN = "one large, three beside"
    ROW = "three planes side by side"


class PaneGrid(QWidget):
    """Four panes in one of a few layouts, or one of them alone."""

    changed = Signal()

    def __init__(self, panes: tuple[Pane, ...]) -> None:
        super().__init__()
        self.panes = panes
        self.layout_kind = Layout.FOUR
        self.large: Pane | None = None
        self.main = panes[0]
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(3)
        for pane in panes:
            pane.enlarge_asked.connect(lambda p=pane: self.toggle_large(p))
        self._arrange()

    def toggle_large(self, pane: Pane) -> None:
        """One pane alone, or all again."""
        self.large = None if self.large is pane else pane
        self._arrange()

    def next_layout(self, current: Pane) -> Layout:
        """Go to the next layout; in "one large", `current` is the large one."""
        kinds = list(Layout)
        if self.large is None:
            self.layout_kind = kinds[(kinds.index(self.layout_kind) + 1) % len(kinds)]
        self.large = None
        self.main = current
        self._arrange()
        return self.layout_kind

    def _arrange(self) -> None:
        for pane in self.panes:
            self._grid.removeWidget(pane)
        for number in range(3):
            self._grid.setRowStretch(number, 0)
            self._grid.setColumnStretch(number, 0)
        shown = self._places()
        for pane in self.panes:
            pane.setVisible(any(pane is other for other, *_ in shown))
        for pane, row, column, rows in shown:
            self._grid.addWidget(pane, row, column, rows, 1)
        for row in {place[1] for place in shown}:
            self._grid.setRowStretch(row, 1)
        for column in {place[2] for place in shown}:
            is_main = self.large is None and self.layout_kind is Layout.MAIN and column == 0
            self._grid.setColumnStretch(column, 3 if is_main else 2)
        self.changed.emit()

    def _places(self) -> list[tuple[Pane, int, int, int]]:
        """Pane, row, column and how many rows it spans."""
        if self.large is not None:
            return [(self.large, 0, 0, 1)]
        if self.layout_kind is Layout.MAIN:
            others = [pane for pane in self.panes if pane is not self.main]
            return [(self.main, 0, 0, 3), *((pane, row, 1, 1) for row, pane in enumerate(others))]
        if self.layout_kind is Layout.ROW:
            return [(pane, 0, column, 1) for column, pane in enumerate(self.panes[:3])]
        return [(pane, number // 2, number % 2, 1) for number, pane in enumerate(self.panes)]
