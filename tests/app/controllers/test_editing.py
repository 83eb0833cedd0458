"""Editing through the controllers: commands in their lane, previews, labels, refusals, and the journal on disk."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from app.controllers.editing import TOOLS
from app.core.journal_format import decode
from app.core.labels import TableStep
from app.core.patch import Patch
from app.core.planes import Plane
from app.core.tools import TOOLS as ALL_TOOLS
from app.core.tools.proposal import Proposal
from model.errors import Cancelled
from tests.app.controllers.conftest import Bench

MIDDLE = (10.0, 12.0, 14.0)


@pytest.fixture
def painted(bench: Bench, workspace_folder: Path) -> Bench:
    """A case with one stroke on it."""
    bench.open(workspace_folder)
    assert bench.desk.session is not None
    bench.desk.session.radius_mm = 5.0
    bench.stroke(MIDDLE)
    bench.messages.clear()
    return bench


def records(bench: Bench) -> list[type]:
    bench.wait()
    (journal,) = (bench.desk.workspace.folder / "cases").rglob("*.journal")
    return [type(record.entry) for record in decode(journal.read_bytes()).records]


def test_every_tool_that_is_no_command_can_be_chosen(painted: Bench) -> None:
    for name in TOOLS:
        painted.controllers.editing.set_tool(name)
        assert painted.controllers.editing.tool == name
    with pytest.raises(ValueError, match="no tool 'margin'"):
        painted.controllers.editing.set_tool("margin")


def test_a_command_runs_in_its_lane_and_is_one_step_in_history_and_journal(painted: Bench) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    before = int((session.labels == 1).sum())
    changed = []
    painted.desk.events.labels_changed.subscribe(changed.append)
    editing.run_command("margin")
    assert editing.computing
    assert int((session.labels == 1).sum()) == before
    painted.wait()
    assert not editing.computing
    assert int((session.labels == 1).sum()) > before
    assert editing.undo_name.startswith("margin on core, ")
    assert len(changed) == 1
    assert records(painted) == [Patch, Patch]


def test_a_refused_command_says_so_at_the_cursor_and_leaves_no_step(painted: Bench) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    told = []
    editing.refused.subscribe(told.append)
    editing.run_command("islands")
    painted.wait()
    editing.run_command("take-label")
    assert [text.rstrip(".") for text in told] == [
        "core is one piece already; nothing was changed",
        "There is no prediction to take; press F5",
    ]
    assert told == painted.texts
    assert session.history.depth == 1


def test_a_result_that_comes_after_another_stroke_is_dropped_and_the_reader_told(painted: Bench) -> None:
    painted.controllers.editing.run_command("margin")
    painted.desk.session.begin_stroke("brush", Plane.AXIAL, (2.0, 5.0, 5.0))
    painted.desk.session.end_stroke()
    painted.wait()
    assert painted.texts == ["The mask changed meanwhile; margin was not applied."]
    assert painted.desk.session.undo_text.startswith("brush")


def test_a_stroke_stops_the_command_that_is_computed(painted: Bench) -> None:
    editing = painted.controllers.editing
    editing.run_command("margin")
    painted.stroke((2.0, 5.0, 5.0))
    assert not editing.computing
    painted.wait()
    assert painted.texts == []
    assert painted.desk.session.undo_text.startswith("brush")


def test_a_running_command_is_cancelled_and_changes_nothing(
    painted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, ended = threading.Event(), threading.Event()

    def slow(report, cancelled) -> Proposal:
        started.set()
        while not cancelled():
            ended.wait(0.005)
        raise Cancelled("stopped")

    monkeypatch.setattr(painted.desk.session.tools, "command", lambda *args: slow)
    painted.controllers.editing.run_command("margin")
    assert started.wait(10)
    painted.mailbox.pump()
    job = painted.desk.running_job
    assert job is not None
    assert job.title == "Margin"
    job.cancel()
    painted.wait()
    assert painted.desk.session.history.depth == 1
    assert not painted.controllers.editing.computing


def test_a_preview_is_shown_accepted_and_undone(painted: Bench) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    painted.stroke((14.0, 12.0, 14.0))
    shown = []
    editing.preview_changed.subscribe(shown.append)
    before = session.labels.copy()
    editing.run_command("fill-between")
    painted.wait()
    assert session.preview is not None
    assert (session.labels == before).all()
    assert painted.texts[-1].startswith("Preview: fill between slices on core, ")
    editing.accept_preview()
    assert session.labels[12, 12, 14] == 1
    assert len(shown) == 2
    editing.undo()
    assert (session.labels == before).all()
    assert records(painted)[:3] == [Patch, Patch, Patch]


def test_a_dropped_preview_leaves_nothing(painted: Bench) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    painted.stroke((14.0, 12.0, 14.0))
    editing.run_command("fill-between")
    painted.wait()
    editing.drop_preview()
    assert session.preview is None
    editing.accept_preview()
    assert session.history.depth == 2


def test_growing_is_shown_while_the_tolerance_changes_and_taken_on_release(painted: Bench) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    editing.set_tool("grow")
    session.tools.set_option("grow", "limit_mm", 8.0)
    editing.begin_point(Plane.AXIAL, (4.0, 4.0, 4.0))
    assert editing.point_tolerance is not None
    for tolerance in (1.0, 5.0, 500.0):
        editing.adjust_point(tolerance)
    assert session.history.depth == 1
    painted.wait()
    everything = session.preview.voxels_added
    editing.adjust_point(30.0)
    painted.wait()
    assert 0 < session.preview.voxels_added < everything
    editing.adjust_point(500.0)
    editing.end_point()
    painted.wait()
    assert session.preview is None
    assert session.undo_text.startswith("grow on core")
    assert session.history.next_undo.voxels_added == everything
    assert records(painted) == [Patch, Patch]


def test_a_fast_hand_sees_what_was_computed_first_and_gets_the_last(
    painted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    editing.set_tool("grow")
    session.tools.set_option("grow", "limit_mm", 4.0)
    going_on, real = threading.Event(), session.tools.point_command
    computed, shown = [], []

    def slow():
        compute, tolerance = real(), session.tools.point.tolerance

        def work(report, cancelled) -> Proposal:
            assert going_on.wait(10)
            computed.append(tolerance)
            return compute(report, cancelled)

        return work

    monkeypatch.setattr(session.tools, "point_command", slow)
    editing.preview_changed.subscribe(lambda box: shown.append(session.preview))
    editing.begin_point(Plane.AXIAL, (4.0, 4.0, 4.0))
    first = editing.point_tolerance
    for tolerance in (100.0, 200.0, 500.0):
        editing.adjust_point(tolerance)
    editing.end_point()
    going_on.set()
    painted.wait()
    assert computed == [first, 500.0]
    assert len(shown) == 3  # the first, the last, and that it went when it was taken
    assert session.undo_text.startswith("grow on core")


def test_growing_that_is_cancelled_or_clicked_outside_leaves_nothing(painted: Bench) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    editing.set_tool("grow")
    editing.begin_point(Plane.AXIAL, (4.0, 4.0, 4.0))
    editing.cancel_point()
    painted.wait()
    assert session.preview is None
    editing.begin_point(Plane.AXIAL, (-4.0, 4.0, 4.0))
    assert painted.texts == ["That is outside the scan; nothing was changed."]
    assert session.history.depth == 1


def test_labels_are_edited_kept_in_the_journal_and_come_back(
    painted: Bench, make_bench, workspace_folder: Path
) -> None:
    labelling, session = painted.controllers.labelling, painted.desk.session
    tables = []
    labelling.table_changed.subscribe(tables.append)
    value = labelling.add("cyst")
    painted.stroke((4.0, 6.0, 6.0))
    labelling.change(1, name="tumour")
    labelling.add("rim")
    assert painted.texts[-1] == "There is a label rim already; choose another name."
    assert len(tables) == 2
    assert records(painted) == [Patch, TableStep, Patch, TableStep]
    mask, table = session.labels.copy(), session.table
    assert (mask == value).any()
    painted.controllers.opening.close()
    again = make_bench()
    again.open(workspace_folder)
    again.controllers.labelling.table_changed.subscribe(tables.append)
    again.controllers.opening.take_recovery()
    assert len(tables) == 3
    assert again.desk.session.table == table
    assert (again.desk.session.labels == mask).all()
    assert again.controllers.editing.undo_name == "rename of core to tumour"
    again.controllers.editing.undo()
    assert again.desk.session.table.name(1) == "core"


def test_locked_and_hidden_labels_refuse_strokes_and_can_be_freed(painted: Bench) -> None:
    labelling, session = painted.controllers.labelling, painted.desk.session
    labelling.set_locked(1, True)
    painted.stroke((4.0, 6.0, 6.0))
    labelling.set_locked(1, False)
    labelling.set_visible(1, False)
    painted.stroke((4.0, 6.0, 6.0))
    assert [text.split(";")[0] for text in painted.texts] == ["core is locked", "core is hidden"]
    assert session.history.depth == 1
    labelling.set_visible(1, True)
    painted.stroke((4.0, 6.0, 6.0))
    assert session.history.depth == 2


def test_options_are_set_by_name_and_an_outline_is_one_step(painted: Bench) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    editing.set_tool("lasso")
    editing.set_option("lasso", "through_all", True)
    assert editing.options().switch("through_all")
    editing.draw_outline(Plane.AXIAL, 3, np.array([(1, 1), (1, 4), (4, 4), (4, 1)], float))
    assert editing.undo_name.startswith("lasso on core")
    assert session.history.next_undo.box.shape[0] == 20
    assert editing.options("margin") == ALL_TOOLS["margin"].options


def test_nothing_is_edited_while_the_mask_is_saved(painted: Bench) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    labelling = painted.controllers.labelling
    editing.run_command("margin")
    painted.desk.saving = True
    painted.wait()
    editing.run_command("margin")
    labelling.clear(1)
    labelling.add("cyst")
    painted.desk.saving = False
    assert session.history.depth == 1
    assert painted.texts[0] == "The mask changed meanwhile; margin was not applied."
    assert painted.texts[1:] == ["The mask is being saved; paint again in a moment."] * 3


def test_a_label_is_picked_and_cleared(painted: Bench) -> None:
    editing, session = painted.controllers.editing, painted.desk.session
    labelling = painted.controllers.labelling
    session.active_label = 2
    labelling.pick(MIDDLE)
    assert session.active_label == 1
    labelling.clear(1)
    painted.wait()
    assert session.labels.sum() == 0
    assert editing.undo_name.startswith("clear core, ")
    labelling.clear(1)
    painted.wait()
    assert painted.texts[-1] == "core is empty; there is nothing to clear."
