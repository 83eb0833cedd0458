"""Kills children with SIGKILL while they work on a workspace, and says what is found afterwards; not a test itself.

    python kill_campaign.py versions|strokes FOLDER KILLS SEED

It imports once and forks for every kill. Prints one JSON object a line for each kill.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from app.core.base import Base, labels_sha256
from app.core.history import History
from app.core.journal_format import JournalHeader, replay
from app.core.patch import Patch, make_patch
from app.core.review import CaseState
from app.store import workspace as workspaces
from app.store.commit import STEPS
from app.store.decisions import DecisionRecord
from app.store.label_version import VersionInfo
from app.store.review_store import NewCase
from app.store.verify import verify
from app.store.workspace import Workspace
from model.grid import Box, Grid

GRID = Grid((24, 40, 40))
CASE = "ab" * 32


def main(what: str, folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    with workspaces.create(folder / "W") as workspace:
        (folder / "scan.nii.gz").write_bytes(b"not read here")
        workspace.reviews.add_case(
            NewCase(CASE, "scan", folder / "scan.nii.gz", "NIfTI", "S1", GRID.shape, GRID.spacing)
        )
    for number in range(kills):
        if what == "strokes":
            report = kill_between_strokes(folder / "W", number, chance)
        else:
            report = kill_in_commit(folder / "W", number, chance)
        print(json.dumps(report), flush=True)


# -- accepting -------------------------------------------------------------------------------------------
def mask(number: int) -> np.ndarray:
    """Another mask for each kill, noisy so that writing it takes some time."""
    return np.random.default_rng(number).integers(0, 3, GRID.shape).astype(np.uint8)


def header(session: str) -> JournalHeader:
    return JournalHeader(
        CASE, Base("empty", "", labels_sha256(np.zeros(GRID.shape, np.uint8))), session, "Ann", now()
    )


def now() -> datetime:
    return datetime.now(UTC)


def stroke(number: int) -> tuple[Box, Patch]:
    box = Box((number % 20, 1, 1), (number % 20 + 2, 9, 9))
    before = np.zeros(box.shape, np.uint8)
    patch = make_patch("brush", 1, box, before, before + 1)
    assert patch is not None
    return box, patch


def commit(folder: Path, number: int, step: Callable[[str], None]) -> None:
    session = f"session{number}"
    with workspaces.open(folder) as workspace:
        with workspace.journals.writer(header(session)) as journal:
            journal.keep(stroke(number)[1])
        decision = DecisionRecord(CaseState.CORRECTED, "Ann", note=f"kill {number}")
        info = VersionInfo("Ann", header(session).base, session, decision, journal_bytes=journal.nbytes)
        version = workspace.labels.save(CASE, mask(number), GRID, info, step)
        workspace.journals.seal(journal.path, version.number)


def kill_in_commit(folder: Path, number: int, chance: random.Random) -> dict[str, object]:
    """The first kills hit each named step in turn, the others any moment from before the first to after the last."""
    wanted = STEPS[number] if number < len(STEPS) else ""

    def step(name: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
        elif not wanted and name == STEPS[0]:
            os.write(ready, b"x")

    read_end, ready = os.pipe()
    child = os.fork()
    if child == 0:
        commit(folder, number, step)
        os._exit(0)
    if not wanted:
        select.select([read_end], [], [], 20)
        time.sleep(chance.uniform(0.0, 0.08))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(read_end)
    os.close(ready)
    killed = os.WIFSIGNALED(status)
    with workspaces.open(folder) as workspace:
        return {"step": wanted or "any", "killed": killed, "exit": status} | found(workspace, number)


def found(workspace: Workspace, number: int) -> dict[str, object]:
    versions = workspace.labels.versions(CASE)
    mine = [row for row in workspace.reviews.decisions(CASE) if row.record.note == f"kill {number}"]
    at = versions[-1] if mine else None
    whole = at is not None and np.array_equal(
        workspace.labels.load(CASE, at.number, GRID).labels, mask(number)
    )
    names = sorted(path.name for path in workspace.labels.folder(CASE).glob("*"))
    numbered = [f"v{version.number:04d}.{end}" for version in versions for end in ("json", "nii.gz")]
    pending = [journal.path.stem for journal in workspace.journals.open_journals(CASE)]
    check = verify(workspace)
    everything = sorted(path.name for path in workspace.folder.rglob("*") if path.is_file() or not path.name)
    strange = [
        name for name in everything if name.endswith((".tmp", ".part", "-journal")) or ".writing" in name
    ]
    # What could not be saved is offered again; put it away, so that the next kill starts alike.
    for journal in workspace.journals.open_journals(CASE):
        workspace.journals.seal(journal.path, None)
    return {
        "version": whole,
        "rows": len(mine),
        "adopted": len(workspace.adopted),
        "leftovers": sorted(set(names) ^ set(numbered)) + strange,
        "writable": [v.path.name for v in versions if v.path.stat().st_mode & 0o222],
        "offered": pending == [f"session{number}"],
        "pending": pending,
        "problems": list(check.problems),
    }


# -- strokes ---------------------------------------------------------------------------------------------
def kill_between_strokes(folder: Path, number: int, chance: random.Random) -> dict[str, object]:
    """A child paints and says of each stroke that it is safe; it is killed at any moment."""
    session = f"session{number}"
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        with workspaces.open(folder) as workspace:
            journal = workspace.journals.writer(header(session))
            for count in range(10_000):
                journal.keep(stroke(count)[1])
                os.write(write_end, b"x")
        os._exit(0)
    os.close(write_end)
    said = len(os.read(read_end, 1))
    time.sleep(chance.uniform(0.0, 0.05))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    while data := os.read(read_end, 65536):
        said += len(data)
    os.close(read_end)
    labels = np.zeros(GRID.shape, np.uint8)
    with workspaces.open(folder) as workspace:
        base = labels_sha256(labels)
        journals = workspace.journals.open_journals(CASE, base)
        journal = journals[0].journal
        assert journal is not None
        replay(journal, labels, History())
        wanted = np.zeros_like(labels)
        for count in range(len(journal.records)):
            wanted[stroke(count)[0].slices] = 1
        # The work goes on in the same journal, after whatever was torn.
        with workspace.journals.resume(journals[0]) as writer:
            writer.keep(stroke(len(journal.records))[1])
        again = workspace.journals.open_journals(CASE, base)[0]
        assert again.journal is not None
        result = {
            "killed": os.WIFSIGNALED(status),
            "said": said,
            "kept": len(journal.records),
            "same": bool(np.array_equal(labels, wanted)),
            "resumed": len(again.journal.records) == len(journal.records) + 1 and not again.journal.torn,
            "problem": journals[0].problem,
            "journals": len(journals),
        }
        workspace.journals.seal(again.path, None)
    return result


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
