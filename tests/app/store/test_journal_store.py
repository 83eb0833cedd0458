"""Journals on disk: nothing acknowledged is lost, nothing foreign is applied, nothing is deleted."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from app.core.base import Base, labels_sha256
from app.core.history import History
from app.core.journal_course import Verb
from app.core.journal_format import MAGIC, JournalHeader, decode, encode_record, replay
from app.core.patch import Patch, make_patch
from app.store.journal_store import new_session_name
from app.store.journal_writer import JournalWriter
from app.store.label_version import VersionInfo
from app.store.review_store import CaseRow
from app.store.workspace import Workspace
from model.errors import WorkspaceError
from model.grid import Box, Grid

Mask = npt.NDArray[np.uint8]


def header(case: CaseRow, grid: Grid, session: str = "s1") -> JournalHeader:
    base = Base("empty", "", labels_sha256(np.zeros(grid.shape, np.uint8)))
    return JournalHeader(case.id, base, session, "Ann", datetime(2026, 5, 4, 10, 30, tzinfo=UTC))


def stroke(z: int) -> Patch:
    box = Box((z, 0, 0), (z + 1, 2, 2))
    before = np.zeros(box.shape, np.uint8)
    patch = make_patch("brush on liver", 1, box, before, before + 1)
    assert patch is not None
    return patch


@pytest.fixture
def head(case: CaseRow, grid: Grid) -> JournalHeader:
    return header(case, grid)


def test_looking_at_a_case_leaves_no_journal(workspace: Workspace, head: JournalHeader) -> None:
    with workspace.journals.writer(head) as journal:
        assert not journal.path.exists()
    assert workspace.journals.open_journals(head.case_id) == ()


def test_the_header_comes_first_and_every_record_is_fsynced_before_keep_returns(
    workspace: Workspace, head: JournalHeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        real(handle)
        synced.append(os.fstat(handle).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    with workspace.journals.writer(head) as journal:
        for z in range(3):
            journal.keep(stroke(z))
            assert journal.nbytes in synced
            found = decode(journal.path.read_bytes())
            assert found is not None
            assert (found.header, len(found.records), found.torn) == (head, z + 1, False)
            assert journal.nbytes == found.valid_bytes
    assert journal.path.read_bytes().startswith(MAGIC)


def test_unsaved_work_is_found_with_its_base_and_replays(
    workspace: Workspace, head: JournalHeader, grid: Grid
) -> None:
    with workspace.journals.writer(head) as journal:
        journal.keep(stroke(0))
        journal.keep(stroke(1))
        journal.keep(stroke(1), "undo")
    (found,) = workspace.journals.open_journals(head.case_id, head.base_sha256)
    assert (found.path, found.problem) == (journal.path, "")
    assert found.journal is not None
    assert found.journal.header.base == head.base
    labels = np.zeros(grid.shape, np.uint8)
    replay(found.journal, labels, History())
    assert (int(labels[0].sum()), int(labels[1].sum())) == (4, 0)


@pytest.mark.parametrize(
    "tail", [b"\x02", b"\x02\xff\xff\x00\x00", encode_record(Verb.DO, stroke(2))[:-1], b"\x00" * 512]
)
def test_a_torn_tail_is_ignored_and_cut_off_when_the_work_goes_on(
    workspace: Workspace, head: JournalHeader, tail: bytes
) -> None:
    with workspace.journals.writer(head) as journal:
        journal.keep(stroke(0))
        journal.keep(stroke(1))
    with open(journal.path, "ab") as file:
        file.write(tail)
    (found,) = workspace.journals.open_journals(head.case_id, head.base_sha256)
    assert found.journal is not None
    assert (len(found.journal.records), found.journal.torn) == (2, True)
    with workspace.journals.resume(found) as writer:
        writer.keep(stroke(2))
    (again,) = workspace.journals.open_journals(head.case_id, head.base_sha256)
    assert again.journal is not None
    assert (len(again.journal.records), again.journal.torn) == (3, False)


def test_a_journal_of_another_base_is_reported_and_kept(workspace: Workspace, head: JournalHeader) -> None:
    with workspace.journals.writer(head) as journal:
        journal.keep(stroke(0))
    (found,) = workspace.journals.open_journals(head.case_id, "0" * 64)
    assert found.problem == (
        "Unsaved work of 2026-05-04 10:30 started from another mask (empty); it is kept in s1.journal and not applied."
    )
    assert journal.path.exists()


def test_a_journal_of_another_case_is_reported(
    workspace: Workspace, head: JournalHeader, add_case: object
) -> None:
    assert callable(add_case)
    other = add_case(1)
    with JournalWriter(workspace.journals.path(other.id, "s1"), head) as journal:
        journal.keep(stroke(0))
    (found,) = workspace.journals.open_journals(other.id, head.base_sha256)
    assert "belongs to another case" in found.problem


def test_a_journal_of_a_newer_program_is_reported(workspace: Workspace, head: JournalHeader) -> None:
    with workspace.journals.writer(head) as journal:
        journal.keep(stroke(0))
    data = bytearray(journal.path.read_bytes())
    data[len(MAGIC) : len(MAGIC) + 2] = (99).to_bytes(2, "little")
    journal.path.write_bytes(data)
    (found,) = workspace.journals.open_journals(head.case_id)
    assert found.journal is None
    assert "format 99" in found.problem


def test_the_own_journal_of_a_session_is_not_offered_to_it(workspace: Workspace, head: JournalHeader) -> None:
    with workspace.journals.writer(head) as journal:
        journal.keep(stroke(0))
        assert workspace.journals.open_journals(head.case_id, own_session="s1") == ()
        assert len(workspace.journals.open_journals(head.case_id, own_session="s2")) == 1


@pytest.mark.parametrize(("version", "name"), [(3, "s1.v0003.sealed"), (None, "s1.declined.sealed")])
def test_sealing_renames_and_deletes_nothing(
    workspace: Workspace, head: JournalHeader, version: int | None, name: str
) -> None:
    contents: list[bytes] = []
    for _ in range(2):
        with workspace.journals.writer(head) as journal:
            journal.keep(stroke(len(contents)))
        contents.append(journal.path.read_bytes())
        sealed = workspace.journals.seal(journal.path, version)
        assert workspace.journals.open_journals(head.case_id) == ()
    folder = workspace.journals.folder(head.case_id)
    assert (folder / name).read_bytes() == contents[0]
    assert sealed.read_bytes() == contents[1]
    assert len(list(folder.iterdir())) == 2


def test_sealing_a_journal_that_was_never_begun_does_nothing(
    workspace: Workspace, head: JournalHeader
) -> None:
    path = workspace.journals.path(head.case_id, "s1")
    assert workspace.journals.seal(path, 1) == path


def test_work_that_stands_in_a_version_is_sealed_rather_than_offered(
    workspace: Workspace, head: JournalHeader, labels: Mask, grid: Grid, info: Callable[..., VersionInfo]
) -> None:
    with workspace.journals.writer(head) as journal:
        journal.keep(stroke(0))
        workspace.labels.save(head.case_id, labels, grid, info(session="s1", journal_bytes=journal.nbytes))
    # The program ended here, before it sealed.
    assert workspace.journals.open_journals(head.case_id, labels_sha256(labels)) == ()
    assert (workspace.journals.folder(head.case_id) / "s1.v0001.sealed").is_file()


def test_strokes_painted_while_a_version_was_saved_are_not_sealed_away(
    workspace: Workspace, head: JournalHeader, labels: Mask, grid: Grid, info: Callable[..., VersionInfo]
) -> None:
    with workspace.journals.writer(head) as journal:
        journal.keep(stroke(0))
        workspace.labels.save(head.case_id, labels, grid, info(session="s1", journal_bytes=journal.nbytes))
        journal.keep(stroke(1))
    (found,) = workspace.journals.open_journals(head.case_id, labels_sha256(labels))
    assert "started from another mask" in found.problem


def test_a_full_disk_is_said_and_the_journal_stays_readable(
    workspace: Workspace, head: JournalHeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def half(handle: int, data: memoryview) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data[:10])

    with workspace.journals.writer(head) as journal:
        journal.keep(stroke(0))
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            with pytest.raises(WorkspaceError, match="No space left on device"):
                journal.keep(stroke(1))
            assert journal.waiting == 1
        journal.keep(stroke(2))
        assert journal.waiting == 0
    (found,) = workspace.journals.open_journals(head.case_id)
    assert found.journal is not None
    assert found.journal.torn is False
    # What was refused comes before what was made later: a hole would lead to another mask.
    assert [record.entry for record in found.journal.records] == [stroke(0), stroke(1), stroke(2)]


def test_a_full_disk_at_the_first_stroke_leaves_no_file_and_the_next_one_works(
    workspace: Workspace, head: JournalHeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with workspace.journals.writer(head) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refuse)
            with pytest.raises(WorkspaceError):
                journal.keep(stroke(1))
        assert not journal.path.exists()
        journal.keep(stroke(2))
    found = decode(journal.path.read_bytes())
    assert found is not None
    assert found.header == head


def test_a_session_name_cannot_leave_the_folder(workspace: Workspace, case: CaseRow) -> None:
    with pytest.raises(ValueError, match="a session is named by"):
        workspace.journals.path(case.id, "../../x")
    first, second = new_session_name(), new_session_name()
    assert first != second
    assert workspace.journals.path(case.id, first).parent == workspace.journals.folder(case.id)


def test_a_second_writer_never_writes_over_a_journal(
    workspace: Workspace, head: JournalHeader, tmp_path: Path
) -> None:
    with workspace.journals.writer(head) as journal:
        journal.keep(stroke(0))
    before = journal.path.read_bytes()
    second = workspace.journals.writer(head)
    with pytest.raises(WorkspaceError):
        second.keep(stroke(1))
    with pytest.raises(WorkspaceError):
        second.close()
    assert journal.path.read_bytes() == before
