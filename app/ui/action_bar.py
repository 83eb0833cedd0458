"""Turns the table of actions into Qt actions, menus and the toolbar, and keeps them enabled as conditions say."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar, QToolBar, QToolButton

from app.controllers.desk import Desk
from app.ui import bind, theme
from app.ui.actions import ACTIONS, Action, Group, Verbs
from app.ui.dialogs import native
from app.ui.qt_bridge import SlotGuard


class ActionSet:
    """The Qt actions of one window, by id."""

    def __init__(self, window: QMainWindow, desk: Desk, verbs: Verbs, guard: SlotGuard) -> None:
        self._desk, self._verbs, self._guard = desk, verbs, guard
        self._held: set[str] = set()
        self.actions: dict[str, QAction] = {}
        for row in ACTIONS:
            self.actions[row.id] = made = QAction(row.text, window)
            made.setObjectName(row.id)
            # Tool buttons with words take this text; the blank keeps them apart from the icon.
            made.setIconText(f" {row.text.removesuffix('…')}")
            made.setShortcuts([QKeySequence(key) for key in row.keys])
            made.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            made.setAutoRepeat(row.on_release is None)
            made.setToolTip(f"{row.text.removesuffix('…')} ({native(row.key)})" if row.key else row.text)
            if row.icon:
                made.setIcon(theme.icon(row.icon))
            made.setCheckable(row.checked is not None)
            made.triggered.connect(guard.wrap(lambda _=False, r=row: self._call(r)))
            window.addAction(made)
        events = desk.events
        bind.listen_all(
            window,
            (
                events.conditions_changed,
                events.case_opened,
                events.case_closed,
                verbs.controllers.editing.preview_changed,
            ),
            self.refresh,
        )
        bind.listen_all(
            window, (events.look_changed, events.tool_changed, events.history_changed), self.refresh_checked
        )
        self.refresh()

    def is_enabled(self, row: Action) -> bool:
        """Whether a row's condition holds now."""
        return row.condition is None or self._desk.is_on(row.condition)

    def trigger(self, action_id: str) -> None:
        """Do it, as its key would, if its condition holds."""
        self.actions[action_id].trigger()

    def refresh(self) -> None:
        """Enable what can be done now."""
        for row in ACTIONS:
            self.actions[row.id].setEnabled(self.is_enabled(row))
        self.refresh_checked()

    def refresh_checked(self) -> None:
        """Check what is on."""
        for row in ACTIONS:
            if row.checked is not None:
                self.actions[row.id].setChecked(row.checked(self._verbs))

    def key_released(self, event: QKeyEvent) -> bool:
        """Let go of a held key; whether one was held."""
        if event.isAutoRepeat() or not self._held:
            return False
        for row in ACTIONS:
            if row.id in self._held and row.key == QKeySequence(event.key()).toString():
                self._release(row)
                return True
        return False

    def release_all(self) -> None:
        """The window lost the keyboard: no key is held any more."""
        for row in ACTIONS:
            if row.id in self._held:
                self._release(row)

    def _call(self, row: Action) -> None:
        if row.on_release is not None:
            self._held.add(row.id)
        try:
            row.call(self._verbs)
        finally:
            self.refresh_checked()

    def _release(self, row: Action) -> None:
        self._held.discard(row.id)
        if row.on_release is not None:
            self._guard.run(row.on_release, self._verbs)

    # -- where they stand ----------------------------------------------------------------------------------
    def fill_menus(self, bar: QMenuBar) -> None:
        """A menu for each group; a series has a submenu."""
        for group in Group:
            menu = bar.addMenu(group.value)
            series: dict[str, QMenu] = {}
            for row in (row for row in ACTIONS if row.group is group):
                if row.series:
                    if row.series not in series:
                        series[row.series] = menu.addMenu(row.series)
                    series[row.series].addAction(self.actions[row.id])
                else:
                    if row.id in _BREAKS_BEFORE:
                        menu.addSeparator()
                    menu.addAction(self.actions[row.id])

    def toolbar(self) -> QToolBar:
        """The toolbar, in the blocks the table names."""
        bar = QToolBar("Tools")
        bar.setObjectName("toolbar")
        bar.setMovable(False)
        bar.setFloatable(False)
        bar.setIconSize(QSize(20, 20))
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for block in range(1, 1 + max(row.toolbar for row in ACTIONS)):
            if block > 1:
                bar.addSeparator()
            for row in (row for row in ACTIONS if row.toolbar == block):
                bar.addAction(self.actions[row.id])
                button = bar.widgetForAction(self.actions[row.id])
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                button.setAccessibleName(row.text.removesuffix("…"))
                if row.id == "case.predict" and isinstance(button, QToolButton):
                    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        return bar


_BREAKS_BEFORE = {
    "file.reader", "file.quit", "case.accept", "case.next", "edit.take_prediction", "tool.smaller", "mask.probability",
    "label.add", "view.automatic",
    "view.layout", "attention.next", "help.about",
}  # fmt: skip
