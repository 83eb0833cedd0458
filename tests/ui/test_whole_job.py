"""The whole job once in the window, on a small workspace on disk with a tiny network."""

from __future__ import annotations

from pathlib import Path

from app.controllers.conditions import Condition
from app.core.planes import Plane
from app.core.review import CaseState
from tests.ui.robots import Robot


def test_a_case_is_opened_predicted_corrected_and_accepted_and_the_next_one_opens(
    robot: Robot, workspace_folder: Path
) -> None:
    desk = robot.desk
    robot.controllers.opening.open_workspace(workspace_folder)
    robot.wait(lambda: desk.session is not None, 60)
    first = robot.session
    assert robot.window.worklist.filter.rowCount() == 3
    assert robot.window.windowTitle().startswith("blob_1")
    robot.wait(lambda: desk.runner.is_idle, 60)

    robot.press("F5")
    robot.wait(lambda: first.prediction is not None and not desk.is_on(Condition.PREDICTING), 120)
    assert (first.labels == first.prediction.labels).all()  # type: ignore[union-attr]
    assert len(robot.window.ladder.cards) == len(first.prediction.attention) > 0  # type: ignore[union-attr]

    robot.controllers.labelling.set_active(1)
    z = first.frame(Plane.AXIAL).slice_at(first.crosshair)
    free = next((y, x) for y in range(2, 22) for x in range(2, 26) if first.labels[z, y, x] == 0)
    robot.press("B")
    robot.drag(Plane.AXIAL, (z, float(free[0]), float(free[1])), (z, float(free[0]), float(free[1])))
    assert first.history.can_undo, robot.message

    robot.press("Ctrl+Return")
    robot.wait(lambda: desk.session is not None and desk.session is not first and not desk.saving, 60)
    assert robot.window.windowTitle().startswith("blob_2")
    row = desk.row(first.case.id)
    assert row is not None
    assert (row.state, row.version, row.reader) == (CaseState.CORRECTED, 1, "tester")
    robot.wait(lambda: desk.runner.is_idle, 120)
