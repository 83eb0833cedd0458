"""The verdict: Accept and next, Reject, Later, Flag, and one line that says what accepting would mean.

Always in sight at the foot of the right side. What a verdict does is the reviewing controller's.
"""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QVBoxLayout

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.core.review import CaseState
from app.ui import bind, folding, theme, words
from app.ui.actions import Verbs, action
from app.ui.dialogs import native
from app.ui.qt_bridge import SlotGuard


class VerdictPanel(QFrame):
    """Four buttons from the table of actions, and the state of the case in words."""

    def __init__(self, controllers: Controllers, guard: SlotGuard, verbs: Verbs) -> None:
        super().__init__()
        self._desk, self._reading = controllers.desk, controllers.reading
        self.setObjectName("Pinned")
        self.setAccessibleName("Verdict")
        self._state = folding.label(role="small", wraps=True)
        self.buttons: dict[str, QPushButton] = {}
        for action_id in ("case.accept", "case.reject", "case.later", "case.flag"):
            row = action(action_id)
            primary = action_id == "case.accept"
            button = folding.button(row.text, row.icon, f"{row.text} ({native(row.key)})", primary=primary)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            if primary:
                button.setMinimumHeight(38)
            button.clicked.connect(guard.wrap(lambda _=False, call=row.call: _ignore(call(verbs))))
            condition = row.condition
            assert condition is not None
            bind.enabled(
                button, self._desk.events.conditions_changed,
                lambda c=condition: self._desk.is_on(c),  # type: ignore[misc]
            )  # fmt: skip
            self.buttons[action_id] = button
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(self._state)
        layout.addWidget(self.buttons["case.accept"])
        layout.addLayout(
            folding.line(
                *(self.buttons[name] for name in ("case.reject", "case.later", "case.flag")), spacing=6
            )
        )
        events = self._desk.events
        bind.listen_all(
            self,
            (
                events.conditions_changed, events.cases_changed, events.history_changed,
                self._reading.share_changed,
            ),
            self._say,
        )  # fmt: skip
        self._say()

    def _say(self) -> None:
        share = self._reading.seen_share if self._desk.is_on(Condition.CAN_ACCEPT) else None
        seen = f" {share:.0%} of the mask's slices seen." if share is not None else ""
        self._state.setText(self._words() + seen)
        # Only one button of the window is loud: Predict before there is a mask, Accept once there is one.
        session = self._desk.session
        has_mask = session is not None and (session.changed_since_base or session.base.kind != "empty")
        accept, role = self.buttons["case.accept"], "primary" if has_mask else ""
        if accept.property("role") != role:
            accept.setProperty("role", role)
            accept.style().polish(accept)

    def _words(self) -> str:
        desk, session, row = self._desk, self._desk.session, self._desk.open_row
        if session is None:
            return "Open a case to read it."
        if desk.saving:
            return "Saving the mask…"
        if session.read_only_reason is not None:
            return session.read_only_reason
        if session.changed_since_base:
            steps = session.history.steps_since_saved
            return f"{words.count(steps, 'change')}, not saved: Accept keeps a new version."
        if row is not None and row.state is not CaseState.NEW and row.state is not CaseState.PREDICTED:
            by = f" by {row.reader}" if row.reader else ""
            return f"{theme.STATE_WORDS[row.state]}{by}. Further strokes make the next version."
        if desk.is_on(Condition.HAS_PREDICTION):
            return "Unchanged: Accept keeps the model's mask."
        return "No mask yet. Predict (F5) or paint one."


def _ignore(value: object) -> None:
    """Slots give nothing back."""
