"""The window as a whole: letters in text fields, worklist, messages, recovery, jobs, verdicts, closing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.controllers import predicting
from app.controllers.conditions import Condition
from app.controllers.desk import RecoveryOffer
from app.core.messages import Message
from app.core.planes import Plane
from app.core.review import CaseState
from app.jobs.runner import Lane
from app.ui import dialogs, theme
from app.ui.heartbeat import Heartbeat
from model.errors import CannotPredict
from model.progress import CancelCheck, Report, stop_if
from tests.conftest import ExpectLog
from tests.ui.robots import Robot, case_row


def test_research_use_is_said_in_the_window_and_no_button_has_the_focus_at_the_start(robot: Robot) -> None:
    assert robot.window.research.isVisible()
    assert robot.window.research.text() == "Research use only, not for diagnosis"
    assert robot.window.windowTitle() == "GateLens"


def test_letters_typed_into_the_search_field_do_nothing_else(robot: Robot) -> None:
    robot.show_case(predicted=True)
    search = robot.window.worklist.search
    robot.window.doing.search_cases()
    robot.wait(lambda: QApplication.focusWidget() is search)
    look, tool = robot.desk.look, robot.controllers.editing.tool
    for key in ("B", "O", "A", "X", "3", "["):
        robot.press(key)
    assert search.text().casefold() == "boax3["
    assert (robot.desk.look, robot.controllers.editing.tool) == (look, tool)
    robot.view(Plane.AXIAL).setFocus()
    robot.press("B")
    assert robot.controllers.editing.tool == "brush"


def test_escape_in_the_search_field_clears_it_and_goes_back_to_the_views(robot: Robot) -> None:
    robot.show_case()
    robot.window.doing.search_cases()
    robot.bot.keyClicks(robot.window.worklist.search, "nothing")
    robot.press("Esc")
    assert robot.window.worklist.search.text() == ""
    assert QApplication.focusWidget() is robot.view(Plane.AXIAL)


def test_the_arrow_keys_walk_the_worklist_while_it_has_the_keyboard(robot: Robot) -> None:
    robot.show_case()
    robot.desk.cases = tuple(case_row(name) for name in ("blob", "second", "third"))
    robot.desk.events.cases_changed.emit(None)
    index = robot.view(Plane.AXIAL).slice_index
    robot.window.worklist.view.setFocus()
    robot.press("Down")
    assert robot.window.worklist.view.currentIndex().row() == 1
    assert robot.view(Plane.AXIAL).slice_index == index
    robot.view(Plane.AXIAL).setFocus()
    robot.press("Down")
    assert robot.view(Plane.AXIAL).slice_index == index - 1


def test_the_worklist_counts_searches_and_says_why_it_is_empty(robot: Robot) -> None:
    panel = robot.window.worklist
    assert "No workspace is open" in panel._empty.text()
    robot.desk.cases = (
        case_row("one", CaseState.CORRECTED, version=2, reader="Dr. A", model_name="tiny"),
        case_row("two", CaseState.PREDICTED, series="portal phase"),
        case_row("three", CaseState.NEW, role="test"),
    )
    robot.desk.events.cases_changed.emit(None)
    assert panel._counts.text() == "1 of 2 to read"
    panel.search.setText("corrected dr.")
    assert [panel.filter.index(n, 0).data() for n in range(panel.filter.rowCount())] == ["one"]
    panel.search.setText("portal")
    assert panel.filter.index(0, 0).data() == "two"
    panel.search.setText("zebra")
    assert "No case matches" in panel._empty.text()


def test_every_state_has_words_and_a_colour_of_its_own() -> None:
    assert set(theme.STATE_WORDS) == set(theme.STATE_COLOURS) == set(CaseState)
    assert len(set(theme.STATE_COLOURS.values())) == len(CaseState)


def test_a_message_takes_no_focus_and_an_error_is_not_pushed_away_by_information(robot: Robot) -> None:
    robot.show_case()
    view = robot.view(Plane.AXIAL)
    view.setFocus()
    robot.desk.say("blob.nii.gz cannot be read; copy it again.", "error")
    robot.desk.say("A mere hint.")
    assert robot.message == "blob.nii.gz cannot be read; copy it again."
    assert QApplication.focusWidget() is view
    robot.desk.say("Something to know.", "warning")
    assert robot.message == "Something to know."


def test_the_views_keep_their_size_when_messages_come_and_go(robot: Robot) -> None:
    robot.show_case()
    size = robot.view(Plane.AXIAL).size()
    robot.desk.say("A long warning. " * 40, "warning")
    robot.settle()
    assert robot.view(Plane.AXIAL).size() == size


def test_recovery_is_offered_in_words_and_asked_once(robot: Robot) -> None:
    robot.show_case()
    robot.desk.events.recovery_offered.emit(
        RecoveryOffer(strokes=12, when=datetime(2026, 11, 23, 9, 30, tzinfo=UTC), reader="Dr. A", voxels=340)
    )
    bar = robot.window.recovery
    assert bar.isVisible()
    assert "12 strokes" in bar.text
    assert "by Dr. A was kept" in bar.text
    bar.decline.click()
    assert bar.isHidden()


class SlowPrediction:
    """Stands in for the network: reports, waits to be cancelled or let go, then gives a prediction or raises."""

    def __init__(self, give: Callable[[], object]) -> None:
        self.give = give
        self.running, self.go_on, self.cancelled = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, workspace: object, row: object, scan: object, bundle: object, report: Report,
                 cancelled: CancelCheck, **options: object) -> object:  # fmt: skip
        report(0.4, "window 2 of 5")
        self.running.set()
        while not self.go_on.wait(0.01):
            if cancelled():
                self.cancelled.set()
            stop_if(cancelled)
        return self.give()


class StandInModel:
    """As much of a bundle as the window asks for."""

    name, hash = "tiny", "ab" * 32

    def check_scan(self, volume: object, *, region: object = None) -> predicting.Applicability:
        return predicting.Applicability(True, "certain", "Model tiny applies: size and modality fit.")


def ready_to_predict(
    robot: Robot, monkeypatch: pytest.MonkeyPatch, give: Callable[[], object]
) -> SlowPrediction:
    slow = SlowPrediction(give)
    monkeypatch.setattr(predicting, "predict_and_keep", slow)
    robot.show_case()
    robot.desk.workspace, robot.desk.bundle = object(), StandInModel()  # type: ignore[assignment]
    robot.desk.events.conditions_changed.emit(None)
    return slow


def forget_workspace(robot: Robot) -> None:
    """The stand-in workspace has nothing to close."""
    robot.desk.workspace = None


def test_cancel_stops_the_prediction_and_leaves_the_mask(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = ready_to_predict(robot, monkeypatch, lambda: None)
    before = robot.session.labels.copy()
    robot.press("F5")
    robot.wait(lambda: slow.running.is_set() and robot.window.jobs.isVisible())
    assert robot.desk.is_on(Condition.PREDICTING)
    assert robot.window.jobs.bar.value() == 400
    robot.bot.mouseClick(robot.window.jobs.cancel, Qt.MouseButton.LeftButton)
    robot.wait(lambda: not robot.desk.is_on(Condition.PREDICTING))
    assert slow.cancelled.is_set()
    assert robot.window.jobs.isHidden()
    assert np.array_equal(robot.session.labels, before)
    forget_workspace(robot)


def test_the_window_stays_live_and_escape_cancels_too(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = ready_to_predict(robot, monkeypatch, lambda: None)
    robot.press("F5")
    robot.wait(slow.running.is_set)
    index = robot.view(Plane.AXIAL).slice_index
    robot.wheel(Plane.AXIAL, 2)
    assert robot.view(Plane.AXIAL).slice_index == index + 2
    robot.press("Esc")
    robot.wait(lambda: not robot.desk.is_on(Condition.PREDICTING))
    assert slow.cancelled.is_set()
    assert robot.window.heartbeat.lateness("predict").ticks > 0
    forget_workspace(robot)


def test_a_prediction_that_fails_is_a_sentence_and_the_session_is_untouched(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> object:
        raise CannotPredict("The prediction would need 40 GB; draw a region box.")

    slow = ready_to_predict(robot, monkeypatch, refuse)
    session = robot.session
    slow.go_on.set()
    robot.press("F5")
    robot.wait(lambda: robot.message != "" and not robot.desk.is_on(Condition.PREDICTING))
    assert robot.message == "The prediction would need 40 GB; draw a region box."
    assert robot.desk.session is session
    assert session.prediction is None
    forget_workspace(robot)


def test_a_model_that_does_not_apply_says_why_and_offers_a_marked_override(robot: Robot) -> None:
    class Unsuited(StandInModel):
        def check_scan(self, volume: object, *, region: object = None) -> predicting.Applicability:
            return predicting.Applicability(
                False, "likely", "Model tiny is for T1 MR; this scan looks like CT."
            )

    robot.desk.bundle = Unsuited()  # type: ignore[assignment]
    robot.show_case()
    panel = robot.window.model
    assert panel._applies.text() == "Model tiny is for T1 MR; this scan looks like CT."
    assert panel.override.isVisible()
    assert not panel.predict.isEnabled()


def test_accepting_an_empty_mask_asks_first_and_going_back_changes_nothing(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.show_case()
    robot.desk.workspace = object()  # type: ignore[assignment]
    robot.window.actions_set.trigger("case.accept")
    asked = robot.window.dialog
    assert isinstance(asked, dialogs.Question)
    asked.no.click()
    assert not robot.desk.saving
    forget_workspace(robot)


def test_the_reader_gives_a_name_once(robot: Robot, gatelens_home: Path) -> None:
    robot.window.actions_set.trigger("file.reader")
    asked = robot.window.dialog
    assert isinstance(asked, dialogs.ReaderQuestion)
    asked.field.setText("  Dr. New Name ")
    asked.yes.click()
    assert robot.desk.reader == "Dr. New Name"
    assert "Dr. New Name" in robot.window._reader.text()


def test_a_bug_in_a_slot_is_logged_said_and_survived(robot: Robot, expected_log: ExpectLog) -> None:
    def broken() -> None:
        raise RuntimeError("no such thing")

    expected_log("a slot failed")
    robot.guard.run(broken)
    assert "your work is kept" in robot.message


def test_a_sentence_from_a_worker_thread_arrives_on_the_gui_thread(robot: Robot) -> None:
    seen: list[threading.Thread] = []
    robot.desk.runner.submit(
        Lane.FILES,
        "A short job",
        lambda report, cancelled: 7,
        lambda value: seen.append(threading.current_thread()),
    )
    robot.wait(lambda: len(seen) == 1)
    assert seen == [threading.main_thread()]


def test_layouts_go_round_and_come_back(robot: Robot) -> None:
    robot.show_case()
    shown = []
    for _ in range(3):
        robot.press("F2")
        shown.append([pane.isVisible() for pane in robot.window.panes.panes])
    assert shown == [[True] * 4, [True, True, True, False], [True] * 4]


def test_the_window_is_usable_at_1280_by_800(robot: Robot) -> None:
    robot.show_case(predicted=True)
    assert robot.window.size().width() == 1280
    assert robot.window.size().height() == 800
    for plane in Plane:
        assert min(robot.view(plane).width(), robot.view(plane).height()) >= 250
    assert robot.window.verdict.buttons["case.accept"].isVisible()


def test_the_heartbeat_counts_lateness_in_the_section_that_is_on() -> None:
    section = ["idle"]
    heart = Heartbeat(lambda: section[0])
    heart._last = 0.0
    section[0] = "predict"
    heart._tick()
    with heart.apart():
        pass
    assert heart.lateness("predict").ticks == 1
    assert heart.lateness("predict").max > 100
    assert heart.lateness("pictures").ticks == 1
    assert heart.lateness("import").ticks == 0


def test_a_message_event_is_shown_as_it_is(robot: Robot) -> None:
    robot.desk.events.message.emit(Message("warning", "<b>plain</b> text"))
    assert robot.message == "<b>plain</b> text"
