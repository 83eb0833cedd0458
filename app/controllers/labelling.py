"""Labels of the open case: choose, add, rename, colour, code, lock, hide, clear, pick under the cursor."""

from __future__ import annotations

from collections.abc import Callable

from app.controllers.changing import Changing
from app.controllers.desk import Desk
from app.core.labels import Colour, LabelTable
from app.core.messages import CannotEdit
from app.core.session import Session
from model.grid import Float3


class LabellingController:
    """The verbs of the label table; a refusal is a sentence and changes nothing."""

    def __init__(self, desk: Desk, changing: Changing) -> None:
        self._desk = desk
        self._changing = changing
        self._table: LabelTable | None = None
        self.table_changed = changing.table_changed
        self.table_changed.subscribe(lambda _: self._remember())
        desk.events.case_opened.subscribe(lambda _: self._look())
        desk.events.history_changed.subscribe(lambda _: self._look())

    def set_active(self, value: int) -> None:
        """The label that tools work on."""
        session = self._desk.session
        if session is not None and session.table.entry(value) is not None:
            session.active_label = value
            self._desk.events.tool_changed.emit(None)

    def add(self, name: str, colour: Colour | None = None, term: str = "") -> int | None:
        """A new label, which becomes the active one; gives its value, None where it was refused."""
        session = self._changing.ready()
        if session is None:
            return None
        try:
            value = session.add_label(name, colour, term)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return None
        step = session.history.next_undo
        assert step is not None
        self._changing.keep(step)
        self._changing.show_table()
        return value

    def change(
        self, value: int, *, name: str | None = None, colour: Colour | None = None, term: str | None = None
    ) -> None:
        """Another name, colour or coded term for a label."""
        session = self._changing.ready()
        if session is None:
            return
        try:
            step = session.change_label(value, name=name, colour=colour, term=term)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return
        if step is not None:
            self._changing.keep(step)
            self._changing.show_table()

    def clear(self, value: int) -> None:
        """Take a label away everywhere."""
        self._changing.at_once(lambda session: session.clear_label(value))

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

    def _remember(self) -> None:
        session = self._desk.session
        self._table = session.table if session is not None else None

    def _look(self) -> None:
        """Tell of a table that somebody else changed, such as unsaved work that came back."""
        session = self._desk.session
        if (session.table if session is not None else None) is not self._table:
            self.table_changed.emit(None)
