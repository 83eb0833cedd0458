"""A journal that lies in memory, for tests of what journals come to without a disk; `JournalWriter` does the same."""

from __future__ import annotations

from app.core.history import Entry
from app.core.journal_course import Course, Direction
from app.core.journal_format import (
    Journal,
    JournalHeader,
    compacted,
    decode,
    encode_header,
    encode_record,
    follow,
)


class MemoryJournal:
    """The bytes that would be on disk, and where they lead."""

    def __init__(self, header: JournalHeader) -> None:
        self.data = encode_header(header)
        self._course: Course[int] = Course()

    def keep(self, entry: Entry, direction: Direction) -> None:
        """Add a step that was made, taken back or made again."""
        verb = self._course.verb(direction)
        self.data += encode_record(verb, entry)
        follow(self._course, verb, entry.nbytes)

    def read(self, tail: bytes = b"") -> Journal:
        """What can be read, with a torn tail; nothing of the whole part is lost."""
        journal = decode(self.data + tail)
        assert journal is not None
        assert journal.valid_bytes == len(self.data)
        return journal

    def go_on(self) -> None:
        """As a program that finds the file: what it knows comes from what it reads."""
        self._course = self.read().sizes()

    def compact(self) -> None:
        """Write it anew without what was undone for good; nothing else changes."""
        before, weight = self.read(), self._weight()
        self.data = compacted(before)
        after = self.read()
        assert len(self.data) <= before.valid_bytes
        assert after.strokes == before.strokes
        self.go_on()
        assert self._weight() == weight
        assert compacted(after) == self.data

    def _weight(self) -> int:
        return self._course.weight(lambda nbytes: nbytes, 0)
