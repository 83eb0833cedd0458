"""What is kept of how a case was read: steps, time, what was seen, in the audit and beside the decision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import __version__
from app.controllers.auditing import _BATCH
from app.controllers.desk import StepMade
from app.core.planes import Plane
from app.core.reading_time import ReadingClock
from app.store.audit import Audit
from app.store.verify import verify
from app.store.workspace import Workspace
from model.errors import WorkspaceError
from tests.app.controllers.conftest import Bench, MakeBench

Line = tuple[str, dict[str, Any]]
AT = (10.0, 12.0, 14.0)


def lines(bench: Bench, *kinds: str) -> list[Line]:
    workspace = bench.desk.workspace
    assert workspace is not None
    return [(row.kind, json.loads(row.details)) for row in workspace.audit.rows() if row.kind in kinds]


def steps(bench: Bench) -> list[dict[str, Any]]:
    return [step for _, said in lines(bench, "edits") for step in said["steps"]]


def see(bench: Bench, *slices: int) -> None:
    session = bench.desk.session
    assert session is not None
    for index in slices:
        session.mark_seen(Plane.AXIAL, index)


class Time:
    """A clock that the test moves, in the place of the reading controller's."""

    def __init__(self, bench: Bench) -> None:
        self.now = 0.0
        bench.controllers.reading._clock = ReadingClock(lambda: self.now)


def test_strokes_undo_and_redo_stand_in_the_audit(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    session = bench.desk.session
    assert session is not None
    value = bench.controllers.labelling.add("lesion")
    bench.stroke(AT, (10, 14, 14))
    patch = session.history.next_undo
    bench.controllers.editing.undo()
    bench.controllers.editing.redo()
    assert steps(bench) == []
    bench.controllers.auditing.flush()
    bench.wait()
    table, stroke, undone, redone = steps(bench)
    assert (table["step"], table["table"]) == ("do", session.table.key)
    assert [step["step"] for step in (stroke, undone, redone)] == ["do", "undo", "redo"]
    for step in (stroke, undone, redone):
        assert step["name"] == "brush on lesion"
        assert step["label"] == value
        assert step["box"] == [list(patch.box.start), list(patch.box.stop)]  # type: ignore[union-attr]
        assert step["added"] == np.count_nonzero(session.labels)
        assert step["ml_added"] == pytest.approx(step["added"] * session.grid.voxel_mm3 / 1000)
        assert (step["removed"], step["ml_removed"]) == (0, 0)
    ((_, edits),) = lines(bench, "edits")
    assert (edits["reader"], edits["program"]) == ("Dr. Test", __version__)
    bench.controllers.auditing.flush()
    bench.wait()
    assert len(lines(bench, "edits")) == 1
    assert verify(bench.desk.workspace).ok  # type: ignore[arg-type]


def test_a_case_is_in_the_audit_from_opening_to_closing(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    bench.predict()
    time = Time(bench)
    time.now = 30
    see(bench, 3, 4, 5)
    bench.stroke(AT)
    first = bench.desk.session.case.id  # type: ignore[union-attr]
    bench.controllers.opening.next_case()
    bench.wait()
    (_, opened), (_, edits), (_, closed), (_, next_opened) = lines(
        bench, "case opened", "edits", "case closed"
    )
    model = bench.desk.bundle.hash  # type: ignore[union-attr]
    assert opened == {
        "reader": "Dr. Test", "model": "", "program": __version__, "base": "empty", "read_only": False,
    }  # fmt: skip
    assert len(edits["steps"]) == 1
    assert closed["shown"]["axial"] == {"seen": 3, "of": 20}
    assert closed["shown"]["coronal"]["seen"] == 0
    assert (closed["model"], closed["seconds"], closed["idle_seconds"]) == (model, 20, 10)
    assert next_opened["base"] == "empty"
    rows = bench.desk.workspace.audit.rows(first)  # type: ignore[union-attr]
    assert [row.kind for row in rows][-2:] == ["edits", "case closed"]


def test_the_steps_of_a_mask_stand_in_the_audit_before_it(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    case = bench.desk.session.case.id  # type: ignore[union-attr]
    bench.stroke(AT)
    bench.controllers.reviewing.accept()
    bench.wait()
    kinds = [row.kind for row in bench.desk.workspace.audit.rows(case)]  # type: ignore[union-attr]
    wanted = ["case opened", "edits", "version saved", "decision", "case closed"]
    assert [kind for kind in kinds if kind in wanted] == wanted


def test_a_decision_knows_how_long_it_took_and_what_was_seen(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    case = bench.desk.session.case.id  # type: ignore[union-attr]
    bench.predict()
    labels = bench.desk.session.labels  # type: ignore[union-attr]
    holding = np.flatnonzero(labels.any(axis=(1, 2)))
    time = Time(bench)
    # Slices of a view are counted from its other side; any half of them is a half.
    frame = bench.desk.session.frame(Plane.AXIAL)  # type: ignore[union-attr]
    half = holding[: len(holding) // 2]
    see(bench, *(frame.count - 1 - half if frame.slice_flipped else half))
    time.now = 7
    bench.controllers.reading.touch()
    time.now = 37
    bench.controllers.reviewing.accept()
    bench.wait()
    share = len(half) / len(holding)
    workspace = bench.desk.workspace
    assert workspace is not None
    record = workspace.reviews.decisions(case)[-1].record
    assert (record.seconds, record.idle_seconds, record.seen_share) == (27, 10, share)
    row = bench.desk.row(case)
    assert row is not None
    assert row.seen_share == share
    told = next(message for message in bench.messages if "version 1 is saved" in message.text)
    assert f"Only {share:.0%} of its slices were seen" in told.text
    assert told.kind == "warning"
    ((_, saved),), ((_, decided),) = lines(bench, "version saved"), lines(bench, "decision")
    model = row.model_hash
    for said in (saved, decided):
        assert [said[name] for name in ("reader", "model", "program")] == ["Dr. Test", model, __version__]
        assert [said[name] for name in ("seconds", "idle_seconds", "seen_share")] == [27, 10, share]
    assert verify(workspace).ok


def test_a_mask_that_was_seen_well_is_no_warning(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    bench.predict()
    see(bench, *range(20))
    bench.controllers.reviewing.accept()
    bench.wait()
    told = next(message for message in bench.messages if "version 1 is saved" in message.text)
    assert "100% of its slices were seen" in told.text
    assert told.kind == "info"


def test_an_empty_mask_has_no_share(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    case = bench.desk.session.case.id  # type: ignore[union-attr]
    bench.controllers.reviewing.accept(confirmed_empty=True)
    bench.wait()
    assert bench.desk.row(case).seen_share is None  # type: ignore[union-attr]
    assert not any("were seen" in text for text in bench.texts)


def test_the_next_version_counts_its_own_time(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    workspace, session = bench.desk.workspace, bench.desk.session
    assert workspace is not None
    assert session is not None
    time = Time(bench)
    time.now = 5
    bench.controllers.reviewing.flag("look here")
    bench.wait()
    time.now = 9
    bench.controllers.reviewing.later()
    bench.wait()
    rows = workspace.reviews.decisions(session.case.id)
    assert [(row.record.kind, row.record.seconds) for row in rows] == [("flagged", 5), ("later", 4)]
    closed = lines(bench, "case closed")[-1][1]
    assert closed["seconds"] == 9


def test_what_the_disk_refused_is_written_later_and_told_once(
    bench: Bench, workspace_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.open(workspace_folder)
    auditing = bench.controllers.auditing
    real = Audit.append_all

    def refuse(*arguments: object, **more: object) -> None:
        raise WorkspaceError(
            "W/review.sqlite cannot be written because the disk is full; make room and try again."
        )

    monkeypatch.setattr(Audit, "append_all", refuse)
    for z in (9.0, 10.0, 11.0):
        bench.stroke((z, 12, 14))
        auditing.flush()
        bench.wait()
    assert [message.kind for message in bench.messages].count("error") == 1
    monkeypatch.setattr(Audit, "append_all", real)
    bench.stroke((12.0, 12, 14))
    auditing.flush()
    bench.wait()
    assert [step["box"][0][0] for step in steps(bench)] == [9, 10, 11, 12]
    assert verify(bench.desk.workspace).ok  # type: ignore[arg-type]


def test_nothing_is_lost_when_the_program_ends(make_bench: MakeBench, workspace_folder: Path) -> None:
    bench = make_bench()
    bench.open(workspace_folder)
    workspace = bench.desk.workspace
    bench.stroke(AT)
    bench.controllers.shutdown()
    assert isinstance(workspace, Workspace)
    assert [row.kind for row in workspace.audit.rows()][-2:] == ["edits", "case closed"]
    workspace.close()


def test_ten_thousand_steps_are_few_rows(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    bench.stroke(AT)
    step = bench.desk.session.history.next_undo  # type: ignore[union-attr]
    assert step is not None
    for _ in range(10_000):
        bench.desk.events.step_made.emit(StepMade(step, "redo"))
    bench.controllers.auditing.flush()
    bench.wait()
    assert len(steps(bench)) == 10_001
    assert len(lines(bench, "edits")) == 10_000 // _BATCH + 1
    assert verify(bench.desk.workspace).ok  # type: ignore[arg-type]


def test_the_share_seen_is_known_before_accepting(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    reading, told = bench.controllers.reading, []
    reading.share_changed.subscribe(lambda _: told.append(reading.seen_share))

    def look() -> None:
        reading.look()
        bench.wait()

    look()
    assert reading.seen_share is None
    bench.controllers.editing.set_radius_mm(4.0)
    bench.stroke((4, 12, 14), (9, 12, 14))
    look()
    assert reading.seen_share == 0
    session = bench.desk.session
    assert session is not None
    holding = np.flatnonzero(session.labels.any(axis=(1, 2)))
    flipped = session.frame(Plane.AXIAL).slice_flipped
    see(bench, *(19 - holding if flipped else holding))
    look()
    look()
    assert told == [0, 1]
    bench.stroke((15, 12, 14))
    assert reading.seen_share == 1
    look()
    assert told == [0, 1, session.seen.share_of_mask(session.labels)]
    assert 0 < told[-1] < 1
    bench.controllers.opening.next_case()
    bench.wait()
    assert reading.seen_share is None


def test_work_that_comes_back_stands_in_the_audit(make_bench: MakeBench, workspace_folder: Path) -> None:
    first = make_bench()
    first.open(workspace_folder)
    first.stroke((10, 12, 14))
    first.controllers.shutdown()
    first.mailbox.pump()
    second = make_bench()
    second.open(workspace_folder)
    second.controllers.opening.take_recovery()
    second.controllers.auditing.flush()
    second.wait()
    assert second.desk.workspace is not None
    (row,) = [row for row in second.desk.workspace.audit.rows() if row.kind == "work restored"]
    details = json.loads(row.details)
    assert (details["worked"], details["steps"]) == ("Dr. Test", 1)
