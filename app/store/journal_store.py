"""Journals on disk: appending with fsync, finding work that was never saved, sealing what was. The bytes are
`app.core.journal_format`.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from sqlalchemy import select

from app.core.journal_format import Journal, JournalHeader, decode, encode_header
from app.store import durable, schema
from app.store.database import Database
from model.errors import WorkspaceError

_SESSION = re.compile(r"^[A-Za-z0-9_-]{1,80}$")


def new_session_name() -> str:
    """A name for a session, unique within any workspace: its start and chance."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


class JournalWriter:
    """Appends records to one journal; each is on the disk when `append` comes back.

    The file is made by the first record, header first, so that looking at a case leaves no journal.

    Args:
        path: the journal; must not exist unless `resume_at` says where its whole part ends.
        header: whose work this is.
        resume_at: `Journal.valid_bytes` of an existing journal to go on with; a torn tail is cut off.
    """

    def __init__(self, path: Path, header: JournalHeader, resume_at: int | None = None) -> None:
        self.path = path
        self.header = header
        self._handle: int | None = None
        self._length = 0
        if resume_at is not None:
            self._handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
            os.ftruncate(self._handle, resume_at)
            self._length = resume_at

    @property
    def nbytes(self) -> int:
        """Length of the whole part; goes into `VersionInfo.journal_bytes`."""
        return self._length

    def append(self, record: bytes) -> None:
        """Add a record as `journal_format` encodes it, and wait until it is on the disk.

        Raises:
            WorkspaceError: the disk refuses; the journal ends with the record before.
        """
        try:
            first = self._handle is None
            handle = self._open()
            data = encode_header(self.header) + record if first else record
            self._write(handle, data)
            if first:
                durable.fsync_folder(self.path.parent)
        except OSError as error:
            raise WorkspaceError(
                f"Your last change cannot be kept on disk ({error.strerror or error}); make room, then "
                "save by accepting."
            ) from error

    def close(self) -> None:
        """Close the file; `append` may not be called again."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _open(self) -> int:
        if self._handle is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._handle = os.open(self.path, flags, 0o644)
        return self._handle

    def _write(self, handle: int, data: bytes) -> None:
        try:
            os.lseek(handle, self._length, os.SEEK_SET)
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        except OSError:
            # A half record in the middle would hide every later one.
            os.ftruncate(handle, self._length)
            if self._length == 0:
                self.close()
                self.path.unlink()
            raise
        self._length += len(data)

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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
