"""Keeps every stroke: hands each change of a session to the journal lane, in order, one file a session.

A file is begun with its first stroke. If it cannot be written the reader is told once and goes on working; what was
refused is written, in order, once the disk takes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime

from app.controllers.desk import Desk
from app.core.history import Entry
from app.core.journal_course import Direction
from app.core.journal_format import JournalHeader
from app.core.session import Session
from app.jobs.runner import Lane
from app.store.journal_store import OpenJournal, new_session_name
from app.store.journal_writer import JournalWriter
from app.store.workspace import Workspace
from model.progress import CancelCheck, Report

_log = logging.getLogger(__name__)


class SessionJournal:
    """The journal of one open case, written in the journal lane; `name` is the session's, and the file's."""

    def __init__(self, desk: Desk, workspace: Workspace, session: Session) -> None:
        self._desk = desk
        self._workspace = workspace
        self._session = session
        self._writer: JournalWriter | None = None
        self._told = False
        self.name = new_session_name()

    def go_on_with(self, found: OpenJournal) -> None:
        """Append to a journal whose work was just brought back, instead of beginning one."""
        assert self._writer is None
        assert found.journal is not None
        self.name = found.journal.header.session
        self._writer = self._workspace.journals.resume(found)

    def keep(self, entry: Entry, direction: Direction) -> None:
        """Keep a step that was made, taken back or made again."""
        if self._writer is None:
            self._writer = self._workspace.journals.writer(
                JournalHeader(
                    case_id=self._session.case.id,
                    base=self._session.base,
                    session=self.name,
                    reader=self._desk.reader,
                    started=datetime.now(UTC),
                )
            )
        writer = self._writer
        self._submit(lambda report, cancelled: writer.keep(entry, direction))

    def try_again(self) -> None:
        """Write what the disk refused, if anything was; to be called now and then."""
        writer = self._writer
        if self._told and writer is not None:
            self._submit(lambda report, cancelled: writer.flush())

    def close(self) -> None:
        """Close the file after what is waiting has been written."""
        writer = self._writer
        if writer is not None:
            self._told = False  # what cannot be kept even now is said again
            self._submit(lambda report, cancelled: writer.close())

    def length_when_kept(self) -> Future[int | None]:
        """The length of the journal once every stroke so far is on disk; None where there is no journal.

        For another lane to wait on: the owner's thread never does. What the disk refuses is not in it.
        """
        writer = self._writer
        kept: Future[int | None] = Future()

        def work(report: Report, cancelled: CancelCheck) -> None:
            try:
                if writer is not None:
                    writer.flush()
            finally:
                kept.set_result(writer.nbytes if writer is not None else None)

        self._submit(work)
        return kept

    def _submit(self, work: Callable[[Report, CancelCheck], None]) -> None:
        self._desk.runner.submit(
            Lane.JOURNAL,
            "Keeping strokes",
            work,
            lambda value: self._kept(),
            self._failed,
            case_id=self._session.case.id,
            must_finish=True,
            quiet=True,
        )

    def _kept(self) -> None:
        if self._told:
            self._told = False
            self._desk.say("Your strokes are kept on disk again.")

    def _failed(self, error: Exception) -> None:
        _log.info(
            "journal of case %s could not be written: %s", self._session.case.id[:8], type(error).__name__
        )
        if not self._told:
            self._told = True
            self._desk.fail(error, "Keeping your strokes on disk")
