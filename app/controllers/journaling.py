"""Keeps every stroke: hands each change of a session to the journal lane, in order, one file a session.

A file is begun with its first stroke. If it cannot be written the reader is told once and goes on working.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime

from app.controllers.desk import Desk
from app.core.history import Entry
from app.core.journal_format import JournalHeader, encode_entry, encode_redo, encode_undo
from app.core.session import Session
from app.jobs.runner import Lane
from app.store.journal_store import JournalWriter, OpenJournal, new_session_name
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

    def entry(self, entry: Entry) -> None:
        """Keep a committed step: a stroke, a tool's change, a change of the label table."""
        self._append(lambda: encode_entry(entry))

    def undo(self, entry: Entry) -> None:
        """Keep that a step was taken back."""
        self._append(encode_undo)

    def redo(self, entry: Entry) -> None:
        """Keep that a step that had been taken back was made again."""
        self._append(encode_redo)

    def close(self) -> None:
        """Close the file after what is waiting has been written."""
        writer = self._writer
        if writer is not None:
            self._submit(lambda report, cancelled: writer.close())

    def length_when_kept(self) -> Future[int | None]:
        """The length of the journal once every stroke so far is on disk; None where there is no journal.

        For another lane to wait on: the owner's thread never does.
        """
        writer = self._writer
        kept: Future[int | None] = Future()
        self._submit(lambda report, cancelled: kept.set_result(writer.nbytes if writer is not None else None))
        return kept

    def _append(self, encode: Callable[[], bytes]) -> None:
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
        self._submit(lambda report, cancelled: writer.append(encode()))

    def _submit(self, work: Callable[[Report, CancelCheck], None]) -> None:
        self._desk.runner.submit(
            Lane.JOURNAL,
            "Keeping strokes",
            work,
            lambda value: None,
            self._failed,
            case_id=self._session.case.id,
            must_finish=True,
            quiet=True,
        )

    def _failed(self, error: Exception) -> None:
        _log.info(
            "journal of case %s could not be written: %s", self._session.case.id[:8], type(error).__name__
        )
        if not self._told:
            self._told = True
            self._desk.fail(error, "Keeping your strokes on disk")
