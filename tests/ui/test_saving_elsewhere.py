"""Saving the mask elsewhere in the window: the key, the question, and what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QFileDialog, QLineEdit

from app.ui.actions import Group, action
from model.scan_io import read_labels
from tests.ui.robots import Robot


def ask(robot: Robot) -> QFileDialog:
    robot.press("Ctrl+Shift+S")
    asked = robot.window.dialog
    assert isinstance(asked, QFileDialog)
    return asked


def answer(robot: Robot, asked: QFileDialog, text: str) -> None:
    """Type a path and press Return."""
    field = asked.findChild(QLineEdit)
    field.setText(text)
    robot.press("Return", field)


def test_the_key_asks_where_and_the_mask_is_there(robot: Robot, tmp_path: Path) -> None:
    session = robot.show_case(predicted=True)
    asked = ask(robot)
    assert asked.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    assert [Path(name).name for name in asked.selectedFiles()] == ["blob_mask.nii.gz"]
    answer(robot, asked, str(tmp_path / "mine"))
    robot.wait(lambda: "was saved as mine.nii.gz" in robot.message)
    assert np.array_equal(read_labels(tmp_path / "mine.nii.gz", session.grid).labels, session.labels)
    assert robot.window.dialog is None


def test_escape_saves_nothing(robot: Robot) -> None:
    robot.show_case(predicted=True)
    asked = ask(robot)
    robot.press("Esc", asked)
    assert robot.window.dialog is None
    assert robot.message == ""


def test_a_folder_that_cannot_be_written_is_said(robot: Robot, tmp_path: Path) -> None:
    robot.show_case(predicted=True)
    robot.controllers.elsewhere.save_elsewhere(tmp_path / "nowhere" / "mine.nii.gz")
    robot.wait(lambda: robot.message != "")
    assert robot.message.startswith("mine.nii.gz cannot be written")
    assert robot.window.messages.kind == "error"


def test_a_case_that_came_up_meanwhile_is_not_taken_for_the_one_asked_about(
    robot: Robot, tmp_path: Path
) -> None:
    robot.show_case(predicted=True)
    asked = ask(robot)
    robot.show_case()
    answer(robot, asked, str(tmp_path / "mine"))
    robot.settle()
    assert robot.message == "Another case came up meanwhile; nothing was saved elsewhere."
    assert list(tmp_path.glob("mine*")) == []


def test_it_stands_in_the_file_menu_and_needs_a_case(robot: Robot) -> None:
    row = action("file.save_elsewhere")
    assert row.group is Group.FILE
    assert not robot.window.actions_set.actions[row.id].isEnabled()
    robot.show_case()
    assert robot.window.actions_set.actions[row.id].isEnabled()
