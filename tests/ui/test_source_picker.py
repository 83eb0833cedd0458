"""Take from another mask in the window: the list with the tools that take, by mouse and keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.core.planes import Plane
from app.core.review import CaseState
from app.store.decisions import DecisionRecord
from app.store.label_version import VersionInfo
from app.ui.source_picker import SourcePicker
from tests.ui.robots import Robot


@pytest.fixture
def opened(robot: Robot, workspace_folder: Path) -> Robot:
    """A case with a prediction and, of Dr. X, a version that marks a cube."""
    robot.controllers.opening.after_opening = lambda: None
    robot.controllers.predicting.after_predicting = lambda: None
    robot.controllers.opening.open_workspace(workspace_folder)
    robot.wait(lambda: robot.desk.session is not None and robot.desk.runner.is_idle, 60)
    robot.press("F5")
    robot.wait(lambda: robot.session.prediction is not None and robot.desk.runner.is_idle, 60)
    session, workspace = robot.session, robot.desk.workspace
    assert workspace is not None
    theirs = np.zeros(session.grid.shape, np.uint8)
    theirs[8:13, 8:16, 8:16] = 2
    info = VersionInfo(
        reader="Dr. X", base=session.base, decision=DecisionRecord(kind=CaseState.CORRECTED, reader="Dr. X"),
        table_key=session.table.key,
    )  # fmt: skip
    workspace.labels.save(session.case.id, theirs, session.grid, info)
    return robot


def picker(robot: Robot) -> SourcePicker:
    """The list, once the masks are known."""
    found = robot.window.tools.sources
    robot.wait(lambda: robot.desk.runner.is_idle)
    robot.settle()
    return found


def test_the_list_stands_with_the_tools_that_take_and_no_other(opened: Robot) -> None:
    sources = opened.window.tools.sources
    for tool, shown in (("P", True), ("B", False), ("P", True), ("V", False)):
        opened.press(tool)
        assert sources.isVisible() == shown
    for command, shown in (("take-slice", True), ("margin", False), ("take-label", True)):
        opened.window.actions_set.trigger(f"mask.{command}")
        assert sources.isVisible() == shown
    assert opened.window.tools.minimumSizeHint().width() <= 310


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_a_version_is_chosen_by_mouse_and_the_brush_takes_from_it(opened: Robot) -> None:
    opened.press("P")
    box = picker(opened).box
    assert [box.itemText(row) for row in range(box.count())] == ["the prediction", "version 1 by Dr. X"]
    # A list that has just opened takes no click before a double click would be over.
    interval = opened.app.doubleClickInterval()
    opened.app.setDoubleClickInterval(0)
    opened.bot.mouseClick(box, Qt.MouseButton.LeftButton)
    popup = box.view()
    opened.wait(popup.isVisible)
    opened.app.setDoubleClickInterval(interval)
    place = popup.visualRect(popup.model().index(1, 0)).center()
    opened.bot.mouseMove(popup.viewport(), place)
    opened.settle()
    opened.bot.mouseClick(popup.viewport(), Qt.MouseButton.LeftButton, pos=place)
    opened.wait(lambda: opened.controllers.taking.source is not None)
    assert picker(opened).text == "version 1 by Dr. X"
    session = opened.session
    session.labels[...] = 0
    opened.go_to((10.0, 12.0, 12.0))
    opened.press("P", opened.view(Plane.AXIAL))
    opened.drag(Plane.AXIAL, (10.0, 12.0, 12.0), (10.0, 12.0, 13.0))
    assert session.labels[10, 12, 12] == 2
    assert "from version 1 by Dr. X" in opened.controllers.editing.undo_name


def test_it_is_chosen_by_keys_and_the_slice_command_takes_from_it(opened: Robot) -> None:
    opened.window.actions_set.trigger("mask.take-slice")
    box = picker(opened).box
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_End)
    opened.wait(lambda: opened.controllers.taking.source is not None)
    session = opened.session
    session.labels[...] = 0
    opened.go_to((10.0, 12.0, 12.0))
    opened.bot.mouseClick(opened.window.tools.run, Qt.MouseButton.LeftButton)
    opened.computed()
    opened.wait(lambda: session.history.can_undo)
    assert np.array_equal(np.argwhere(session.labels[10])[0], (8, 8))
    assert (session.labels != 0).sum() == 64


def test_another_case_shows_the_prediction_again(opened: Robot) -> None:
    opened.press("P")
    picker(opened)
    opened.controllers.taking.choose(opened.controllers.taking.sources[0])
    opened.wait(lambda: picker(opened).text == "version 1 by Dr. X")
    opened.press("N")
    opened.wait(lambda: opened.desk.session is not None and opened.session.case.name == "blob_2")
    found = picker(opened)
    assert found.isVisible()
    assert found.text == "the prediction"
    assert found.box.count() == 1


def test_what_is_being_read_is_said_and_the_list_waits(opened: Robot) -> None:
    opened.press("P")
    found = picker(opened)
    opened.controllers.taking.choose(opened.controllers.taking.sources[0])
    assert found.text == "the prediction"
    assert not found.box.isEnabled()
    assert found._reading.isVisible()
    assert found._reading.text() == "Reading version 1 by Dr. X…"
    opened.wait(lambda: opened.controllers.taking.reading is None)
    assert found.box.isEnabled()
    assert not found._reading.isVisible()
