"""Re-predicting here: the model looks at the box again, and its answer is a preview that takes nothing away."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.controllers import repredicting
from app.controllers.conditions import Condition
from app.controllers.repredicting import NO_REGION, looked_at
from app.core.labels import LabelEntry
from model.bundle import read_bundle
from model.grid import Box, Grid
from model.inference import predict
from tests.app.controllers.conftest import Bench

BOX = Box((6, 8, 8), (14, 16, 20))


@pytest.fixture
def opened(bench: Bench, workspace_folder: Path) -> Bench:
    bench.open(workspace_folder)
    bench.messages.clear()
    return bench


def here(bench: Bench, box: Box = BOX) -> None:
    """Draw a box and predict there."""
    bench.controllers.editing.set_region(box)
    bench.controllers.repredicting.repredict()


def outside(labels: np.ndarray, box: Box = BOX) -> np.ndarray:
    kept = labels.copy()
    kept[box.slices] = 0
    return kept


class Held:
    """Holds the model back until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running, self.go_on = threading.Event(), threading.Event()

        def slow(*args: object, cancelled: object, **options: object) -> object:
            self.running.set()
            while not self.go_on.wait(0.005):
                if cancelled():  # type: ignore[operator]
                    break
            return predict(*args, cancelled=cancelled, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(repredicting, "predict", slow)


def test_the_answer_is_a_preview_in_the_box_enter_makes_it_one_step(opened: Bench) -> None:
    session = opened.desk.session
    before = session.labels.copy()
    here(opened)
    assert opened.desk.is_on(Condition.PREDICTING)
    opened.wait()
    assert (session.labels == before).all()
    assert session.preview is not None
    assert opened.texts[-1].startswith("Preview: re-prediction by tiny, ")
    assert opened.texts[-1].endswith("Enter accepts, Esc drops it.")
    opened.controllers.editing.accept_preview()
    assert session.labels[BOX.slices].any()
    assert not outside(session.labels).any()
    assert opened.controllers.editing.undo_name.startswith("re-prediction by tiny")
    opened.controllers.editing.undo()
    assert (session.labels == before).all()


def test_it_is_the_models_answer_with_the_surroundings_it_needs(opened: Bench) -> None:
    session, bundle = opened.desk.session, opened.desk.bundle
    region = looked_at(session.grid, bundle, BOX)
    assert region == Box((0, 0, 0), (20, 24, 28))
    whole = predict(session.scan.volume, bundle, region=region).labels
    here(opened)
    opened.wait()
    opened.controllers.editing.accept_preview()
    assert np.array_equal(session.labels[BOX.slices], whole[BOX.slices])


def test_no_box_no_case_and_no_model_are_sentences(opened: Bench) -> None:
    opened.controllers.repredicting.repredict()
    assert opened.texts == [NO_REGION]
    here(opened)
    here(opened)
    assert opened.texts[-1] == "A prediction is running; Esc cancels it."
    opened.wait()
    opened.desk.bundle = None
    here(opened)
    assert "no model" in opened.texts[-1]
    opened.controllers.opening.close_case()
    here(opened)
    assert "Open a case first" in opened.texts[-1]


def test_a_read_only_case_is_refused_before_the_model_runs(opened: Bench) -> None:
    opened.desk.session.read_only_reason = "It is open in another window."
    assert not opened.desk.is_on(Condition.CAN_PREDICT_HERE)
    here(opened)
    assert opened.texts == ["It is open in another window."]
    assert opened.desk.predicting is None


def test_the_cases_stored_prediction_and_row_stay_as_they_are(opened: Bench) -> None:
    opened.predict()
    session, workspace = opened.desk.session, opened.desk.workspace
    row, prediction = opened.desk.open_row, session.prediction
    stored = workspace.predictions.provenances(session.case.id)
    session.labels[BOX.slices] = 0
    here(opened)
    opened.wait()
    opened.controllers.editing.accept_preview()
    assert session.prediction is prediction
    assert np.array_equal(session.labels, prediction.labels)
    assert workspace.predictions.provenances(session.case.id) == stored
    assert workspace.reviews.case(session.case.id) == row


def test_locked_labels_are_kept_and_where_nothing_is_left_it_says_so(opened: Bench) -> None:
    session = opened.desk.session
    here(opened)
    opened.wait()
    opened.controllers.editing.accept_preview()
    values = set(np.unique(session.labels)) - {0}
    painted = int(max(values))
    mine = session.labels == painted
    session.labels[BOX.slices] = painted
    opened.controllers.labelling.set_locked(painted, True)
    opened.messages.clear()
    here(opened)
    opened.wait()
    assert session.preview is None
    assert opened.texts == [
        "Nothing would change: what re-prediction by tiny would change belongs to a locked or hidden label."
    ]
    assert not mine.all()
    assert (session.labels[BOX.slices] == painted).all()


def test_cancelled_it_leaves_nothing(opened: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch)
    here(opened)
    assert held.running.wait(10)
    opened.controllers.predicting.cancel()
    opened.wait()
    assert opened.desk.session.preview is None
    assert opened.desk.predicting is None
    assert opened.texts == []


def test_what_comes_after_the_case_was_left_is_dropped(
    opened: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    here(opened)
    assert held.running.wait(10)
    first = opened.desk.session
    # As a job that ended just before it was cancelled: its answer is on the way when the next case is shown.
    monkeypatch.setattr(opened.desk.predicting, "cancel", lambda: None)
    opened.controllers.opening.next_case()
    opened.wait(lambda: opened.desk.session not in (None, first))
    held.go_on.set()
    opened.wait()
    assert opened.desk.session.preview is None
    assert first.preview is None
    assert not opened.desk.session.labels.any()
    assert opened.texts == []


def test_strokes_made_while_the_model_runs_are_kept_and_compared_with(
    opened: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    session = opened.desk.session
    here(opened)
    assert held.running.wait(10)
    opened.stroke((10.0, 12.0, 14.0))
    painted = session.labels.copy()
    held.go_on.set()
    opened.wait()
    assert session.preview is not None
    assert np.array_equal(
        session.preview.after != painted[session.preview.box.slices], session.preview.changes
    )
    opened.controllers.editing.accept_preview()
    assert session.history.depth == 2
    opened.controllers.editing.undo()
    assert (session.labels == painted).all()


def test_the_answer_waits_for_a_stroke_that_is_being_drawn(
    opened: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    here(opened)
    assert held.running.wait(10)
    editing = opened.controllers.editing
    editing.set_tool("brush")
    from app.core.planes import Plane

    editing.begin_stroke(Plane.AXIAL, (10.0, 12.0, 14.0))
    held.go_on.set()
    opened.wait()
    assert opened.desk.session.stroke_active
    assert opened.desk.session.preview is None
    assert opened.texts[-1] == (
        "The model's answer is here; it is shown once the stroke or the preview is done."
    )
    editing.end_stroke()
    opened.wait()
    assert opened.desk.session.preview is not None
    assert opened.desk.session.history.depth == 1


def test_the_answer_waits_for_a_preview_that_is_being_looked_at(
    opened: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    editing, session = opened.controllers.editing, opened.desk.session
    opened.stroke((4.0, 12.0, 14.0))
    opened.stroke((8.0, 12.0, 14.0))
    here(opened)
    assert held.running.wait(10)
    editing.run_command("fill-between")
    opened.wait(lambda: session.preview is not None)
    looked_at_now = session.preview
    held.go_on.set()
    opened.wait()
    assert session.preview is looked_at_now
    editing.accept_preview()
    opened.wait()
    assert session.preview is not None
    assert session.preview.name == "re-prediction by tiny"


def test_an_answer_compared_with_a_mask_that_changed_meanwhile_is_compared_again(
    opened: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened.desk.session
    real, compared = repredicting._proposed, []

    def proposed(found: object, labels: np.ndarray, guard: object) -> object:
        compared.append(labels.copy())
        if len(compared) == 1:
            opened.mailbox.deliver(lambda: opened.stroke((10.0, 12.0, 14.0)))
        return real(found, labels, guard)  # type: ignore[arg-type]

    monkeypatch.setattr(repredicting, "_proposed", proposed)
    here(opened)
    opened.wait()
    assert len(compared) == 2
    assert session.preview is not None
    opened.controllers.editing.accept_preview()
    assert session.history.depth == 2


def test_labels_go_by_their_names_and_a_missing_one_is_a_sentence(opened: Bench) -> None:
    session = opened.desk.session
    core, rim = session.table.entries
    other = replace(
        session.table, key="other", entries=(replace(rim, value=1), LabelEntry(4, "core", core.colour))
    )
    whole = predict(session.scan.volume, opened.desk.bundle).labels[BOX.slices]
    session.table = other
    here(opened)
    opened.wait()
    opened.controllers.editing.accept_preview()
    assert np.array_equal(session.labels[BOX.slices] == 4, whole == 1)
    assert np.array_equal(session.labels[BOX.slices] == 1, whole == 2)
    session.table = replace(other, entries=other.entries[:1])
    here(opened)
    opened.wait()
    assert "tiny marks core, which this case has no label for" in opened.texts[-1]


def test_the_surroundings_are_half_a_window_in_the_models_own_axes(tiny_bundle: Path) -> None:
    bundle = replace(read_bundle(tiny_bundle), window_size=(16, 32, 64), target_spacing=None)
    grid = Grid((400, 400, 400), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)))
    box = Box((100, 100, 100), (110, 110, 110))
    # This scan's first axis runs to the patient's left, which the model has last.
    assert looked_at(grid, bundle, box) == Box((68, 84, 92), (142, 126, 118))
    coarse = replace(bundle, target_spacing=(4.0, 2.0, 1.0))
    assert looked_at(grid, coarse, box) == Box((68, 68, 68), (142, 142, 142))


def test_a_model_for_a_small_part_looks_at_the_box_alone(
    opened: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    bundle = opened.desk.bundle
    opened.desk.bundle = replace(bundle, applies_to=replace(bundle.applies_to, extent_mm=(8.0, 20.0)))

    def note(*args: object, region: Box, **options: object) -> object:
        seen.append(region)
        return predict(*args, region=region, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(repredicting, "predict", note)
    here(opened)
    opened.wait()
    assert seen == [BOX]
