"""The offer of unsaved work: words, a picture that is left where the scan is left, and two answers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.controllers.desk import RecoveryOffer
from app.core.difference_picture import ADDED, REMOVED, difference
from app.core.planes import Plane
from tests.ui.robots import Robot, phantom

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def offer(robot: Robot) -> None:
    """Offer work that added the blob on the patient's right and removed a part on the left behind."""
    volume = phantom()
    before = np.zeros(volume.grid.shape, np.uint8)
    before[13, 16:20, 20:24] = 1
    after = np.zeros_like(before)
    after[13, 4:8, 4:8] = 1
    after[12, 4:8, 4:8] = 1
    found = difference(volume, before, after, (50.0, 500.0))
    robot.desk.events.recovery_offered.emit(
        RecoveryOffer(12, WHEN, "Dr. A", 48, found, volume.grid.voxel_mm3 / 1000)
    )
    robot.settle()


def where(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Mean row and column of the pixels of about this colour."""
    close = np.abs(picture.astype(int) - np.array(colour)).max(axis=-1) < 40
    found: np.ndarray = np.argwhere(close).mean(axis=0)
    return found


def test_it_says_how_much_by_whom_and_when(robot: Robot) -> None:
    robot.show_case()
    offer(robot)
    bar = robot.window.recovery
    assert bar.isVisible()
    assert "by Dr. A was kept: 12 strokes, +0.10 mL −0.05 mL." in bar.text
    assert bar._place.text() == "Axial slice 14 of 20, where it changes most."
    assert bar.picture.isVisible()


def test_the_picture_is_left_where_the_scan_is_left(robot: Robot) -> None:
    robot.show_case()
    offer(robot)
    shown = robot.screen(robot.window.recovery.picture)
    added, removed = where(shown, ADDED), where(shown, REMOVED)
    assert added[0] < removed[0]
    assert added[1] < removed[1]


@pytest.mark.parametrize("answer", ["take", "decline"])
def test_both_answers_put_it_away(robot: Robot, answer: str) -> None:
    robot.show_case()
    offer(robot)
    getattr(robot.window.recovery, answer).click()
    assert robot.window.recovery.isHidden()


def test_work_that_changes_nothing_has_no_picture_and_the_next_offer_has_its_own(robot: Robot) -> None:
    robot.show_case()
    offer(robot)
    robot.desk.events.recovery_offered.emit(RecoveryOffer(2, WHEN, "", 0))
    bar = robot.window.recovery
    assert not bar.picture.isVisible()
    assert bar.text.endswith("2 strokes, 0 voxels changed.")
    offer(robot)
    assert bar.picture.isVisible()


def test_it_goes_with_the_case_and_leaves_the_bar_to_the_views(robot: Robot) -> None:
    robot.show_case()
    offer(robot)
    assert robot.window.recovery.height() <= 200
    robot.desk.events.case_closed.emit(None)
    assert robot.window.recovery.isHidden()


def open_first_case(robot: Robot, workspace: Path) -> None:
    robot.controllers.opening.after_opening = lambda: None
    robot.controllers.opening.open_workspace(workspace)
    robot.wait(lambda: robot.desk.session is not None and robot.desk.runner.is_idle, 60)


def test_strokes_of_a_window_that_is_gone_are_pictured_and_taken_back_by_a_click(
    robot: Robot, qtbot: QtBot, workspace_folder: Path
) -> None:
    gone = Robot(qtbot)
    open_first_case(gone, workspace_folder)
    gone.go_to((12.0, 12.0, 14.0))
    gone.press("B")
    gone.drag(Plane.AXIAL, (12.0, 6.0, 4.0), (12.0, 8.0, 6.0))
    painted = gone.session.labels.copy()
    assert painted.any()
    gone.leave()

    open_first_case(robot, workspace_folder)
    bar = robot.window.recovery
    assert bar.isVisible()
    assert "1 stroke, +" in bar.text
    assert "\N{MINUS SIGN}" not in bar.text
    assert bar._place.text().startswith("Axial slice 13 of 20")
    # The stroke lies on the patient's right, in front: left and up in the picture.
    shown = robot.screen(bar.picture)
    row, column = where(shown, ADDED)
    assert row < shown.shape[0] / 2
    assert column < shown.shape[1] / 2
    robot.bot.mouseClick(bar.take, Qt.MouseButton.LeftButton)
    robot.settle()
    assert np.array_equal(robot.session.labels, painted)
    assert bar.isHidden()
