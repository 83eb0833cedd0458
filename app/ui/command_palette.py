"""The command palette (Ctrl+K): type a few letters, see the key, press Return. Derived from the table of actions."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui import folding, theme
from app.ui.actions import ACTIONS, Action
from app.ui.dialogs import native

_ID = int(Qt.ItemDataRole.UserRole)
_ROWS_SHOWN = 9
_ROW_PX = 34


class CommandPalette(QDialog):
    """A field and a list of actions; the one chosen is triggered after the palette has closed."""

    def __init__(
        self, parent: QWidget, is_enabled: Callable[[Action], bool], trigger: Callable[[str], None]
    ) -> None:
        super().__init__(parent, Qt.WindowType.FramelessWindowHint | Qt.WindowType.Dialog)
        self.setModal(True)
        self.setObjectName("Palette")
        self.setStyleSheet(f"QDialog#Palette {{ border: 1px solid #3a4653; background: {theme.PANEL}; }}")
        self._enabled, self._trigger = is_enabled, trigger
        self.field = QLineEdit()
        self.field.setPlaceholderText("What would you like to do?")
        self.field.setAccessibleName("Find a command")
        self.field.setMinimumHeight(38)
        self.field.addAction(theme.icon("search", theme.FAINT), QLineEdit.ActionPosition.LeadingPosition)
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName("Commands")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFixedHeight(_ROWS_SHOWN * _ROW_PX + 4)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(lambda _: self._run())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.setSpacing(8)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.setFixedWidth(560)
        self._fill("")
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The arrow keys walk the list while the field keeps the focus; Return runs."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None and self.list.count():
                self.list.setCurrentRow((self.list.currentRow() + step) % self.list.count())
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run()
                return True
        return super().eventFilter(watched, event)

    def _fill(self, text: str) -> None:
        self.list.clear()
        for row in matching(text):
            if row.id == "help.palette":
                continue
            item = QListWidgetItem()
            item.setData(_ID, row.id)
            item.setSizeHint(QSize(200, _ROW_PX))
            on = self._enabled(row)
            if not on:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            self.list.addItem(item)
            self.list.setItemWidget(item, _line(row, on, self.devicePixelRatioF()))
        for number in range(self.list.count()):
            if self.list.item(number).flags() & Qt.ItemFlag.ItemIsEnabled:
                self.list.setCurrentRow(number)
                break

    def _run(self) -> None:
        item = self.list.currentItem()
        if item is not None and item.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.accept()
            self._trigger(str(item.data(_ID)))


def matching(text: str) -> list[Action]:
    """The actions that hold every typed word in text or group; first the one that is called so, then what begins so."""
    typed = text.casefold().split()
    found = [
        row
        for row in ACTIONS
        if all(word in f"{row.text} {row.group} {row.series}".casefold() for word in typed)
    ]
    if typed:
        name = " ".join(typed)
        found.sort(
            key=lambda row: (
                row.text.removesuffix("…").casefold() != name,
                not row.text.casefold().startswith(typed[0]),
            )
        )
    return found


def _line(row: Action, on: bool, ratio: float) -> QWidget:
    """An action as the list shows it: icon, text, its menu, its key."""
    made = QWidget()
    made.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    made.setStyleSheet("background: transparent;")
    icon = QLabel()
    icon.setFixedWidth(20)
    if row.icon:
        icon.setPixmap(theme.pixmap(row.icon, 16, theme.TEXT if on else "#5a6672", ratio))
    text = folding.label(row.text.removesuffix("…"))
    text.setEnabled(on)
    group = folding.label(row.group.value, "small")
    key = folding.label(native(row.key) if row.key else "", "small")
    key.setEnabled(on)
    key.setFixedWidth(110)
    key.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    layout = QHBoxLayout(made)
    layout.setContentsMargins(8, 0, 8, 0)
    layout.setSpacing(8)
    for widget in (icon, text, group):
        layout.addWidget(widget)
    layout.addStretch(1)
    layout.addWidget(key)
    return made
