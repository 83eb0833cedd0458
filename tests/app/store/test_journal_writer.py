"""The writer of a journal: no hole after a refusal, small again after much undoing, whole at every moment."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from app.core.base import Base, labels_sha256
from app.core.history import History
from app.core.journal_format import Journal, JournalHeader, decode, replay
from app.core.patch import Patch, make_patch
from app.store import durable
from app.store.journal_writer import JournalWriter
from model.errors import WorkspaceError
from model.grid import Box

SHAPE = (6, 32, 32)
HEADER = JournalHeader(
    "c",
    Base("empty", "", labels_sha256(np.zeros(SHAPE, np.uint8))),
    "s1",
    "Ann",
    datetime(2026, 5, 4, tzinfo=UTC),
)
FULL = OSError(errno.ENOSPC, "No space left on device")


class Reader:
    """A mask with its history, whose steps go to a journal."""

    def __init__(self, path: Path, compact_from: int = 1 << 30) -> None:
        self.mask = np.zeros(SHAPE, np.uint8)
        self.history = History()
        self.writer = JournalWriter(path, HEADER, compact_from=compact_from)
        self._rng = np.random.default_rng(1)

    def stroke(self) -> Patch:
        before = self.mask.copy()
        self.mask[:] = self._rng.integers(0, 3, SHAPE)
        patch = make_patch("brush", 1, Box.whole(SHAPE), before, self.mask)
        assert patch is not None
        self.history.push(patch)
        self.writer.keep(patch)
        return patch

    def undo(self) -> None:
        entry = self.history.undo(self.mask)
        assert entry is not None
        self.writer.keep(entry, "undo")

    def redo(self) -> None:
        entry = self.history.redo(self.mask)
        assert entry is not None
        self.writer.keep(entry, "redo")

    def check(self) -> Journal:
        """What is on disk leads to the mask, and its undo and redo to the same steps."""
        journal = on_disk(self.writer)
        mask = np.zeros(SHAPE, np.uint8)
        history = replay(journal, mask)
        assert (mask == self.mask).all()
        assert history.patches == self.history.patches
        assert history.undone == self.history.undone
        return journal


def on_disk(writer: JournalWriter) -> Journal:
    data = writer.path.read_bytes()
    journal = decode(data)
    assert journal is not None
    assert (len(data), journal.torn) == (writer.nbytes, False)
    return journal


def refuse(*_: object) -> None:
    """What a full disk answers."""
    raise FULL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "case" / "journal" / "s1.journal"


def test_much_undoing_is_left_out_once_it_is_more_than_half(path: Path) -> None:
    reader = Reader(path, compact_from=20_000)
    reader.stroke()
    longest = 0
    for _ in range(30):
        reader.stroke()
        reader.stroke()
        reader.undo()
        reader.undo()
        reader.redo()
        longest = max(longest, reader.writer.nbytes)
        reader.check()
        reader.undo()
    journal = reader.check()
    assert longest < 100_000
    assert len(journal.records) < 90
    reader.redo()
    reader.check()
    assert [name.name for name in path.parent.iterdir()] == ["s1.journal"]


def test_what_still_counts_is_never_compacted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", lambda *_: pytest.fail("nothing is to be replaced"))
    reader = Reader(path, compact_from=10_000)
    for _ in range(20):
        reader.stroke()
    reader.check()


def test_compacting_has_no_moment_without_a_whole_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program may end before and after every call that touches the disk."""
    reader = Reader(path)
    kept = reader.stroke()
    for _ in range(5):
        reader.stroke()
        reader.undo()
    seen: list[str] = []

    def watched(name: str) -> Callable[..., object]:
        real = getattr(os, name)

        def call(*arguments: object, **named: object) -> object:
            look(f"before {name}")
            result = real(*arguments, **named)
            look(f"after {name}")
            return result

        return call

    def look(moment: str) -> None:
        journal = decode(path.read_bytes())
        assert journal is not None
        mask = np.zeros(SHAPE, np.uint8)
        replay(journal, mask)
        assert (mask == reader.mask).all(), moment
        seen.append(moment)

    for name in ("write", "fsync", "replace", "close", "ftruncate"):
        monkeypatch.setattr(os, name, watched(name))
    before = reader.writer.nbytes
    reader.writer._compact()
    assert reader.writer.nbytes < before / 2
    assert {"before replace", "after replace", "before fsync"} <= set(seen)
    monkeypatch.undo()
    assert reader.check().records[0].entry == kept


@pytest.mark.parametrize("call", ["fsync", "replace", "write"])
def test_a_journal_that_cannot_be_compacted_stays_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    reader = Reader(path)
    reader.stroke()
    for _ in range(5):
        reader.stroke()
        reader.undo()
    before = path.read_bytes()

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        reader.writer._compact()
    assert path.read_bytes() == before
    assert [name.name for name in path.parent.iterdir()] == ["s1.journal"]
    reader.stroke()
    reader.check()


@pytest.mark.parametrize("call", ["fsync", "write", "ftruncate"])
def test_what_the_disk_refused_is_written_before_what_comes_later(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    reader = Reader(path)
    reader.stroke()

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        if call == "ftruncate":
            patch.setattr(os, "write", refuse)
        for _ in range(3):
            with pytest.raises(WorkspaceError, match="No space left on device"):
                reader.stroke()
    reader.stroke()
    reader.undo()
    assert reader.writer.waiting == 0
    reader.check()


def test_of_several_waiting_steps_those_that_fit_are_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(path)
    reader.stroke()
    real, room = os.write, [0]

    def small(handle: int, data: memoryview) -> int:
        if room[0] <= 0:
            raise FULL
        written = real(handle, data[: room[0]])
        room[0] -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", small)
        for _ in range(3):
            with pytest.raises(WorkspaceError):
                reader.stroke()
        assert reader.writer.waiting == 3
        room[0] = int(1.5 * reader.history.patches[-1].nbytes)
        with pytest.raises(WorkspaceError):
            reader.writer.flush()
        assert reader.writer.waiting == 2
        assert len(on_disk(reader.writer).records) == 2
    reader.writer.flush()
    reader.check()


def test_a_journal_that_was_deleted_under_the_program_is_written_anew(path: Path) -> None:
    reader = Reader(path)
    reader.stroke()
    reader.stroke()
    shutil.rmtree(path.parent)
    reader.stroke()
    reader.check()


def test_going_on_with_a_journal_of_an_earlier_format_makes_it_one_of_today(path: Path) -> None:
    reader = Reader(path)
    reader.stroke()
    reader.writer.close()
    old = bytearray(path.read_bytes())
    old[8] = 1
    path.write_bytes(old + b"torn")
    reader.writer = JournalWriter(path, HEADER, len(old))
    reader.undo()
    reader.redo()
    reader.stroke()
    assert path.read_bytes()[8] == 3
    reader.check()


def test_a_journal_that_cannot_be_gone_on_with_now_is_gone_on_with_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(path)
    reader.stroke()
    reader.writer.close()
    reader.writer = JournalWriter(path, HEADER, on_disk(reader.writer).valid_bytes)

    for call in ("open", "ftruncate"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse)
            with pytest.raises(WorkspaceError, match="No space left"):
                reader.stroke()
    reader.writer.flush()
    reader.check()


def test_a_step_of_before_the_journal_is_brought_along_when_it_is_undone(path: Path) -> None:
    reader = Reader(path)
    before = reader.mask.copy()
    earlier = reader.stroke()
    base = reader.mask.copy()
    second = path.with_name("s2.journal")
    reader.writer.close()
    reader.writer = JournalWriter(second, HEADER)
    reader.undo()
    mask = base.copy()
    history = replay(on_disk(reader.writer), mask)
    assert (mask == before).all()
    assert (history.patches, history.undone) == ((), (earlier,))
    reader.writer.close()
    # A program that goes on with it knows what it holds.
    journal = on_disk(reader.writer)
    reader.writer = JournalWriter(second, HEADER, journal.valid_bytes)
    reader.redo()
    mask = base.copy()
    replay(on_disk(reader.writer), mask)
    assert (mask == base).all()


def test_temporary_files_of_a_program_that_is_gone_are_cleared(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.with_name(f".{path.name}.999999999.tmp").write_bytes(b"half a journal")
    durable.clear_temporary(path.parent)
    assert list(path.parent.iterdir()) == []
