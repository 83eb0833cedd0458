"""Reviewing: Accept, Reject, Later, Flag. Saving runs in the store lane; the case is left once it is whole on disk."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from dataclasses import replace
from enum import StrEnum

from app import __version__
from app.controllers.auditing import AuditingController
from app.controllers.desk import Desk
from app.controllers.opening import OpeningController
from app.controllers.reading import ReadingController
from app.controllers.saving_elsewhere import OFFER
from app.core.messages import MessageKind
from app.core.review import CaseState, Decision
from app.core.seen import UNDER_READ
from app.core.session import Session
from app.jobs.runner import Lane
from app.store.decisions import DecisionRecord
from app.store.label_version import LabelVersion, VersionInfo
from app.store.workspace import Workspace
from model.progress import CancelCheck, Report

_log = logging.getLogger(__name__)


class AcceptOutcome(StrEnum):
    """What accepting came to: it is being saved, the empty mask needs a yes, or nothing happened."""

    SAVING = "saving"
    ASK_EMPTY = "ask empty"
    NOTHING = "nothing"


class ReviewingController:
    """The reader's verdict on the open case."""

    def __init__(
        self, desk: Desk, opening: OpeningController, reading: ReadingController, auditing: AuditingController
    ) -> None:
        self._desk = desk
        self._opening = opening
        self._reading = reading
        self._auditing = auditing

    def set_reader(self, name: str) -> None:
        """Who reads; kept for the next time."""
        self._desk.change_settings(reader=name.strip())

    def accept(self, confirmed_empty: bool = False) -> AcceptOutcome:
        """Save the mask as an immutable version and go on to the next case.

        An empty mask is saved only once the reader has confirmed it (`ASK_EMPTY` says so).
        """
        desk = self._desk
        session, workspace = desk.session, desk.workspace
        if session is None or workspace is None or desk.saving:
            return AcceptOutcome.NOTHING
        if session.read_only_reason is not None:
            desk.say(session.read_only_reason, "warning")
            return AcceptOutcome.NOTHING
        if session.stroke_active:
            desk.say("Finish the stroke first.", "warning")
            return AcceptOutcome.NOTHING
        if not confirmed_empty and not session.labels.any():
            return AcceptOutcome.ASK_EMPTY
        journal, prediction = self._opening.journal, session.prediction
        assert journal is not None
        info = VersionInfo(
            reader=desk.reader,
            base=session.base,
            session=journal.name,
            table_key=session.table.key if session.table.entries else None,
            model_name=prediction.provenance.bundle_name if prediction else "",
            model_hash=prediction.provenance.bundle_hash if prediction else "",
            program_version=__version__,
        )
        desk.saving = True
        desk.events.conditions_changed.emit(None)
        self._save(workspace, session, info, journal.length_when_kept())
        return AcceptOutcome.SAVING

    def versions(self) -> tuple[LabelVersion, ...]:
        """The saved versions of the open case, oldest first, those of this run among them."""
        return self._opening.versions

    def reject(self, reason: str = "") -> None:
        """The prediction is no use; nothing is saved as a mask."""
        self._verdict(CaseState.REJECTED, reason)

    def later(self) -> None:
        """Put the case off; it stays in the worklist as undone."""
        self._verdict(CaseState.LATER, "")

    def flag(self, note: str = "") -> None:
        """Mark the case for somebody else's eye and stay on it."""
        self._verdict(CaseState.FLAGGED, note, then_next=False)

    def _save(
        self,
        workspace: Workspace,
        session: Session,
        info: VersionInfo,
        journal_length: Future[int | None],
    ) -> None:
        case_id, labels, grid = session.case.id, session.labels, session.grid
        table, seen, worked = session.table, session.seen.copy(), self._reading.since_decision
        # The steps of a mask stand in the audit before it.
        self._auditing.flush()

        def work(report: Report, cancelled: CancelCheck) -> tuple[LabelVersion, Decision, float | None]:
            # Nobody changes the mask while it is being saved, so it may be read from here.
            decision = session.decide()
            share = None if decision.kind is CaseState.EMPTY else seen.share_of_mask(labels)
            if table.entries:
                # What the reader's labels began as is kept too: later models are compared with it.
                for kept_table in (session.rules.original(table) or table, table):
                    workspace.add_label_table(kept_table)
                workspace.reviews.take_table(case_id, table.key)
            # The version says how much of the journal it holds, so every stroke must be in it first.
            record = DecisionRecord.of(
                decision,
                info.reader,
                seconds=worked.active_s,
                idle_seconds=worked.idle_s,
                seen_share=share,
            )
            kept = replace(info, decision=record, journal_bytes=journal_length.result())
            version = workspace.labels.save(case_id, labels, grid, kept)
            try:
                workspace.journals.seal(workspace.journals.path(case_id, info.session), version.number)
            except OSError as error:
                # The version stands; the next time the case is opened its journal is sealed.
                _log.info("journal of case %s was not sealed: %s", case_id[:8], type(error).__name__)
            return version, decision, share

        self._desk.runner.submit(
            Lane.STORE,
            f"Saving {session.case.name}",
            work,
            lambda saved: self._saved(session, *saved),
            self._not_saved,
            case_id=case_id,
            must_finish=True,
        )

    def _saved(
        self, session: Session, version: LabelVersion, decision: Decision, share: float | None
    ) -> None:
        self._desk.saving = False
        self._reading.decided()
        self._opening.start_from_version(session, version)
        words = decision.kind.value
        if decision.kind is CaseState.CORRECTED:
            words += f", {decision.ml_added:.2f} mL added and {decision.ml_removed:.2f} mL removed"
        told = f"{session.case.name}: version {version.number} is saved ({words})."
        if share is not None and share < UNDER_READ:
            self._go_on(f"{told} Only {share:.0%} of its slices were seen.", "warning")
        elif share is not None:
            self._go_on(f"{told} {share:.0%} of its slices were seen.")
        else:
            self._go_on(told)

    def _not_saved(self, error: Exception) -> None:
        self._desk.saving = False
        self._desk.fail(error, "Saving the mask", OFFER)
        self._desk.events.conditions_changed.emit(None)

    def _verdict(self, state: CaseState, note: str, *, then_next: bool = True) -> None:
        desk = self._desk
        session, workspace = desk.session, desk.workspace
        if session is None or workspace is None or desk.saving:
            return
        if session.read_only_reason is not None:
            desk.say(session.read_only_reason, "warning")
            return
        case_id, name = session.case.id, session.case.name
        worked = self._reading.since_decision
        record = DecisionRecord(
            kind=state,
            reader=desk.reader,
            note=note,
            seconds=worked.active_s,
            idle_seconds=worked.idle_s,
        )
        self._auditing.flush()

        def done(value: None) -> None:
            if desk.session is session:
                self._reading.decided()
            if then_next:
                self._go_on(f"{name}: {state}.")
            else:
                desk.say(f"{name}: {state}.")
                desk.refresh_cases()

        desk.runner.submit(
            Lane.STORE,
            f"Keeping the verdict on {name}",
            lambda report, cancelled: workspace.reviews.record_decision(case_id, record),
            done,
            case_id=case_id,
            must_finish=True,
            quiet=True,
        )

    def _go_on(self, told: str, kind: MessageKind = "info") -> None:
        """Read the worklist again and open the next undone case; say what was done, and if it was the last."""
        desk = self._desk

        def read() -> None:
            if desk.neighbour(1) is not None:
                self._opening.next_case()
                desk.say(told, kind)
            else:
                desk.say(f"{told} Every case of this worklist has been read.", kind)

        desk.refresh_cases(read)
