"""Every tool of the table in the real window, by key or palette and mouse, in all three planes, and undone by Ctrl+Z.

What each does to a mask in particular is in `test_tools` and `test_tool_panel`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QEvent, QPointF
from PySide6.QtWidgets import QApplication

from app.core.planes import Plane
from app.core.session import Session
from app.core.tools import TOOLS, Gesture
from app.core.tools.brush import sweep
from app.ui import slice_overlay
from app.ui.command_palette import CommandPalette
from app.ui.tool_overlay import brush_words
from model.grid import Float3
from tests.ui.robots import Robot, phantom

Mask = npt.NDArray[np.uint8]
ON_THE_SPIKE: Float3 = (9.0, 10.0, 18.0)
PLACES: dict[str, Float3] = {"island": (1.0, 1.0, 1.0)}
STROKES = [name for name, tool in TOOLS.items() if tool.gesture is Gesture.STROKE]


def cube() -> Mask:
    labels = np.zeros(phantom().grid.shape, np.uint8)
    labels[6:13, 6:15, 6:15] = 1
    return labels


def scene(robot: Robot, tool: str, plane: Plane) -> Session:
    """A cube with a hole, a spike and a crumb, in which every tool has something to do; the model found the cube."""
    session = robot.session
    labels = cube()
    labels[9, 10, 10] = 0
    labels[9, 10, 15:22] = 1
    labels[1, 1, 1] = 1
    if tool == "fill-between":
        frame = session.frame(plane)
        labels[frame.box(frame.slice_at(ON_THE_SPIKE) if plane is not Plane.SAGITTAL else 12).slices] = 0
    session.labels[...] = labels
    robot.controllers.editing.set_radius_mm(3.0)
    robot.controllers.editing.set_option("threshold-brush", "low", -200)
    robot.go_to(PLACES.get(tool, ON_THE_SPIKE))
    return session


def round_about(robot: Robot, plane: Plane) -> list[Float3]:
    """Four corners round the crosshair, in a plane."""
    frame = robot.session.frame(plane)
    index, row, column = frame.from_voxel(robot.session.crosshair)
    return [
        frame.to_voxel(index, row + down, column + right)
        for down, right in ((-3, -3), (-3, 3), (3, 3), (3, -3))
    ]


def by_stroke(robot: Robot, plane: Plane) -> None:
    robot.drag(plane, *round_about(robot, plane)[::2], robot.session.crosshair)


def by_outline(robot: Robot, plane: Plane) -> None:
    robot.drag(plane, *round_about(robot, plane))


def by_corners(robot: Robot, plane: Plane) -> None:
    robot.view(plane).setFocus()
    for corner in round_about(robot, plane):
        robot.click(plane, corner)
    robot.press("Enter")


def by_click(robot: Robot, plane: Plane) -> None:
    robot.click(plane, robot.session.crosshair)
    robot.wait(lambda: robot.session.history.can_undo)


USES: dict[Gesture, Callable[[Robot, Plane], None]] = {
    Gesture.NONE: lambda robot, plane: robot.click(plane, round_about(robot, plane)[0]),
    Gesture.STROKE: by_stroke,
    Gesture.OUTLINE: by_outline,
    Gesture.POLYGON: by_corners,
    Gesture.POINT: by_click,
    Gesture.BOX: lambda robot, plane: robot.drag(plane, *round_about(robot, plane)[::2]),
}


def take(robot: Robot, name: str, plane: Plane) -> None:
    """Take a tool by its key; what has none is found in the palette, or in the menu."""
    tool = TOOLS[name]
    if tool.key:
        robot.press(tool.key)
        return
    if plane is not Plane.AXIAL:
        robot.window.actions_set.trigger(f"mask.{name}")
        return
    robot.press("Ctrl+K")
    palette = robot.window.dialog
    assert isinstance(palette, CommandPalette)
    palette.field.setText(tool.text)
    robot.press("Return", palette.field)
    robot.window.activateWindow()


def run(robot: Robot, name: str, plane: Plane) -> None:
    """Return runs the command whose form is shown in the plane worked in last, and accepts its preview."""
    run_button = robot.window.tools.run
    robot.wait(lambda: QApplication.focusWidget() is run_button)
    robot.press("Return")
    robot.computed()
    if TOOLS[name].preview:
        robot.press("Return", robot.view(plane))
    robot.wait(lambda: robot.session.history.can_undo)


@pytest.mark.parametrize("plane", list(Plane))
def test_every_tool_is_taken_by_its_key_used_by_the_mouse_and_undone(robot: Robot, plane: Plane) -> None:
    session = robot.show_case(labels=cube(), predicted=True)
    assert session.prediction is not None
    for name, tool in TOOLS.items():
        scene(robot, name, plane)
        before = session.labels.copy()
        robot.wheel(plane, 1)
        robot.wheel(plane, -1)
        take(robot, name, plane)
        if tool.gesture is Gesture.COMMAND:
            run(robot, name, plane)
        else:
            assert robot.controllers.editing.tool == name
            USES[tool.gesture](robot, plane)
        if tool.gesture in (Gesture.NONE, Gesture.BOX):
            assert np.array_equal(session.labels, before), name
            assert not session.history.can_undo
            continue
        assert not np.array_equal(session.labels, before), name
        assert session.history.depth == 1, name
        robot.press("Ctrl+Z", robot.view(plane))
        assert np.array_equal(session.labels, before), name
    assert session.region is not None
    assert session.crosshair == ON_THE_SPIKE


@pytest.mark.parametrize("ball", [False, True])
@pytest.mark.parametrize("plane", list(Plane))
def test_the_outline_of_a_brush_is_what_it_would_paint_of_the_slice_in_millimetres(
    robot: Robot, plane: Plane, ball: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[QPointF, float]] = []
    paint = slice_overlay.paint_brush
    monkeypatch.setattr(
        slice_overlay, "paint_brush",
        lambda painter, centre, px, *rest: (drawn.append((QPointF(centre), px)), paint(painter, centre, px, *rest)),
    )  # fmt: skip
    session = robot.show_case()
    robot.controllers.editing.set_option("brush", "ball", ball)
    view, middle = robot.view(plane), (9.0, 12.0, 14.0)
    robot.go_to(middle)
    robot.press("B")
    for radius_mm in (2.0, 4.7):
        robot.controllers.editing.set_radius_mm(radius_mm)
        drawn.clear()
        robot.hover(plane, middle)
        robot.screen(view)
        centre, px = drawn[-1]
        assert px == pytest.approx(radius_mm * view.px_per_mm())
        spacing = np.array(session.grid.spacing)
        for way in (QPointF(px, 0), QPointF(0, px), QPointF(-px, 0), QPointF(0, -px)):
            step = np.subtract(view.voxel_at(centre + way), view.voxel_at(centre)) * spacing
            assert np.linalg.norm(step) == pytest.approx(radius_mm)
        flat = None if ball else view.frame.slice_axis
        covered = sweep(session.tools._brush(plane), middle, middle, session.grid.spacing, session.grid.shape)
        assert covered is not None
        assert session.tools._brush(plane).flat_axis == flat
        inside = np.argwhere(covered.mask) + covered.box.start
        here = [
            tuple(voxel) for voxel in inside if voxel[view.frame.slice_axis] == middle[view.frame.slice_axis]
        ]
        for voxel in np.ndindex(*session.grid.shape):
            if voxel[view.frame.slice_axis] == middle[view.frame.slice_axis]:
                off = view.point_of((float(voxel[0]), float(voxel[1]), float(voxel[2]))) - centre
                distance = (off.x() ** 2 + off.y() ** 2) ** 0.5
                if abs(distance - px) > 1e-6:
                    assert (distance < px) == (voxel in here)
    assert brush_words(session) == ("4.7 mm ball" if ball else "4.7 mm")


@pytest.mark.parametrize("ball", [False, True])
def test_a_ball_is_seen_in_the_other_views_as_wide_as_their_slices_cut_it(
    robot: Robot, ball: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[QPointF, float]] = []
    monkeypatch.setattr(
        slice_overlay, "paint_brush", lambda painter, centre, px, *rest: drawn.append((QPointF(centre), px))
    )
    robot.show_case()
    robot.go_to((9.0, 12.0, 14.0))
    robot.controllers.editing.set_option("brush", "ball", ball)
    robot.controllers.editing.set_radius_mm(5.0)
    robot.press("B")
    for beside, radius_mm in ((4.0, 3.0), (6.0, 0.0)):  # voxels of 1 mm along y, across the coronal plane
        pointed = (9.0, 12.0 + beside, 14.0)
        robot.hover(Plane.AXIAL, pointed)
        view = robot.view(Plane.CORONAL)
        drawn.clear()
        robot.screen(view)
        if ball and radius_mm:
            ((centre, px),) = drawn
            assert px == pytest.approx(radius_mm * view.px_per_mm(), rel=1e-6)
            assert (centre - view.point_of(pointed)).manhattanLength() < 1e-6
        else:
            assert drawn == []
    QApplication.sendEvent(robot.view(Plane.AXIAL), QEvent(QEvent.Type.Leave))
    robot.screen(robot.view(Plane.SAGITTAL))
    assert drawn == []


@pytest.mark.parametrize("tool", STROKES)
def test_beside_every_brush_stands_its_radius_and_under_a_voxel_the_voxel_it_changes(
    robot: Robot, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    paint = slice_overlay.paint_text
    monkeypatch.setattr(
        slice_overlay,
        "paint_text",
        lambda painter, at, text, *rest: (said.append(text), paint(painter, at, text, *rest)),
    )
    robot.show_case(predicted=True)
    view, place = robot.view(Plane.AXIAL), (9.0, 12.0, 14.0)
    robot.go_to(place)
    robot.press(TOOLS[tool].key)
    robot.controllers.editing.set_radius_mm(0.2)
    robot.hover(Plane.AXIAL, place)
    small = robot.screen(view)
    assert "0.2 mm" in said
    down, right = (px / 2 for px in view.px_per_voxel())
    corner = (view.point_of(place) - QPointF(right, down)).toPoint()
    frame = np.s_[corner.y() - 1 : corner.y() + 2, corner.x() - 1 : corner.x() + 2]
    robot.controllers.editing.set_radius_mm(40.0)  # its circle is far from here
    assert (robot.screen(view)[frame] != small[frame]).any()
    robot.controllers.editing.set_radius_mm(1.0)
    said.clear()
    robot.drag_points(Plane.AXIAL, view.point_of(place), drop=False)
    robot.screen(view)
    assert "1.0 mm" not in said  # nothing in the way while it paints
    robot.press("Esc")
