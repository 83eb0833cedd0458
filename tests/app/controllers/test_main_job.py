"""The whole job through the controllers, without a window: open, predict, correct, accept, go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.controllers.conditions import Condition
from app.controllers.reviewing import AcceptOutcome
from app.core.review import CaseState
from app.store import workspace as workspaces
from model.errors import CannotPredict
from model.scan_io import read_labels, read_scan
from tests.app.controllers.conftest import Bench, MakeBench, write_blob_scan
from tests.conftest import ExpectLog


def test_the_job_from_a_scan_to_a_saved_label(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    session = bench.desk.session
    assert session is not None
    first = session.case
    bench.predict()
    assert session.prediction is not None
    assert np.array_equal(session.labels, session.prediction.labels)
    assert {m.level for m in session.prediction.attention} == {2}
    outside = np.argwhere(session.labels == 0)[0]
    session.radius_mm = 3.0
    bench.stroke(tuple(outside), tuple(outside + np.array([0, 2, 3])))
    painted = session.labels != session.prediction.labels
    assert painted.any()
    after_stroke = session.labels.copy()
    bench.controllers.editing.undo()
    assert np.array_equal(session.labels, session.prediction.labels)
    bench.controllers.editing.redo()
    assert np.array_equal(session.labels, after_stroke)

    assert bench.controllers.reviewing.accept() is AcceptOutcome.SAVING
    bench.wait(lambda: bench.desk.session is not None and bench.desk.session.case != first)
    bench.wait()

    row = bench.desk.row(first.id)
    assert row is not None
    assert (row.state, row.version, row.reader) == (CaseState.CORRECTED, 1, "Dr. Test")
    workspace = bench.desk.workspace
    assert workspace is not None
    version = workspace.labels.versions(first.id)[0]
    saved = read_labels(version.path)
    assert np.array_equal(saved.labels, after_stroke)
    assert saved.grid.close_to(read_scan(row.path).volume.grid)
    assert not list(workspace.journals.folder(first.id).glob("*.journal"))
    assert list(workspace.journals.folder(first.id).glob("*.sealed"))


def test_the_next_case_opens_already_read_and_predicted(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder, ahead=True)
    bench.controllers.opening.next_case()
    bench.wait()
    assert bench.desk.session is not None
    assert bench.desk.session.prediction is not None
    assert bench.desk.session.base.kind == "prediction"


def test_an_unchanged_mask_is_accepted_and_an_empty_one_asks_once(
    bench: Bench, workspace_folder: Path
) -> None:
    bench.open(workspace_folder)
    session = bench.desk.session
    assert session is not None
    assert bench.controllers.reviewing.accept() is AcceptOutcome.ASK_EMPTY
    bench.predict()
    first = session.case.id
    assert bench.controllers.reviewing.accept() is AcceptOutcome.SAVING
    bench.wait()
    assert bench.desk.row(first).state is CaseState.ACCEPTED  # type: ignore[union-attr]
    second = bench.desk.session.case.id  # type: ignore[union-attr]
    assert second != first
    bench.desk.session.labels[...] = 0  # type: ignore[union-attr]
    assert bench.controllers.reviewing.accept() is AcceptOutcome.ASK_EMPTY
    assert bench.controllers.reviewing.accept(confirmed_empty=True) is AcceptOutcome.SAVING
    bench.wait()
    assert bench.desk.row(second).state is CaseState.EMPTY  # type: ignore[union-attr]


def test_reopening_shows_the_newest_version_and_strokes_make_the_next(
    bench: Bench, workspace_folder: Path
) -> None:
    bench.open(workspace_folder)
    case = bench.desk.session.case.id  # type: ignore[union-attr]
    bench.predict()
    bench.controllers.reviewing.accept()
    bench.wait()
    bench.controllers.opening.open_case(case)
    bench.wait()
    session = bench.desk.session
    assert session is not None
    assert session.base.kind == "version"
    empty = tuple(float(v) for v in np.argwhere(session.labels == 0)[-1])
    bench.stroke(empty)  # type: ignore[arg-type]
    expected = session.labels.copy()
    bench.controllers.reviewing.accept()
    bench.wait()
    workspace = bench.desk.workspace
    assert workspace is not None
    assert [version.number for version in workspace.labels.versions(case)] == [1, 2]
    assert np.array_equal(workspace.labels.load(case, 2).labels, expected)


def test_strokes_come_back_when_a_case_is_left_and_opened_again(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    case = bench.desk.session.case.id  # type: ignore[union-attr]
    bench.stroke((10, 12, 14), (10, 16, 14))
    painted = bench.desk.session.labels.copy()  # type: ignore[union-attr]
    assert painted.any()
    bench.controllers.opening.next_case()
    bench.wait()
    bench.controllers.opening.open_case(case)
    bench.wait()
    session = bench.desk.session
    assert session is not None
    assert np.array_equal(session.labels, painted)
    assert bench.desk.is_on(Condition.CAN_UNDO)
    bench.controllers.editing.undo()
    assert not session.labels.any()


def test_an_earlier_runs_strokes_are_offered_and_taken(make_bench: MakeBench, workspace_folder: Path) -> None:
    first = make_bench()
    first.open(workspace_folder)
    first.stroke((10, 12, 14), (10, 16, 14))
    painted = first.desk.session.labels.copy()  # type: ignore[union-attr]
    first.controllers.shutdown()
    first.mailbox.pump()

    second = make_bench()
    offers = []
    second.desk.events.recovery_offered.subscribe(offers.append)
    second.open(workspace_folder)
    assert [(offer.strokes, offer.reader, offer.voxels) for offer in offers] == [
        (1, "Dr. Test", np.count_nonzero(painted))
    ]
    second.controllers.opening.take_recovery()
    assert np.array_equal(second.desk.session.labels, painted)  # type: ignore[union-attr]


def test_a_second_opener_can_look_but_not_change(make_bench: MakeBench, workspace_folder: Path) -> None:
    first, second = make_bench(), make_bench()
    first.open(workspace_folder)
    second.open(workspace_folder)
    session = second.desk.session
    assert session is not None
    assert session.read_only_reason is not None
    assert "Dr. Test" in session.read_only_reason
    second.stroke((10, 12, 14))
    assert not session.labels.any()
    assert not second.desk.is_on(Condition.CAN_ACCEPT)


def test_a_scan_that_cannot_be_read_leaves_the_open_case_open(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    case = bench.desk.session.case  # type: ignore[union-attr]
    broken = next(row for row in bench.desk.cases if row.id != case.id)
    broken.path.write_bytes(b"not a scan")
    bench.controllers.opening.open_case(broken.id)
    bench.wait()
    assert bench.desk.session is not None
    assert bench.desk.session.case == case
    assert bench.messages[-1].kind == "error"
    assert broken.path.name in bench.messages[-1].text
    bench.stroke((10, 12, 14))
    assert bench.desk.session.labels.any()


def test_another_scan_under_the_old_name_is_refused(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    row = next(row for row in bench.desk.cases if row.id != bench.desk.session.case.id)  # type: ignore[union-attr]
    write_blob_scan(row.path, 77)
    bench.controllers.opening.open_case(row.id)
    bench.wait()
    assert "is not the scan it was" in bench.messages[-1].text


@pytest.mark.parametrize("failure", ["memory", "nan", "bug"])
def test_a_prediction_that_fails_leaves_the_session_untouched(
    bench: Bench,
    workspace_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: str,
    expected_log: ExpectLog,
) -> None:
    bench.open(workspace_folder)
    bench.stroke((10, 12, 14))
    before = bench.desk.session.labels.copy()  # type: ignore[union-attr]
    errors = {
        "memory": CannotPredict("blob_1 needs more memory than there is; draw a smaller region box."),
        "nan": CannotPredict("tiny gave values that are not numbers; choose another model."),
        "bug": RuntimeError("wires crossed"),
    }

    def broken(*args: object, **kwargs: object) -> None:
        raise errors[failure]

    monkeypatch.setattr("app.controllers.predicting.predict", broken)
    if failure == "bug":
        expected_log("failed")
    bench.controllers.predicting.predict()
    bench.wait()
    session = bench.desk.session
    assert session is not None
    assert np.array_equal(session.labels, before)
    assert session.prediction is None
    assert bench.messages[-1].kind == "error"
    assert not bench.desk.is_on(Condition.PREDICTING)
    assert bench.desk.is_on(Condition.CAN_UNDO)


def test_cancelling_a_prediction_leaves_no_files(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    bench.controllers.predicting.predict()
    bench.controllers.predicting.cancel()
    bench.wait()
    session = bench.desk.session
    assert session is not None
    assert session.prediction is None
    assert not session.labels.any()
    assert not list((workspace_folder / "cases" / session.case.id).glob("predictions/*"))


def test_a_prediction_on_a_painted_mask_keeps_the_paint(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    bench.stroke((10, 12, 14))
    before = bench.desk.session.labels.copy()  # type: ignore[union-attr]
    bench.predict()
    session = bench.desk.session
    assert session is not None
    assert np.array_equal(session.labels, before)
    bench.controllers.editing.take_prediction_as_mask()
    bench.wait()
    assert session.prediction is not None
    assert np.array_equal(session.labels, session.prediction.labels)
    bench.controllers.editing.undo()
    assert np.array_equal(session.labels, before)


def test_a_result_for_a_case_that_was_left_goes_to_its_row(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    first = bench.desk.session.case.id  # type: ignore[union-attr]
    predicting = bench.controllers.predicting
    predicting.predict()
    job = bench.desk.predicting
    assert job is not None
    # Leaving a case cancels its prediction; one that was already past its last check still arrives.
    job.cancel = lambda: None  # type: ignore[method-assign]
    bench.controllers.opening.next_case()
    bench.wait()
    assert bench.desk.session is not None
    assert bench.desk.session.case.id != first
    assert bench.desk.session.prediction is None
    assert not bench.desk.session.labels.any()
    assert bench.desk.row(first).state is CaseState.PREDICTED  # type: ignore[union-attr]


def test_closing_in_the_middle_of_a_prediction_ends_cleanly(
    make_bench: MakeBench, workspace_folder: Path
) -> None:
    bench = make_bench()
    bench.open(workspace_folder)
    bench.controllers.predicting.predict()
    bench.controllers.shutdown()
    bench.mailbox.pump()
    with workspaces.open(workspace_folder) as workspace:
        assert all(row.prediction_key is None for row in workspace.reviews.cases())
    assert not list(workspace_folder.glob("cases/*/predictions/*"))


def test_closing_in_the_middle_of_a_save_leaves_a_whole_version(
    make_bench: MakeBench, workspace_folder: Path
) -> None:
    bench = make_bench()
    bench.open(workspace_folder)
    case = bench.desk.session.case.id  # type: ignore[union-attr]
    bench.stroke((10, 12, 14))
    expected = bench.desk.session.labels.copy()  # type: ignore[union-attr]
    bench.controllers.reviewing.accept()
    assert bench.desk.saving
    bench.controllers.shutdown()
    bench.mailbox.pump()
    with workspaces.open(workspace_folder) as workspace:
        versions = workspace.labels.versions(case)
        assert np.array_equal(workspace.labels.load(case, versions[-1].number).labels, expected)


def test_strokes_made_before_the_prediction_come_back_after_it(
    make_bench: MakeBench, workspace_folder: Path
) -> None:
    first = make_bench()
    first.open(workspace_folder)
    first.stroke((10, 12, 14), (10, 16, 14))
    painted = first.desk.session.labels.copy()  # type: ignore[union-attr]
    first.predict()
    first.controllers.shutdown()
    first.mailbox.pump()

    second = make_bench()
    second.open(workspace_folder)
    second.controllers.opening.take_recovery()
    session = second.desk.session
    assert session is not None
    assert np.array_equal(session.labels, painted)
    assert session.prediction is not None


def test_a_lease_that_was_taken_over_makes_the_case_read_only(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    session = bench.desk.session
    assert session is not None
    with workspaces.open(workspace_folder) as other:
        other.reviews.unlock(session.case.id, "somebody")
    bench.controllers.opening.keep_lease()
    bench.wait()
    assert not bench.desk.is_on(Condition.CAN_EDIT)
    assert "taken over" in bench.messages[-1].text


def test_a_model_whose_labels_do_not_fit_is_refused(
    bench: Bench, workspace_folder: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    import dataclasses

    from model.bundle import BundleLabel, load_network, read_bundle, write_bundle

    bench.open(workspace_folder)
    bench.predict()
    session = bench.desk.session
    assert session is not None
    was, mask = session.prediction, session.labels.copy()
    tiny = read_bundle(tiny_bundle)
    labels = (BundleLabel(1, "heart", (1, 2, 3)), BundleLabel(2, "lung", (3, 2, 1)))
    other = write_bundle(
        tmp_path / "other",
        dataclasses.replace(tiny, name="other", labels=labels),
        load_network(tiny).state_dict(),
    )
    bench.desk.bundle = other
    bench.controllers.predicting.predict()
    bench.wait()
    assert bench.messages[-1].kind == "error"
    assert "other" in bench.messages[-1].text
    assert session.prediction is was
    assert np.array_equal(session.labels, mask)


def test_a_saved_case_stays_open_and_takes_strokes_when_the_next_cannot_be_read(
    bench: Bench, workspace_folder: Path
) -> None:
    bench.open(workspace_folder)
    session = bench.desk.session
    assert session is not None
    for row in bench.desk.cases:
        if row.id != session.case.id:
            row.path.write_bytes(b"gone")
    bench.stroke((10, 12, 14))
    bench.controllers.reviewing.accept()
    bench.wait()
    assert bench.desk.session is session
    assert session.base.kind == "version"
    bench.stroke((10, 20, 20))
    expected = session.labels.copy()
    bench.controllers.reviewing.accept()
    bench.wait()
    workspace = bench.desk.workspace
    assert workspace is not None
    assert [version.number for version in bench.controllers.reviewing.versions()] == [1, 2]
    assert np.array_equal(workspace.labels.load(session.case.id, 2).labels, expected)
    assert len(list(workspace.journals.folder(session.case.id).glob("*.sealed"))) == 2
