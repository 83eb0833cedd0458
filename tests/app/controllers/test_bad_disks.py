"""Disks that refuse: whichever call fails, the reader is told, works on, and finds labels whole, old or new."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.store.verify import verify
from tests.app.controllers.busy_reader import BusyReader, make_noise_workspace
from tests.app.controllers.faults import FOR_EVER, Faults, faulty
from tests.app.controllers.sentences import unclear

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="finds the files of open handles in /proc"
)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noise") / "W"
    make_noise_workspace(folder)
    return folder


@pytest.fixture
def folder(made_once: Path, tmp_path: Path) -> Path:
    """A workspace of one case of noise, whose scan lies beside it."""
    copied: Path = shutil.copytree(made_once.parent, tmp_path / "noise") / "W"
    return copied


@pytest.fixture
def reader(folder: Path) -> Iterator[BusyReader]:
    with BusyReader(folder, seed=4) as reader:
        reader.open()
        yield reader


# -- accepting -------------------------------------------------------------------------------------------
def accept_on(reader: BusyReader, faults: Faults) -> None:
    """Paint, accept while the disk refuses, and again once it does not; checks all that holds of the two."""
    work_before_an_accept(reader)
    before = len(reader.controllers.reviewing.versions())
    told = len(reader.messages)
    with faulty(faults, reader.folder):
        saved = reader.accept()
    said = [
        message for message in reader.messages[told:] if message.kind == "error" or "saved" in message.text
    ]
    assert said, f"nothing was said of {faults.struck}"
    assert unclear(said) == []
    assert reader.troubles == [], faults.struck
    # Later work is saved as if nothing had been.
    reader.paint()
    assert reader.accept(), (faults.struck, reader.errors)
    check_versions(reader, before + saved + 1, newest=2)


def work_before_an_accept(reader: BusyReader) -> None:
    """A stroke, and a label more, whose name an Accept keeps in a file of its own."""
    reader.controllers.labelling.add(f"label {len(reader.session.table.entries)}")
    reader.paint()
    reader.settle()


def check_versions(reader: BusyReader, count: int, newest: int) -> None:
    """There are so many versions, and the newest are whole; the last is what is shown, if that was just saved."""
    workspace, session = reader.desk.workspace, reader.session
    assert workspace is not None
    versions = workspace.labels.versions(session.case.id)
    assert len(versions) == count
    for version in versions[-newest:]:
        labels = workspace.labels.load(session.case.id, version.number, session.grid).labels
        if session.base == version.base and not session.changed_since_base:
            assert np.array_equal(labels, session.labels)


def calls_of_an_accept(reader: BusyReader) -> list[str]:
    work_before_an_accept(reader)
    with faulty(Faults(), reader.folder) as counted:
        assert reader.accept()
    return counted.made


def fail_each_call_of_accept(folder: Path, how_many: int, number: int = errno.EIO) -> int:
    """An Accept for each of its calls, which fails, and so many after it; gives how many there were."""
    with BusyReader(folder, seed=4) as reader:
        reader.open()
        calls_of_an_accept(reader)
        calls = calls_of_an_accept(reader)
        assert {"fsync", "link", "rename", "replace"} <= set(calls)
        for first in range(len(calls)):
            accept_on(reader, Faults(first, how_many, number))
        shown, versions = reader.state, len(reader.controllers.reviewing.versions())
    with BusyReader(folder, seed=5) as later:
        later.open()
        assert later.state == shown
        assert later.offers == []
        assert later.errors + later.troubles == []
        workspace = later.desk.workspace
        assert workspace is not None
        assert verify(workspace).problems == ()
        # What could not be cleared away after an error was a whole version; it counts from now on.
        count = versions + len(workspace.adopted)
        check_versions(later, count, newest=count)
    return len(calls)


@pytest.mark.parametrize("how_many", [1, FOR_EVER], ids=["one call", "all from one on"])
def test_accept_survives_a_failure_of_each_of_its_calls(folder: Path, how_many: int) -> None:
    fail_each_call_of_accept(folder, how_many)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.ESTALE])
def test_a_failure_of_accept_is_told_in_words(reader: BusyReader, number: int) -> None:
    reader.paint()
    reader.settle()
    with faulty(Faults(0, FOR_EVER, number), reader.folder):
        assert not reader.accept()
    (told,) = reader.errors
    assert "cannot be" in told
    assert reader.troubles == []


# -- keeping strokes -------------------------------------------------------------------------------------
STEPS = 12


def work_on(reader: BusyReader, steps: int = STEPS) -> None:
    """Steps of every kind, whose last is a stroke."""
    for _ in range(steps):
        reader.step()
    reader.controllers.editing.undo()
    reader.controllers.editing.undo()
    reader.controllers.editing.redo()
    reader.paint()
    reader.settle()


def state_at_the_next_start(folder: Path) -> str:
    with BusyReader(folder, seed=6) as later:
        later.open()
        assert len(later.offers) == 1
        later.take_back()
        assert later.errors + later.troubles == []
        return later.state


def calls_of_the_journal(folder: Path) -> list[str]:
    with BusyReader(folder, seed=4) as reader:
        reader.open()
        with faulty(Faults(), folder) as counted:
            work_on(reader)
    return counted.made


def fail_calls_of_the_journal(
    made: Path, place: Path, how_many: int, every: int = 1, number: int = errno.EIO
) -> int:
    """A session for each call of the journal, or the first eight and `every` other; gives how many there were.

    What the disk refused is written, in order, once it takes it: a replay is the mask as it was left.
    """
    shutil.copytree(made, place / "counted")
    calls = calls_of_the_journal(place / "counted" / "W")
    assert {"open", "write", "fsync"} <= set(calls)
    chosen = [first for first in range(len(calls)) if first < 8 or first % every == 0]
    for first in chosen:
        folder = shutil.copytree(made, place / str(first)) / "W"
        with BusyReader(folder, seed=4) as reader:
            reader.open()
            with faulty(Faults(first, how_many, number), folder) as faults:
                work_on(reader)
            assert faults.struck
            assert len(reader.errors) == 1, f"told once of {faults.struck}: {reader.errors}"
            assert unclear(reader.messages) == []
            work_on(reader, 3)
            assert reader.troubles == []
            left = reader.state
        assert state_at_the_next_start(folder) == left, (first, faults.struck)
        shutil.rmtree(folder.parent)
    return len(chosen)


@pytest.mark.parametrize("how_many", [1, 3, FOR_EVER], ids=["one call", "three calls", "all from one on"])
def test_strokes_survive_a_failure_of_each_call_of_the_journal(
    made_once: Path, tmp_path: Path, how_many: int
) -> None:
    fail_calls_of_the_journal(made_once.parent, tmp_path, how_many, every=5)


def test_strokes_that_were_never_kept_are_safe_once_they_are_accepted(
    reader: BusyReader, folder: Path
) -> None:
    with faulty(Faults(0, FOR_EVER), folder):
        work_on(reader)
    assert len(reader.errors) == 1
    assert reader.accept()
    saved = reader.state
    reader.close()
    with BusyReader(folder, seed=6) as later:
        later.open()
        assert later.state == saved
        assert later.errors + later.troubles == []


def test_an_undo_past_what_was_refused_takes_back_what_it_names(reader: BusyReader, folder: Path) -> None:
    reader.paint()
    before = reader.state
    with faulty(Faults(0, FOR_EVER), folder):
        reader.paint()
        reader.settle()
    reader.controllers.editing.undo()
    reader.settle()
    assert reader.state == before
    reader.close()
    assert state_at_the_next_start(folder) == before


def test_undo_over_an_accept_whose_journal_misses_steps_shows_no_mask_that_never_was(
    reader: BusyReader, folder: Path
) -> None:
    states = {reader.state}
    reader.controllers.labelling.add("core")
    states.add(reader.state)
    for _ in range(3):
        reader.paint()
        reader.settle()
        states.add(reader.state)
    with faulty(Faults(0, FOR_EVER), folder / "cases" / reader.session.case.id / "journal"):
        for _ in range(3):
            reader.paint()
            reader.settle()
            states.add(reader.state)
        assert reader.accept(), "only the journal is refused"
    saved = reader.state
    reader.close()
    with BusyReader(folder, seed=6) as later:
        later.open()
        assert later.state == saved
        while later.session.history.can_undo:
            later.controllers.editing.undo()
            later.settle()
            assert later.state in states
        assert later.troubles == []
