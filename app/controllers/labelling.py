"""Labels of the open case: choose, add, rename, colour, code, lock, hide, clear, pick under the cursor."""

from __future__ import annotations

from collections.abc import Callable

from app.controllers.changing import Changing
from app.controllers.desk import Desk
from app.core.labels import Colour, LabelEntry, LabelTable
from app.core.messages import CannotEdit
from app.core.session import Session
from model.grid import Float3


class LabellingController:
    """The verbs of the label table; a refusal is a sentence and changes nothing.

    Attributes:
        table_changed: labels were added or changed, locked, hidden or shown.
        refused: the sentence of a refusal, which is also said on the desk.
    """

    def __init__(self, desk: Desk, changing: Changing) -> None:
        self._desk = desk
        self._changing = changing
        self._table: LabelTable | None = None
        self.table_changed = changing.table_changed
        self.refused = changing.refused
        self.table_changed.subscribe(lambda _: self._remember())
        desk.events.case_opened.subscribe(lambda _: self._look())
        desk.events.history_changed.subscribe(lambda _: self._look())

    def set_active(self, value: int) -> None:
        """The label that tools work on."""
        session = self._desk.session
        if session is not None and session.table.entry(value) is not None:
            session.active_label = value
            self._desk.events.tool_changed.emit(None)

    def label_to_be(self, name: str, value: int | None = None) -> LabelEntry | str:
        """What `add` would add under a name, or why it would not, as a sentence; nothing is changed."""
        session = self._desk.session
        if session is None:
            return "Open a case first."
        try:
            return session.label_to_be(name, value=value)
        except CannotEdit as refusal:
            return str(refusal)

    def add(
        self, name: str, colour: Colour | None = None, term: str = "", value: int | None = None
    ) -> int | None:
        """A new label, which becomes the active one; gives its value, None where it was refused.

        `value` is one that the mask has without a name; None chooses one.
        """
        session = self._changing.ready()
        if session is None:
            return None
        try:
            added = session.add_label(name, colour, term, value)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return None
        step = session.history.next_undo
        assert step is not None
        self._changing.keep(step)
        self._changing.show_table()
        self._say_disagreement(session, added)
        return added

    def change(
        self, value: int, *, name: str | None = None, colour: Colour | None = None, term: str | None = None
    ) -> bool:
        """Another name, colour or coded term for a label; False where it was refused."""
        session = self._changing.ready()
        if session is None:
            return False
        try:
            step = session.change_label(value, name=name, colour=colour, term=term)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return False
        if step is not None:
            self._changing.keep(step)
            self._changing.show_table()
            if name is not None:
                self._say_disagreement(session, value)
        return True

    def clear(self, value: int) -> None:
        """Take a label away everywhere, and say that undo brings it back."""
        session = self._changing.ready()
        if session is None:
            return
        try:
            compute = session.clearing(value)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return
        self._changing.compute(session, "Clear label", compute, preview=False)

    def set_locked(self, value: int, locked: bool) -> None:
        """Lock or unlock a label; a locked one does not change."""
        self._rule(lambda session: session.set_locked(value, locked))

    def set_visible(self, value: int, visible: bool) -> None:
        """Show or hide a label; a hidden one does not change either."""
        self._rule(lambda session: session.set_visible(value, visible))

    def pick(self, voxel: Float3) -> None:
        """Make the label at a place (continuous z, y, x) the active one."""
        session = self._desk.session
        if session is None:
            return
        value = session.pick_label(voxel)
        if value is None:
            self._changing.refuse(CannotEdit("There is no label here to pick."))
            return
        self._desk.events.tool_changed.emit(None)
        self._desk.say(f"The active label is {session.table.name(value)}.")

    def _rule(self, verb: Callable[[Session], None]) -> None:
        session = self._desk.session
        if session is None:
            return
        self._changing.cancel_stroke()
        self._changing.drop_preview()
        try:
            verb(session)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return
        self._changing.show_table()

    def _say_disagreement(self, session: Session, value: int) -> None:
        entry = session.table.entry(value)
        told = session.rules.disagreement(session.table, entry) if entry is not None else ""
        if told:
            self._desk.say(f"{told} Only cases that agree can be exported together.", "warning")

    def _remember(self) -> None:
        session = self._desk.session
        self._table = session.table if session is not None else None

    def _look(self) -> None:
        """Tell of a table that somebody else changed, such as unsaved work that came back."""
        session = self._desk.session
        if (session.table if session is not None else None) is not self._table:
            self.table_changed.emit(None)
