"""Appending to a journal: every step is on the disk when `keep` comes back, or waits in order until it can be.

A step that the disk refused is written before any later one, so a journal never has a hole. The lane that owns a
writer is the only one that calls it. The bytes are `app.core.journal_format`.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from app.core.history import Entry
from app.core.journal_course import Course, Direction
from app.core.journal_format import (
    JournalHeader,
    compacted,
    decode,
    encode_header,
    encode_record,
    follow,
    preamble,
)
from app.store import durable
from model.errors import WorkspaceError

_log = logging.getLogger(__name__)

COMPACT_FROM_BYTES = 8 << 20
"""A journal is compacted once it is larger than this and less than half of it still counts."""
_BARE_BYTES = 16
_BINARY = getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class _Waiting:
    entry: Entry
    direction: Direction


class JournalWriter:
    """Appends steps to one journal.

    The file is made by the first step, header first, so that looking at a case leaves no journal.

    Args:
        path: the journal; must not exist unless `resume_at` says where its whole part ends.
        header: whose work this is.
        resume_at: `Journal.valid_bytes` of an existing journal to go on with; a torn tail is cut off.
        compact_from: see `COMPACT_FROM_BYTES`.
    """

    def __init__(
        self,
        path: Path,
        header: JournalHeader,
        resume_at: int | None = None,
        *,
        compact_from: int = COMPACT_FROM_BYTES,
    ) -> None:
        self.path = path
        self.header = header
        self._handle: int | None = None
        self._length = 0
        self._waiting: deque[_Waiting] = deque()
        # Sizes of records stand for the steps, whose patches the history may forget.
        self._course: Course[int] = Course()
        self._compact_at = compact_from
        # Read by the first step that is kept, in the lane that owns the writer.
        self._to_resume = resume_at is not None
        if resume_at is not None:
            self._length = resume_at

    @property
    def nbytes(self) -> int:
        """Length of the whole part; goes into `VersionInfo.journal_bytes`."""
        return self._length

    @property
    def waiting(self) -> int:
        """How many steps the disk has refused so far."""
        return len(self._waiting)

    def keep(self, entry: Entry, direction: Direction = "do") -> None:
        """Add a step that was made, taken back or made again, and wait until it is on the disk.

        Raises:
            WorkspaceError: the disk refuses; the step waits for the next call of `keep` or `flush`.
        """
        self._waiting.append(_Waiting(entry, direction))
        self.flush()

    def flush(self) -> None:
        """Write what waits.

        Raises:
            WorkspaceError: the disk refuses; what it refused still waits.
        """
        if not self._waiting:
            return
        try:
            self._write_waiting()
        except OSError as error:
            raise WorkspaceError(
                f"Your last changes cannot be kept on disk ({error.strerror or error}); go on working, and make "
                "room, Accept, or save the mask elsewhere."
            ) from error
        if self._length > self._compact_at:
            self._compact()

    def close(self) -> None:
        """Close the file after a last try to write what waits; raises as `flush`."""
        try:
            self.flush()
        finally:
            self._close()

    # -- writing -----------------------------------------------------------------------------------------
    def _write_waiting(self) -> None:
        handle = self._open()
        end = self._length
        written = 0
        course = self._course.copy()
        try:
            if end == 0:
                end = self._write_at(handle, 0, encode_header(self.header))
            for step in self._waiting:
                verb = course.verb(step.direction)
                end = self._write_at(handle, end, encode_record(verb, step.entry))
                follow(course, verb, step.entry.nbytes)
                written += 1
        finally:
            # A half record in the middle would hide every later one, so the file ends with the last whole one.
            self._settle(handle, end, written, course)

    def _settle(self, handle: int, end: int, written: int, course: Course[int]) -> None:
        """Cut off what is not whole and wait for the disk; only then do steps no longer wait."""
        first = self._length == 0
        if written == 0:
            os.ftruncate(handle, self._length)
            if first:
                self._close()
                self.path.unlink(missing_ok=True)
            return
        if os.fstat(handle).st_size > end:
            os.ftruncate(handle, end)
        os.fsync(handle)
        if first:
            durable.fsync_folder(self.path.parent)
            durable.fsync_folder(self.path.parent.parent)
        self._length, self._course = end, course
        for _ in range(written):
            self._waiting.popleft()

    def _write_at(self, handle: int, offset: int, data: bytes) -> int:
        os.lseek(handle, offset, os.SEEK_SET)
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        return offset + len(data)

    def _open(self) -> int:
        if self._to_resume:
            self._resume()
        elif self._handle is None:
            durable.make_folder(self.path.parent, inside=self.path.parents[2])
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o644)
        elif not self._is_in_place(self._handle):
            self._bring_back(self._handle)
        assert self._handle is not None
        return self._handle

    def _is_in_place(self, handle: int) -> bool:
        """Whether the open file is the one of this name; not where it was deleted, moved, or its disk unmounted."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(handle))
        except FileNotFoundError:
            return False

    def _bring_back(self, lost: int) -> None:
        """The file is gone from its place; while it is open its bytes are still there to be written anew."""
        os.lseek(lost, 0, os.SEEK_SET)
        data = bytearray()
        while len(data) < self._length and (part := os.read(lost, self._length - len(data))):
            data += part
        durable.make_folder(self.path.parent, inside=self.path.parents[2])
        self._replace(bytes(data))

    def _replace(self, data: bytes) -> None:
        """Put another content in the place of the file at once: at every moment the old or the new is whole."""
        temporary = durable.temporary_name(self.path)
        try:
            handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _BINARY, 0o644)
            try:
                self._write_at(handle, 0, data)
                os.fsync(handle)
            finally:
                os.close(handle)
            if sys.platform == "win32":
                self._close()  # it replaces no file that is open
            os.replace(temporary, self.path)
            self._close()
        finally:
            temporary.unlink(missing_ok=True)
        durable.fsync_folder(self.path.parent)
        self._handle = os.open(self.path, os.O_RDWR | _BINARY)
        self._length = len(data)

    # -- keeping it small --------------------------------------------------------------------------------
    def _compact(self) -> None:
        """Leave out what was undone for good, where that is more than half; else look again at twice the length."""
        self._compact_at = 2 * self._length
        if 2 * self._course.weight(lambda nbytes: nbytes, _BARE_BYTES) > self._length:
            return
        try:
            journal = decode(self._read())
            if journal is None or journal.valid_bytes != self._length:
                return
            data = compacted(journal)
            smaller = decode(data)
            assert smaller is not None
            self._replace(data)
        except (OSError, WorkspaceError) as error:
            # The journal is as whole as before; it is only longer than it need be.
            _log.info("a journal could not be compacted: %s", type(error).__name__)
            return
        self._course = smaller.sizes()

    def _read(self) -> bytes:
        with open(self.path, "rb") as file:
            return file.read(self._length)

    def _resume(self) -> None:
        journal = decode(self._read())
        if journal is None or journal.valid_bytes != self._length:
            raise WorkspaceError(
                f"{self.path.name} is another file than it was; save the mask by Accept, or elsewhere."
            )
        handle = os.open(self.path, os.O_RDWR | _BINARY)
        try:
            os.ftruncate(handle, self._length)
            # Records of today's format follow, which an older program must not take for a torn tail.
            self._write_at(handle, 0, preamble())
        except OSError:
            os.close(handle)
            raise
        self._handle, self._course, self._to_resume = handle, journal.sizes(), False

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
