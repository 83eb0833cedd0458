"""Work that never became a version: brought back if this run did it, offered if an earlier one did."""

from __future__ import annotations

from app.controllers.case_loading import UnsavedWork
from app.controllers.desk import Desk, RecoveryOffer
from app.controllers.journaling import SessionJournal
from app.core.journal_format import Journal
from app.core.session import Session
from app.store.journal_store import OpenJournal
from model.grid import Box


class Recovery:
    """Looks at the journals of a case that was just opened; the strokes of one can be taken back."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._offer: tuple[OpenJournal, Journal, SessionJournal] | None = None
        self._own: set[str] = set()
        """Journals this run began or took over."""

    def look_at(self, journals: tuple[UnsavedWork, ...], own: SessionJournal) -> None:
        """Report journals that do not fit, and bring back or offer the newest that does.

        Args:
            journals: those of the open case that no version has sealed.
            own: the journal of this session, which goes on with what is taken.
        """
        self.begin(own)
        session = self._desk.session
        if session is None:
            return
        for work in journals:
            if work.found.problem:
                self._desk.say(work.found.problem, "warning")
        fitting = [
            (work.found, work.found.journal, work.difference)
            for work in journals
            if work.found.journal is not None and not work.found.problem
        ]
        if not fitting:
            return
        found, journal, difference = fitting[-1]
        if journal.header.session in self._own:
            self._bring_back(session, found, journal, own)
            return
        self._offer = (found, journal, own)
        self._desk.events.recovery_offered.emit(
            RecoveryOffer(
                strokes=journal.strokes,
                when=journal.header.started,
                reader=journal.header.reader,
                voxels=difference.voxels if difference is not None else 0,
                difference=difference,
                voxel_ml=session.grid.voxel_mm3 / 1000,
            )
        )

    def begin(self, own: SessionJournal) -> None:
        """A journal of this run: what it will hold comes back without a question."""
        self.forget()
        self._own.add(own.name)

    def take(self) -> None:
        """Bring back the strokes that were offered."""
        offer, self._offer = self._offer, None
        if offer is None or self._desk.session is None:
            return
        found, journal, own = offer
        self._bring_back(self._desk.session, found, journal, own)
        self._desk.say(f"{journal.strokes} strokes are back; Accept saves them.")

    def forget(self) -> None:
        """Leave an offer where it is, on disk; it comes again when the case is opened again."""
        self._offer = None

    def _bring_back(
        self, session: Session, found: OpenJournal, journal: Journal, own: SessionJournal
    ) -> None:
        session.replay(journal)
        own.go_on_with(found)
        self._own.add(own.name)
        events = self._desk.events
        events.work_restored.emit(journal)
        events.labels_changed.emit(Box.whole(session.labels.shape))
        events.history_changed.emit(None)
        events.conditions_changed.emit(None)
