"""History and versions: what undo and redo would do, by name, and the saved versions of the case."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.core.session import Session
from app.ui import bind, folding, words
from app.ui.qt_bridge import SlotGuard

_SHOWN = 8


class HistoryPanel(QWidget):
    """Undo and redo with their names, the steps so far, and versions."""

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self._controllers, self._desk = controllers, controllers.desk
        self.undo = _button("undo-2", "Ctrl+Z")
        self.redo = _button("redo-2", "Ctrl+Shift+Z")
        self.undo.clicked.connect(guard.wrap(lambda _=False: controllers.editing.undo()))
        self.redo.clicked.connect(guard.wrap(lambda _=False: controllers.editing.redo()))
        self._steps = folding.label(role="small", wraps=True)
        self._restart = folding.button(
            "Start again from the model's mask", "refresh-cw",
            "Replace the whole mask by the prediction; one step that undo takes back",
        )  # fmt: skip
        self._restart.clicked.connect(
            guard.wrap(lambda _=False: controllers.editing.take_prediction_as_mask())
        )
        self._versions = QVBoxLayout()
        self._versions.setSpacing(3)
        layout = folding.column(self, 8)
        for widget in (
            self.undo,
            self.redo,
            self._steps,
            self._restart,
            folding.label("Versions", "heading"),
        ):
            layout.addWidget(widget)
        layout.addLayout(self._versions)
        events = self._desk.events
        bind.listen_all(
            self,
            (
                events.history_changed,
                events.case_opened,
                events.case_closed,
                events.conditions_changed,
            ),
            self._show_history,
        )
        bind.listen_all(
            self, (events.case_opened, events.case_closed, events.cases_changed), self._show_versions
        )
        self._show_history()
        self._show_versions()

    def _show_history(self) -> None:
        session, editing, desk = self._desk.session, self._controllers.editing, self._desk
        self.undo.setEnabled(desk.is_on(Condition.CAN_UNDO))
        self.redo.setEnabled(desk.is_on(Condition.CAN_REDO))
        self._restart.setEnabled(desk.is_on(Condition.HAS_PREDICTION) and desk.is_on(Condition.CAN_EDIT))
        _name(self.undo, "Undo", editing.undo_name)
        _name(self.redo, "Redo", editing.redo_name)
        if session is None:
            self._steps.setText("No case is open.")
        elif session.read_only_reason is not None:
            self._steps.setText(session.read_only_reason)
        elif not session.history.patches:
            self._steps.setText("No changes yet. Every stroke is kept as one step and survives a crash.")
        else:
            self._steps.setText("\n".join(_listed(session)))

    def _show_versions(self) -> None:
        while (item := self._versions.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        versions = self._controllers.reviewing.versions()
        if not versions:
            opened = self._desk.session is not None
            text = "Nothing saved yet. Accept keeps the mask as version 1." if opened else "No case is open."
            self._versions.addWidget(folding.label(text, "small", wraps=True))
        for version in reversed(versions[-_SHOWN:]):
            by = f" by {version.reader}" if version.reader else ""
            newest = version is versions[-1]
            text = f"Version {version.number}{by}, {_when(version.created)}"
            self._versions.addWidget(folding.label(text, "" if newest else "small", wraps=True))
        if len(versions) > _SHOWN:
            more = words.count(len(versions) - _SHOWN, "earlier version")
            self._versions.addWidget(folding.label(f"… {more}", "small"))


def _listed(session: Session) -> list[str]:
    """The newest steps, and where among them the mask was saved."""
    history = session.history
    steps = [f"{number}  {session.describe(step)}" for number, step in enumerate(history.patches, 1)]
    if history.patches_saved:
        steps.insert(history.patches_saved, "—  saved up to here")
    earlier = len(steps) - _SHOWN
    return ([f"… {earlier} earlier"] if earlier > 0 else []) + steps[-_SHOWN:]


def _button(icon: str, key: str) -> QPushButton:
    made = folding.button("", icon, "")
    made.setProperty("key", key)
    made.setStyleSheet("text-align: left;")
    return made


def _when(created: str) -> str:
    """A moment as stored (ISO 8601), in words and local time."""
    return f"{datetime.fromisoformat(created).astimezone():%d %b %Y, %H:%M}"


def _name(button: QPushButton, verb: str, name: str) -> None:
    """Say on a button what it would take back or make again, cut to its width."""
    full = f"{verb} {name}" if name else verb
    room = max(120, button.width() - 48)
    button.setText(button.fontMetrics().elidedText(full, Qt.TextElideMode.ElideRight, room))
    button.setAccessibleName(full)
    button.setToolTip(f"{full} ({button.property('key')})")
