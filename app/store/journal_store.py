"""Journals on disk: finding work that was never saved, sealing what was, and what undo knows of saved work.

Appending is `journal_writer`, the bytes are `app.core.journal_format`.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Row, select

from app.core.base import labels_sha256
from app.core.history import Entry
from app.core.journal_format import Journal, JournalHeader, decode, retrace
from app.core.patch import Labels, Patch
from app.store import durable, schema
from app.store.database import Database
from app.store.journal_writer import JournalWriter
from model.errors import WorkspaceError

PAST_BYTES, NEWEST_PAST_BYTES = 128 << 20, 1 << 30
"""How much of the sealed journals is read when a case is opened; the newest alone may be larger."""

_SESSION = re.compile(r"^[A-Za-z0-9_-]{1,80}$")


def new_session_name() -> str:
    """A name for a session, unique within any workspace: its start and chance."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class OpenJournal:
    """Work that was never saved.

    Attributes:
        path: the journal.
        journal: what could be read of it, with at least one record; None where a newer program wrote it.
        problem: one sentence where it cannot be applied to the mask that is shown, else "".
    """

    path: Path
    journal: Journal | None
    problem: str = ""


class JournalStore:
    """The journals of all cases, `W/cases/ID/journal/SESSION.journal`.

    Args:
        database: to learn which work a version holds already.
        cases_folder: `W/cases`.
    """

    def __init__(self, database: Database, cases_folder: Path) -> None:
        self._database = database
        self._cases = cases_folder

    def folder(self, case_id: str) -> Path:
        """Where the journals of a case lie."""
        return self._cases / case_id / "journal"

    def path(self, case_id: str, session: str) -> Path:
        """The journal of a session."""
        if not _SESSION.match(session):
            raise ValueError(f"a session is named by letters, digits, - and _, not {session!r}")
        return self.folder(case_id) / f"{session}.journal"

    def writer(self, header: JournalHeader) -> JournalWriter:
        """A writer for a new journal; nothing is on disk before its first record."""
        return JournalWriter(self.path(header.case_id, header.session), header)

    def resume(self, found: OpenJournal) -> JournalWriter:
        """A writer that goes on with recovered work, after the last whole record."""
        assert found.journal is not None
        return JournalWriter(found.path, found.journal.header, found.journal.valid_bytes)

    def open_journals(
        self, case_id: str, base_sha256: str | None = None, own_session: str | None = None
    ) -> tuple[OpenJournal, ...]:
        """Work on a case that is in no version, oldest first; ask only while holding the case's lease.

        Args:
            case_id: the case.
            base_sha256: hash of the mask that is shown; a journal of another base is reported with a problem.
            own_session: the session that asks; its own journal is left out.
        """
        folder = self.folder(case_id)
        if not folder.is_dir():
            return ()
        durable.clear_temporary(folder)
        self._seal_saved(case_id)
        found = [
            self._look(path, case_id, base_sha256)
            for path in sorted(folder.glob("*.journal"))
            if path.name != f"{own_session}.journal"
        ]
        return tuple(open_journal for open_journal in found if open_journal is not None)

    def seal(self, path: Path, version: int | None) -> Path:
        """Mark a journal as done by renaming it: its version exists, or (None) the reader declined it.

        Nothing is deleted. Gives the new path; a journal that was never begun gives its own.
        """
        if not path.exists():
            return path
        word = "declined" if version is None else f"v{version:04d}"
        target = path.with_name(f"{path.stem}.{word}.sealed")
        count = 1
        while target.exists():
            count += 1
            target = path.with_name(f"{path.stem}.{word}-{count}.sealed")
        os.rename(path, target)
        durable.fsync_folder(path.parent)
        return target

    def past(self, case_id: str, version: int, labels: Labels) -> tuple[list[Entry], list[Entry]]:
        """What undo and redo know where a case is opened at a version: its steps done, and those undone.

        Args:
            case_id: the case.
            version: the version that is shown.
            labels: its mask (z, y, x); steps that do not lead back from it to the mask they began on are not given.

        They come from the sealed journals that led to it, from the newest back while they follow from each other
        and are not larger than `PAST_BYTES` together.
        """
        table = schema.versions
        query = select(table).where(table.c.case_id == case_id, table.c.session != "")
        with self._database.read() as connection:
            saved = {row.number: row for row in connection.execute(query)}
        chain: list[Journal] = []
        room = NEWEST_PAST_BYTES
        number: int | None = version
        while number in saved and (found := self._sealed(case_id, saved[number], room)) is not None:
            journal, nbytes = found
            chain.append(journal)
            room = min(room, PAST_BYTES) - nbytes
            base = journal.header.base
            number = int(base.reference) if base.kind == "version" and base.reference.isdecimal() else None
        done: list[Entry] = []
        undone: list[Entry] = []
        for journal in reversed(chain):
            retrace(journal, done, undone)
        if chain and not _lead_back(done, labels, chain[-1].header.base_sha256):
            # A journal the disk refused while the version was saved: its steps are not all there.
            return [], []
        return done, undone

    def _sealed(self, case_id: str, version: Row[Any], room: int) -> tuple[Journal, int] | None:
        """The journal whose work a version holds, and its size; None where it is not there, too large or not it."""
        if not _SESSION.match(version.session):
            return None
        path = self.folder(case_id) / f"{version.session}.v{version.number:04d}.sealed"
        try:
            nbytes = path.stat().st_size
            journal = decode(path.read_bytes()) if nbytes <= room else None
        except (OSError, WorkspaceError):
            return None
        if journal is None or journal.header.base_sha256 != version.base_sha256:
            return None
        return journal, nbytes

    def _look(self, path: Path, case_id: str, base_sha256: str | None) -> OpenJournal | None:
        try:
            journal = decode(path.read_bytes())
        except WorkspaceError as error:
            return OpenJournal(path, None, str(error))
        if journal is None or not journal.records:
            return None
        header = journal.header
        if header.case_id != case_id:
            return OpenJournal(path, journal, f"{path.name} belongs to another case; it is left as it is.")
        if base_sha256 is not None and header.base_sha256 != base_sha256:
            start = f"{header.base.kind} {header.base.reference}".strip()
            return OpenJournal(
                path,
                journal,
                f"Unsaved work of {header.started:%Y-%m-%d %H:%M} started from another mask ({start}); it is "
                f"kept in {path.name} and not applied.",
            )
        return OpenJournal(path, journal)

    def _seal_saved(self, case_id: str) -> None:
        """Seal journals whose work stands in a version: the program ended between saving and sealing."""
        table = schema.versions
        query = select(table).where(table.c.case_id == case_id, table.c.session != "")
        with self._database.read() as connection:
            saved = connection.execute(query).all()
        for version in saved:
            path = self.folder(case_id) / f"{version.session}.journal"
            if not (_SESSION.match(version.session) and path.is_file()):
                continue
            try:
                journal = decode(path.read_bytes())
            except WorkspaceError:
                continue  # a newer program's; `_look` reports it
            if journal is None or journal.header.base_sha256 != version.base_sha256:
                continue
            # Strokes painted while the version was being saved are not in it.
            if version.journal_bytes is None or journal.valid_bytes <= version.journal_bytes:
                self.seal(path, version.number)


def _lead_back(done: list[Entry], labels: Labels, base_sha256: str) -> bool:
    """Whether taking all steps back in a mask (z, y, x), which stays as it is, gives the mask of that hash."""
    mask = np.array(labels)
    try:
        for entry in reversed(done):
            if isinstance(entry, Patch):
                entry.revert(mask)
    except ValueError:
        return False
    return labels_sha256(mask) == base_sha256
