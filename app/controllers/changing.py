"""What every change of a mask goes through: may it be made now, make it, keep it, tell the views; and previews."""

from __future__ import annotations

from collections.abc import Callable

from app.controllers.desk import Desk, StepMade
from app.controllers.journaling import SessionJournal
from app.controllers.proposing import Proposing
from app.core.events import Event
from app.core.history import Entry
from app.core.journal_course import Direction
from app.core.messages import CannotEdit
from app.core.patch import Patch
from app.core.session import Session
from app.core.tools.commands import Compute
from app.core.tools.proposal import Proposal
from model.grid import Box

_SAVING = CannotEdit("The mask is being saved; paint again in a moment.")


class Changing:
    """The way a change takes, for every controller that makes one; a refusal is a sentence and changes nothing.

    Attributes:
        preview_changed: the box where a preview appeared, changed or went; `Session.preview` has it.
        preview_dropped: what was shown or computed no longer counts.
        table_changed: labels were added or changed, locked, hidden or shown.
        refused: the sentence of a refusal, for the cursor; it is also said on the desk.
    """

    def __init__(self, desk: Desk, journal: Callable[[], SessionJournal | None]) -> None:
        self._desk = desk
        self._journal = journal
        self.preview_changed: Event[Box] = Event("preview changed")
        self.preview_dropped: Event[None] = Event("preview dropped")
        self.table_changed: Event[None] = Event("table changed")
        self.refused: Event[str] = Event("refused")
        self.proposing = Proposing(desk, self.refuse)

    # -- may it be made ----------------------------------------------------------------------------------
    def ready(self) -> Session | None:
        """The session, with nothing shown or running, if it can be edited now."""
        session = self._desk.session
        if session is None:
            return None
        if self._desk.saving:
            self.refuse(_SAVING)
            return None
        self.drop_preview()
        return session

    def refuse(self, refusal: CannotEdit) -> None:
        """Say why nothing was done, at the cursor and below."""
        self._desk.say(str(refusal), "warning")
        self.refused.emit(str(refusal))

    def cancel_stroke(self) -> None:
        """Take the running stroke back as if it had not been begun."""
        session = self._desk.session
        if session is None or not session.stroke_active:
            return
        changed = session.cancel_stroke()
        if changed is not None:
            self._desk.events.labels_changed.emit(changed)
        self._desk.events.conditions_changed.emit(None)

    # -- make it -----------------------------------------------------------------------------------------
    def at_once(self, verb: Callable[[Session], Patch], *, keep_preview: bool = False) -> Patch | None:
        """One step that changes the mask now, which it gives; None where it was refused, which is said."""
        session = self._desk.session if keep_preview and not self._desk.saving else self.ready()
        if session is None:
            return None
        try:
            patch = verb(session)
        except CannotEdit as refusal:
            self.refuse(refusal)
            return None
        self._desk.events.labels_changed.emit(patch.box)
        self.committed(patch)
        return patch

    def committed(self, patch: Patch | None) -> None:
        """A step was made, or (None) came to nothing."""
        if patch is not None:
            self.keep(patch)
        self.changed()

    def keep(self, entry: Entry, direction: Direction = "do") -> None:
        """Write a step that was made, taken back or made again to the journal, and tell of it."""
        journal = self._journal()
        if journal is not None:
            journal.keep(entry, direction)
        self._desk.events.step_made.emit(StepMade(entry, direction))

    def changed(self) -> None:
        """The history is another one now."""
        self._desk.events.history_changed.emit(None)
        self._desk.events.conditions_changed.emit(None)

    def show_table(self) -> None:
        """The label table, or what is locked or hidden, is another one now."""
        session = self._desk.session
        assert session is not None
        self.table_changed.emit(None)
        self._desk.events.labels_changed.emit(Box.whole(session.labels.shape))
        self._desk.events.tool_changed.emit(None)
        self.changed()

    # -- previews ----------------------------------------------------------------------------------------
    def compute(
        self, session: Session, title: str, compute: Compute, *, preview: bool, quiet: bool = False
    ) -> None:
        """Compute a proposal in the edit lane; it is made when it is there, or (`preview`) shown first."""
        arrived = self.show if preview else self._commit
        self.proposing.compute(session, title, compute, arrived, quiet=quiet)

    def show(self, proposal: Proposal) -> None:
        """Show a proposal in the open case and say how to take it."""
        session = self.present(proposal)
        self._desk.say(f"Preview: {session.describe(proposal)}. Enter accepts, Esc drops it.")

    def present(self, proposal: Proposal) -> Session:
        """Show a proposal in the open case, which it gives."""
        session = self._desk.session
        assert session is not None
        self.preview_changed.emit(session.propose(proposal))
        self._desk.events.conditions_changed.emit(None)
        return session

    def accept_preview(self) -> None:
        """Make the change that is shown."""
        session = self._desk.session
        if session is None or session.preview is None:
            return
        shown = session.preview.box
        self.at_once(lambda session: session.accept_preview(), keep_preview=True)
        self.preview_changed.emit(shown)

    def drop_preview(self) -> None:
        """Forget what is shown or being computed; the mask stays as it is."""
        self.proposing.cancel()
        self.preview_dropped.emit(None)
        self.hide_preview()

    def hide_preview(self) -> None:
        """Take what is shown off the screen; what is being computed goes on."""
        session = self._desk.session
        box = session.drop_preview() if session is not None else None
        if box is not None:
            self.preview_changed.emit(box)
            self._desk.events.conditions_changed.emit(None)

    def _commit(self, proposal: Proposal) -> None:
        patch = self.at_once(lambda session: session.commit(proposal))
        session = self._desk.session
        if patch is not None and session is not None:
            self._desk.say(f"Done: {session.describe(patch)}. Undo takes it back.")
