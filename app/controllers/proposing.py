"""Computes proposals in the edit lane, one at a time: what comes late, of another case or another mask, is dropped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event as Flag

from app.controllers.desk import Desk
from app.core.messages import CannotEdit
from app.core.session import Session
from app.core.tools.commands import Compute
from app.core.tools.proposal import Proposal, made_ready
from app.jobs.runner import Job, Lane
from model.errors import Cancelled
from model.progress import CancelCheck, Report

_log = logging.getLogger(__name__)


class Proposing:
    """The proposal that is being computed; asking for another one stops it."""

    def __init__(self, desk: Desk, refuse: Callable[[CannotEdit], None]) -> None:
        self._desk = desk
        self._refuse = refuse
        self._job: Job | None = None
        self._stale: Flag | None = None

    @property
    def running(self) -> bool:
        """True while something is computed that still counts."""
        return self._stale is not None and not self._stale.is_set() and not self._cancelled

    @property
    def _cancelled(self) -> bool:
        return self._job is None or self._job.is_cancelled or self._job.is_over

    def cancel(self) -> None:
        """What is being computed no longer counts."""
        if self._stale is not None:
            self._stale.set()
        if self._job is not None:
            self._job.cancel()
        self._job = self._stale = None

    def compute(
        self,
        session: Session,
        title: str,
        compute: Compute,
        done: Callable[[Proposal], None],
        *,
        failed: Callable[[], None] = lambda: None,
        quiet: bool = False,
    ) -> None:
        """Compute a proposal for a session, whose mask may change meanwhile: then it is dropped, and the reader told.

        Args:
            session: the open case.
            title: what it does, in a few words for the reader.
            compute: the work.
            done: called on the owner's thread with a proposal that still fits.
            failed: called there where it is refused; the sentence has been said.
            quiet: not shown in the job bar (a preview that follows the hand).
        """
        self.cancel()
        self._stale = stale = Flag()
        generation = session.generation

        def work(report: Report, cancelled: CancelCheck) -> Proposal | None:
            try:
                proposal = compute(report, lambda: cancelled() or stale.is_set())
                # Nobody else writes the mask while it has this generation; if it changed, the proposal is dropped.
                return made_ready(proposal, session.labels, generation)
            except Cancelled:
                if stale.is_set():
                    return None
                raise

        def still_fits() -> bool:
            if stale.is_set() or self._desk.session is not session:
                return False
            if session.generation != generation or session.stroke_active or self._desk.saving:
                self._refuse(CannotEdit(f"The mask changed meanwhile; {title.lower()} was not applied."))
                failed()
                return False
            return True

        def arrived(proposal: Proposal | None) -> None:
            if proposal is not None and still_fits():
                self._job = self._stale = None
                done(proposal)

        def did_not_arrive(error: Exception) -> None:
            if not still_fits():
                return
            self._job = self._stale = None
            if isinstance(error, CannotEdit):
                self._refuse(error)
            else:
                _log.info("%s failed on case %s: %s", title, session.case.id[:8], type(error).__name__)
                self._desk.fail(error, title)
            failed()

        self._job = self._desk.runner.submit(
            Lane.EDIT, title, work, arrived, did_not_arrive, case_id=session.case.id, quiet=quiet
        )
