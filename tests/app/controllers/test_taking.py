"""Taking from another mask: stored predictions and saved versions of the case, one in memory at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.controllers.taking import MaskSource, TakingController
from app.core.labels import LabelEntry
from app.core.planes import Plane
from app.core.review import CaseState
from app.store.decisions import DecisionRecord
from app.store.label_version import VersionInfo
from model.grid import Box
from model.prediction import Prediction
from tests.app.controllers.conftest import Bench

PLACE = (10.0, 12.0, 14.0)


@pytest.fixture
def opened(bench: Bench, workspace_folder: Path) -> Bench:
    """A predicted case whose worklist has a version of another reader and another model's prediction."""
    bench.open(workspace_folder)
    bench.predict()
    session, workspace = bench.desk.session, bench.desk.workspace
    theirs = np.zeros(session.grid.shape, np.uint8)
    theirs[5:9, 5:9, 5:9] = 2
    info = VersionInfo(
        reader="Dr. X",
        base=session.base,
        decision=DecisionRecord(kind=CaseState.CORRECTED, reader="Dr. X"),
        table_key=session.table.key,
    )
    workspace.labels.save(session.case.id, theirs, session.grid, info)
    workspace.predictions.save(session.case.id, "abcdef0123456789", older(session.prediction))
    session.radius_mm = 4.0
    bench.messages.clear()
    look(bench)
    return bench


def older(prediction: Prediction) -> Prediction:
    """Another model's answer: core where this one has nothing, in a table that has rim first."""
    core, rim = prediction.bundle_labels
    labels = np.where(prediction.labels == 0, 2, 0).astype(np.uint8)
    made = replace(
        prediction.provenance,
        bundle_name="old-0.1",
        bundle_hash="cd" * 32,
        created="2025-03-04T12:00:00+00:00",
    )
    return replace(
        prediction,
        labels=labels,
        bundle_labels=(replace(rim, value=1), replace(core, value=2)),
        provenance=made,
    )


def look(bench: Bench) -> None:
    bench.controllers.taking.look()
    bench.wait()


def sources(bench: Bench) -> TakingController:
    return bench.controllers.taking


def choose(bench: Bench, text: str) -> MaskSource:
    source = next(source for source in sources(bench).sources if source.text.startswith(text))
    sources(bench).choose(source)
    bench.wait()
    return source


def test_every_other_mask_of_the_case_is_listed_by_name(opened: Bench) -> None:
    assert [(source.kind, source.text) for source in sources(opened).sources] == [
        ("prediction", "old-0.1 of 2025-03-04"),
        ("version", "version 1 by Dr. X"),
    ]
    assert sources(opened).source is None


def test_a_readers_version_is_taken_by_the_brush_and_undo_names_it(opened: Bench) -> None:
    session = opened.desk.session
    session.labels[...] = 0
    source = choose(opened, "version 1")
    assert sources(opened).source == source
    opened.stroke((7.0, 7.0, 7.0), tool="take-prediction")
    assert session.labels[7, 7, 7] == 2
    assert opened.controllers.editing.undo_name.startswith("take prediction from version 1 by Dr. X")
    opened.stroke((16.0, 20.0, 20.0), tool="take-prediction")
    assert opened.texts == ["Nothing was taken: the mask equals version 1 by Dr. X here."]


@pytest.mark.parametrize(("command", "name"), [("take-slice", "slice"), ("take-label", "of core")])
def test_a_slice_and_a_label_are_taken_from_the_chosen_mask(opened: Bench, command: str, name: str) -> None:
    session = opened.desk.session
    expected = older(session.prediction).labels == 2  # its "core"
    session.labels[...] = 0
    choose(opened, "old-0.1")
    opened.controllers.editing.run_command(command, Plane.AXIAL, PLACE)
    opened.wait()
    place = np.s_[10] if command == "take-slice" else np.s_[:]
    assert np.array_equal(session.labels[place] == 1, expected[place])
    undo = opened.controllers.editing.undo_name
    assert name in undo
    assert "from old-0.1 of 2025-03-04" in undo


def test_the_prediction_is_taken_again_when_it_is_chosen_again(opened: Bench) -> None:
    session = opened.desk.session
    choose(opened, "old-0.1")
    sources(opened).choose(None)
    assert sources(opened).source is None
    session.labels[...] = 0
    opened.controllers.editing.run_command("take-slice", Plane.AXIAL, PLACE)
    opened.wait()
    assert np.array_equal(session.labels[10], session.prediction.labels[10])


def test_another_case_takes_from_its_own_prediction(opened: Bench) -> None:
    choose(opened, "version 1")
    opened.controllers.opening.next_case()
    opened.wait()
    assert sources(opened).source is None
    assert sources(opened).sources == ()
    look(opened)
    assert sources(opened).sources == ()
    opened.controllers.editing.run_command("take-slice", Plane.AXIAL, PLACE)
    assert opened.texts[-1] == "There is no prediction to take; press F5."


def test_what_is_read_when_the_case_is_left_reaches_no_other_case(opened: Bench) -> None:
    first = opened.desk.session
    sources(opened).choose(sources(opened).sources[0])
    opened.controllers.opening.close_case()
    opened.wait()
    assert sources(opened).source is None
    assert sources(opened).reading is None
    assert first.tools._source is None


def test_of_two_choices_the_last_counts_and_one_mask_lies_in_memory(opened: Bench) -> None:
    session, taken = opened.desk.session, []
    real = session.tools.take_from
    session.tools.take_from = lambda *given: (taken.append(given[0] is not None), real(*given))  # type: ignore[method-assign]
    first, second = sources(opened).sources
    sources(opened).choose(first)
    assert sources(opened).reading == first
    sources(opened).choose(second)
    opened.wait()
    assert sources(opened).source == second
    choose(opened, "old")
    # Before each is read the one before goes; the first of the two never came.
    assert taken == [False, False, True, False, True]


def test_a_mask_that_cannot_be_read_is_a_sentence_and_the_prediction_stays(opened: Bench) -> None:
    session = opened.desk.session
    folder = opened.desk.workspace.labels.folder(session.case.id)
    (folder / "v0001.nii.gz").rename(folder / "gone")
    choose(opened, "version 1")
    assert "v0001.nii.gz" in opened.texts[-1]
    assert "missing" in opened.texts[-1]
    assert sources(opened).source is None
    assert sources(opened).reading is None


def test_a_label_the_case_does_not_have_is_refused_by_name(opened: Bench) -> None:
    session = opened.desk.session
    session.table = replace(session.table, key="other", entries=session.table.entries[1:])
    choose(opened, "old-0.1")
    assert "old-0.1 of 2025-03-04 marks core, which this case has no label for" in opened.texts[-1]
    assert sources(opened).source is None


def test_a_renamed_label_is_the_same_label(opened: Bench) -> None:
    session = opened.desk.session
    opened.controllers.labelling.change(2, name="shell")
    assert session.table.entry(2) == LabelEntry(2, "shell", session.table.entry(2).colour)
    choose(opened, "version 1")
    session.labels[...] = 0
    opened.stroke((7.0, 7.0, 7.0), tool="take-prediction")
    assert session.labels[7, 7, 7] == 2


def test_versions_saved_in_this_run_and_predictions_that_read_alike_are_told_apart(opened: Bench) -> None:
    session, workspace = opened.desk.session, opened.desk.workspace
    again = older(session.prediction)
    later = replace(again, provenance=replace(again.provenance, created="2025-03-04T12:00:05+00:00"))
    workspace.predictions.save(session.case.id, "abcdef0123456780", later)
    boxed = replace(again, provenance=replace(again.provenance, region=Box((0, 0, 0), (4, 4, 4))))
    workspace.predictions.save(session.case.id, "abcdef0123456781", boxed)
    (workspace.predictions.folder(session.case.id, "abcdef0123456781") / "labels.nii.gz").unlink()
    opened.controllers.opening.after_opening = lambda: None
    looked = []
    sources(opened).changed.subscribe(looked.append)
    look(opened)
    texts = [source.text for source in sources(opened).sources]
    assert len(texts) == len(set(texts)) == 4
    assert texts[0].endswith(":05")
    assert "old-0.1 of 2025-03-04, in a box" in texts
    assert looked == [None]
    look(opened)
    assert looked == [None]


def test_damaged_predictions_are_left_out(opened: Bench) -> None:
    session, workspace = opened.desk.session, opened.desk.workspace
    (workspace.predictions.folder(session.case.id, "abcdef0123456789") / "prediction.json").write_text("{")
    look(opened)
    assert [source.kind for source in sources(opened).sources] == ["version"]
