"""Undo and redo over Accept, over a restart and over a crash; and a disk that refuses the journal for a while."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from app.core.session import Session
from tests.app.controllers.conftest import Bench, MakeBench


def session_of(bench: Bench) -> Session:
    session = bench.desk.session
    assert session is not None
    return session


def accept(bench: Bench) -> None:
    """Accept, and come back to the same case."""
    case = session_of(bench).case.id
    bench.controllers.reviewing.accept(confirmed_empty=True)
    bench.wait()
    reopen(bench, case)


def reopen(bench: Bench, case: str) -> None:
    if bench.desk.session is None or bench.desk.session.case.id != case:
        bench.controllers.opening.open_case(case)
        bench.wait()
    assert session_of(bench).case.id == case


def restarted(bench: Bench, make_bench: MakeBench, folder: Path, case: str) -> Bench:
    bench.controllers.shutdown()
    bench.mailbox.pump()
    again = make_bench()
    again.open(folder)
    reopen(again, case)
    return again


def test_undo_goes_back_over_accept_and_a_restart_to_the_first_stroke(
    make_bench: MakeBench, workspace_folder: Path
) -> None:
    bench = make_bench()
    bench.open(workspace_folder)
    session = session_of(bench)
    case = session.case.id
    masks = [session.labels.copy()]
    for z in (4.0, 8.0, 12.0):
        bench.stroke((z, 12.0, 14.0))
        masks.append(session_of(bench).labels.copy())
        if z == 8.0:
            bench.controllers.labelling.change(1, name="tumour")
            accept(bench)
    again = restarted(bench, make_bench, workspace_folder, case)
    again.controllers.opening.take_recovery()
    session = session_of(again)
    assert np.array_equal(session.labels, masks[3])
    assert session.table.name(1) == "tumour"
    editing = again.controllers.editing
    editing.undo()
    assert np.array_equal(session.labels, masks[2])
    assert not session.changed_since_base
    assert editing.undo_name == "rename of core to tumour"
    editing.undo()
    assert session.table.name(1) == "core"
    editing.undo()
    assert np.array_equal(session.labels, masks[1])
    # What was taken back below the saved version is kept too, and can be made again.
    last = restarted(again, make_bench, workspace_folder, case)
    last.controllers.opening.take_recovery()
    session = session_of(last)
    assert np.array_equal(session.labels, masks[1])
    last.controllers.editing.undo()
    assert np.array_equal(session.labels, masks[0])
    assert not last.controllers.editing.undo_name
    for _ in range(4):
        last.controllers.editing.redo()
    assert np.array_equal(session.labels, masks[3])
    assert session.table.name(1) == "tumour"


def test_a_version_that_takes_strokes_of_the_last_one_back_is_another_version(
    make_bench: MakeBench, workspace_folder: Path
) -> None:
    bench = make_bench()
    bench.open(workspace_folder)
    bench.stroke((4.0, 12.0, 14.0))
    first = session_of(bench).labels.copy()
    bench.stroke((8.0, 12.0, 14.0))
    accept(bench)
    case = session_of(bench).case.id
    bench.controllers.editing.undo()
    assert session_of(bench).changed_since_base
    accept(bench)
    assert session_of(bench).base.reference == "2"
    assert np.array_equal(session_of(bench).labels, first)
    again = restarted(bench, make_bench, workspace_folder, case)
    assert np.array_equal(session_of(again).labels, first)
    again.controllers.editing.redo()
    assert session_of(again).labels.sum() > first.sum()
    again.controllers.editing.undo()
    again.controllers.editing.undo()
    assert not session_of(again).labels.any()


def test_a_version_without_its_journal_opens_with_nothing_to_undo(
    make_bench: MakeBench, workspace_folder: Path
) -> None:
    bench = make_bench()
    bench.open(workspace_folder)
    bench.stroke((4.0, 12.0, 14.0))
    accept(bench)
    case, painted = session_of(bench).case.id, session_of(bench).labels.copy()
    bench.controllers.shutdown()
    bench.mailbox.pump()
    (sealed,) = (workspace_folder / "cases").rglob("*.sealed")
    sealed.write_bytes(sealed.read_bytes()[:20])
    again = make_bench()
    again.open(workspace_folder)
    reopen(again, case)
    assert np.array_equal(session_of(again).labels, painted)
    assert not again.controllers.editing.undo_name


def test_strokes_the_disk_refused_are_kept_in_order_once_it_takes_them(
    make_bench: MakeBench, workspace_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    bench.open(workspace_folder)
    case = session_of(bench).case.id
    bench.stroke((4.0, 12.0, 14.0))
    bench.wait()
    real = os.write

    def full(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        bench.stroke((4.0, 12.0, 20.0))
        bench.stroke((4.0, 12.0, 20.0), tool="erase")
        bench.controllers.editing.undo()
        bench.wait()
    assert os.write is real
    told = [text for text in bench.texts if "cannot be kept on disk" in text]
    assert len(told) == 1
    assert "save the mask elsewhere" in told[0]
    bench.controllers.opening.keep_lease()
    bench.wait()
    assert bench.texts[-1] == "Your strokes are kept on disk again."
    painted = session_of(bench).labels.copy()
    again = restarted(bench, make_bench, workspace_folder, case)
    again.controllers.opening.take_recovery()
    assert np.array_equal(session_of(again).labels, painted)
    assert again.controllers.editing.redo_name.startswith("erase")
