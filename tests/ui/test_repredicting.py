"""Re-predict in the box by mouse and key: draw the box, Shift+F5, look, Enter or Esc."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.controllers import repredicting
from app.controllers.conditions import Condition
from app.core.planes import Plane
from app.core.session import Session
from model.grid import Box
from model.progress import CancelCheck, Report, stop_if
from tests.ui.robots import Robot


@pytest.fixture
def opened(robot: Robot, workspace_folder: Path) -> Robot:
    """A case that was never predicted, with a model that applies."""
    robot.controllers.opening.after_opening = lambda: None
    robot.controllers.predicting.after_predicting = lambda: None
    robot.controllers.opening.open_workspace(workspace_folder)
    robot.wait(lambda: robot.desk.session is not None and robot.desk.runner.is_idle, 60)
    return robot


def draw_box(robot: Robot) -> Box:
    """Draw a region box with the mouse; gives it."""
    robot.press("R")
    z = robot.session.frame(Plane.AXIAL).slice_at(robot.session.crosshair)
    robot.drag(Plane.AXIAL, (float(z), 6.0, 7.0), (float(z), 18.0, 21.0))
    assert robot.session.region is not None
    return robot.session.region


def predicted_here(robot: Robot) -> Session:
    robot.wait(lambda: robot.session.preview is not None, 60)
    robot.settle()
    return robot.session


def test_shift_f5_shows_what_would_change_in_the_box_and_enter_makes_it(opened: Robot) -> None:
    box = draw_box(opened)
    assert opened.window.model.here.isVisible()
    opened.view(Plane.AXIAL).redraw()
    plain = opened.pixels(Plane.AXIAL)
    opened.press("Shift+F5")
    assert opened.desk.is_on(Condition.PREDICTING)
    session = predicted_here(opened)
    assert not session.labels.any()
    assert (opened.pixels(Plane.AXIAL) != plain).any()
    assert "re-prediction by tiny" in opened.window.tools.preview.text.lower()
    assert "Enter accepts, Esc drops" in opened.message
    opened.press("Return", opened.view(Plane.AXIAL))
    assert session.labels[box.slices].any()
    assert session.prediction is None
    opened.press("Ctrl+Z")
    assert not session.labels.any()
    assert "re-prediction by tiny" in opened.message


def test_esc_drops_it_and_the_button_asks_again(opened: Robot) -> None:
    draw_box(opened)
    opened.bot.mouseClick(opened.window.model.here, Qt.MouseButton.LeftButton)
    session = predicted_here(opened)
    opened.press("Esc")
    assert session.preview is None
    assert not session.labels.any()
    assert not session.history.can_undo
    opened.bot.mouseClick(opened.window.model.here, Qt.MouseButton.LeftButton)
    predicted_here(opened)
    opened.bot.mouseClick(opened.window.tools.preview.accept, Qt.MouseButton.LeftButton)
    assert session.labels.any()


def test_escape_stops_the_model_and_nothing_changes(opened: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    running = threading.Event()

    def slow(*args: object, report: Report, cancelled: CancelCheck, **options: object) -> object:
        report(0.4, "window 2 of 5")
        running.set()
        while not cancelled():
            time.sleep(0.005)
        stop_if(cancelled)
        raise AssertionError

    monkeypatch.setattr(repredicting, "predict", slow)
    draw_box(opened)
    opened.press("Shift+F5")
    opened.wait(lambda: running.is_set() and opened.window.jobs.isVisible())
    assert opened.window.jobs.bar.value() == 400
    opened.press("Esc")
    opened.wait(lambda: not opened.desk.is_on(Condition.PREDICTING))
    assert opened.session.preview is None
    assert not opened.session.labels.any()
    assert opened.message.endswith("was cancelled; nothing was changed.")


def test_without_a_box_it_says_to_draw_one(opened: Robot) -> None:
    assert not opened.window.model.here.isVisible()
    opened.press("Shift+F5")
    assert opened.message.startswith("Draw a region box first (R)")
    assert opened.desk.predicting is None


def test_the_window_stays_live_and_a_stroke_meanwhile_is_kept(opened: Robot) -> None:
    draw_box(opened)
    opened.press("Shift+F5")
    opened.press("B")
    z = float(opened.session.frame(Plane.AXIAL).slice_at(opened.session.crosshair))
    opened.drag(Plane.AXIAL, (z, 4.0, 4.0), (z, 8.0, 8.0))
    painted = opened.session.labels.copy()
    assert painted.any()
    session = predicted_here(opened)
    opened.press("Return", opened.view(Plane.AXIAL))
    assert session.history.depth == 2
    opened.press("Ctrl+Z")
    assert np.array_equal(session.labels, painted)


def test_it_is_off_while_it_cannot_be_done_and_found_by_its_name(opened: Robot) -> None:
    row = opened.window.actions_set.actions["case.predict_here"]
    assert row.isEnabled()
    draw_box(opened)
    opened.press("Ctrl+K")
    palette = opened.window.dialog
    opened.bot.keyClicks(palette.field, "re-pred")  # type: ignore[union-attr]
    opened.press("Return", palette.field)  # type: ignore[union-attr]
    opened.window.activateWindow()
    predicted_here(opened)
    opened.session.read_only_reason = "It is open in another window."
    opened.desk.events.conditions_changed.emit(None)
    assert not row.isEnabled()
    assert not opened.window.model.here.isEnabled()
    assert QApplication.activeModalWidget() is None
