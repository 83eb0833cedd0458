"""Every correction tool by mouse and keys in the real window: it changes what it should, and undo takes it back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QApplication

from app.core.planes import Plane
from app.core.tools import TOOLS, Gesture
from app.ui.bottom_bar import TOOL_HINTS
from app.ui.tool_form import Segments
from app.ui.tool_overlay import outline_words
from model.grid import Float3
from tests.ui.robots import CTRL, SHIFT, Robot, phantom

BLOB = phantom().values == 300
IN_THE_BLOB = (13.0, 5.0, 5.0)


def block(*corners: tuple[slice, slice, slice], value: int = 1) -> npt.NDArray[np.uint8]:
    """A mask of boxes."""
    labels = np.zeros(phantom().grid.shape, np.uint8)
    for corner in corners:
        labels[corner] = value
    return labels


def undo_named(robot: Robot, name: str, before: npt.NDArray[np.uint8]) -> None:
    """Undo says what it takes back, and takes all of it back."""
    assert robot.controllers.editing.undo_name.startswith(name)
    robot.press("Ctrl+Z")
    assert np.array_equal(robot.session.labels, before)
    assert name in robot.message


def test_the_threshold_brush_paints_only_what_lies_in_its_range(robot: Robot) -> None:
    session = robot.show_case()
    robot.go_to(IN_THE_BLOB)
    robot.press("T")
    robot.controllers.editing.set_option("threshold-brush", "low", 200)
    robot.controllers.editing.set_option("threshold-brush", "high", 400)
    robot.controllers.editing.set_radius_mm(6.0)
    robot.drag(Plane.AXIAL, (13.0, 4.0, 4.0), (13.0, 9.0, 9.0))
    assert np.array_equal(session.labels[13] == 1, BLOB[13])
    assert int(session.labels.sum()) == 16
    undo_named(robot, "threshold brush on core", np.zeros_like(session.labels))


def test_ctrl_and_click_takes_the_range_or_the_label_that_lies_there(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    session.labels[13, 4:8, 4:8] = 2
    robot.go_to(IN_THE_BLOB)
    robot.press("B")
    robot.click(Plane.AXIAL, (13.0, 6.0, 6.0), CTRL)
    assert session.active_label == 2
    robot.press("T")
    robot.controllers.editing.set_radius_mm(1.0)
    robot.click(Plane.AXIAL, IN_THE_BLOB, CTRL)
    options = robot.controllers.editing.options("threshold-brush")
    assert options.number("low") <= 300 <= options.number("high")
    assert options.number("low") > -100
    assert not session.history.can_undo


def test_take_prediction_adds_what_the_model_has_and_removes_what_it_has_not(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    assert session.prediction is not None
    session.labels[10, 8:12, 10:18] = 0
    session.labels[10, 16:20, 10:18] = 1
    before = session.labels.copy()
    robot.go_to((10.0, 12.0, 14.0))
    robot.press("P")
    robot.controllers.editing.set_radius_mm(30.0)
    robot.click(Plane.AXIAL, (10.0, 12.0, 14.0))
    assert np.array_equal(session.labels, session.prediction.labels)
    undo_named(robot, "take prediction", before)


def test_take_prediction_without_one_says_what_to_do(robot: Robot) -> None:
    session = robot.show_case()
    robot.press("P")
    robot.click(Plane.AXIAL, session.crosshair)
    assert "F5" in robot.view(Plane.AXIAL).note.text
    assert not session.history.can_undo


def corners_of(plane: Plane, session_crosshair: Float3) -> list[Float3]:
    """A rectangle in a plane, 4.5 voxels to each side of the crosshair."""
    z, y, x = session_crosshair
    a, b = 4.5, 5.5
    match plane:
        case Plane.AXIAL:
            return [(z, y - a, x - b), (z, y - a, x + b), (z, y + a, x + b), (z, y + a, x - b)]
        case Plane.CORONAL:
            return [(z - a, y, x - b), (z - a, y, x + b), (z + a, y, x + b), (z + a, y, x - b)]
        case Plane.SAGITTAL:
            return [(z - a, y - b, x), (z - a, y + b, x), (z + a, y + b, x), (z + a, y - b, x)]


def enclosed(corners: list[Float3]) -> npt.NDArray[np.bool_]:
    """The voxels between the corners of a rectangle."""
    expected = np.zeros(phantom().grid.shape, bool)
    box = tuple(
        slice(int(np.ceil(min(c[axis] for c in corners))), int(np.floor(max(c[axis] for c in corners))) + 1)
        for axis in range(3)
    )
    expected[box] = True
    return expected


@pytest.mark.parametrize("plane", list(Plane))
def test_the_lasso_adds_what_its_line_encloses_in_every_plane(robot: Robot, plane: Plane) -> None:
    session = robot.show_case()
    robot.go_to((10.0, 12.0, 14.0))
    robot.press("L")
    corners = corners_of(plane, session.crosshair)
    robot.drag(plane, *corners)
    assert np.array_equal(session.labels == 1, enclosed(corners))
    undo_named(robot, "lasso on core", np.zeros_like(session.labels))


def test_the_lasso_removes_where_its_form_says_so_and_escape_drops_the_line(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    before = session.labels.copy()
    robot.go_to((10.0, 12.0, 14.0))
    robot.press("L")
    choice = robot.window.tools.form.fields["action"]  # type: ignore[attr-defined]
    assert isinstance(choice, Segments)
    robot.bot.mouseClick(choice.buttons["subtract"], Qt.MouseButton.LeftButton)
    assert robot.controllers.editing.options("lasso").choice("action") == "subtract"
    points = [
        robot.view(Plane.AXIAL).point_of(corner) for corner in corners_of(Plane.AXIAL, session.crosshair)
    ]
    robot.drag_points(Plane.AXIAL, *points, drop=False)
    robot.press("Esc")
    robot.drag_points(Plane.AXIAL, points[0], drop=True)
    assert np.array_equal(session.labels, before)
    assert not session.history.can_undo
    robot.drag_points(Plane.AXIAL, *points)
    assert not session.labels[10].any()
    assert np.array_equal(session.labels[9], before[9])


def set_corners(robot: Robot, plane: Plane) -> list[Float3]:
    """Take the polygon tool, and click four corners round the crosshair."""
    robot.press("Shift+L")
    robot.view(plane).setFocus()
    corners = corners_of(plane, robot.session.crosshair)
    for corner in corners:
        robot.click(plane, corner)
    return corners


CLOSINGS: tuple[Callable[[Robot, Plane, Float3, Float3], None], ...] = (
    lambda robot, plane, first, last: robot.press("Enter"),
    lambda robot, plane, first, last: robot.press("Return"),
    lambda robot, plane, first, last: robot.double_click(plane, last),
    lambda robot, plane, first, last: robot.click(plane, first),
)
"""Whoever knows its first and its last corner closes a polygon."""


@pytest.mark.parametrize("plane", list(Plane))
def test_a_polygon_is_set_corner_by_corner_and_closed_in_four_ways(robot: Robot, plane: Plane) -> None:
    session = robot.show_case()
    robot.go_to((10.0, 12.0, 14.0))
    for close in CLOSINGS:
        corners = set_corners(robot, plane)
        assert not session.labels.any()
        close(robot, plane, corners[0], corners[-1])
        assert np.array_equal(session.labels == 1, enclosed(corners))
        assert robot.controllers.editing.outlining.polygon is None
        undo_named(robot, "polygon on core", np.zeros_like(session.labels))


def test_backspace_takes_the_last_corner_back_and_escape_all_of_them(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    before = session.labels.copy()
    robot.go_to((10.0, 12.0, 14.0))
    corners = set_corners(robot, Plane.AXIAL)
    robot.click(Plane.AXIAL, (10.0, 20.0, 26.0))
    robot.press("Backspace")
    polygon = robot.controllers.editing.outlining.polygon
    assert polygon is not None
    assert polygon.points_rc == pytest.approx(
        np.array([robot.view(Plane.AXIAL).frame.from_voxel(corner)[1:] for corner in corners]), abs=1e-6
    )
    robot.press("Esc")
    assert robot.controllers.editing.outlining.polygon is None
    robot.press("Enter")
    robot.press("Backspace")
    assert np.array_equal(session.labels, before)
    assert not session.history.can_undo


def test_a_polygon_stays_on_its_slice_while_the_wheel_scrolls_and_is_closed_there_alone(robot: Robot) -> None:
    session = robot.show_case()
    robot.go_to((10.0, 12.0, 14.0))
    view = robot.view(Plane.AXIAL)
    corners = set_corners(robot, Plane.AXIAL)
    drawn = robot.screen(view)
    robot.wheel(Plane.AXIAL, 2)
    assert view.slice_index != view.frame.slice_at((10.0, 12.0, 14.0))
    robot.press("Enter")
    assert "another axial slice; go back" in robot.message
    assert not session.labels.any()
    robot.wheel(Plane.AXIAL, -2)
    view.note.clear()
    assert np.array_equal(robot.screen(view), drawn)
    robot.press("Enter")
    assert np.array_equal(session.labels == 1, enclosed(corners))


@pytest.mark.parametrize("leave", ["another tool", "another case", "another plane", "another slice"])
def test_whoever_leaves_a_polygon_drops_it(robot: Robot, leave: str) -> None:
    robot.show_case()
    robot.go_to((10.0, 12.0, 14.0))
    set_corners(robot, Plane.AXIAL)
    outlining = robot.controllers.editing.outlining
    match leave:
        case "another tool":
            robot.press("B")
            assert outlining.polygon is None
        case "another case":
            robot.show_case()
            assert outlining.polygon is None
        case _:
            plane = Plane.AXIAL if leave == "another slice" else Plane.CORONAL
            robot.wheel(plane, 1)
            robot.click(plane, robot.session.crosshair)
            assert outlining.polygon is not None
            assert outlining.polygon.lies_in(plane, robot.view(plane).slice_index)
            assert len(outlining.polygon.corners) == 1
    assert not robot.session.history.can_undo


def test_two_corners_are_no_polygon_and_what_is_refused_can_be_mended(robot: Robot) -> None:
    session = robot.show_case()
    robot.go_to((10.0, 12.0, 14.0))
    robot.press("Shift+L")
    robot.view(Plane.AXIAL).setFocus()
    corners = corners_of(Plane.AXIAL, session.crosshair)
    robot.click(Plane.AXIAL, corners[0])
    robot.double_click(Plane.AXIAL, corners[1])
    assert "needs three corners" in robot.view(Plane.AXIAL).note.text
    robot.click(Plane.AXIAL, corners[2])
    session.labels[10] = 2
    robot.press("Enter")
    assert "other labels, which are protected" in robot.view(Plane.AXIAL).note.text
    assert robot.controllers.editing.outlining.polygon is not None
    robot.controllers.editing.set_option("polygon", "protect", False)
    robot.press("Enter")
    assert (session.labels[10] == 1).any()


def test_a_polygon_shows_its_line_to_the_pointer_and_what_it_encloses_in_millimetres(robot: Robot) -> None:
    robot.show_case()
    robot.go_to((10.0, 12.0, 14.0))
    view = robot.view(Plane.AXIAL)
    set_corners(robot, Plane.AXIAL)
    robot.hover(Plane.AXIAL, (10.0, 12.0, 26.0))
    near = robot.screen(view)
    robot.hover(Plane.AXIAL, (10.0, 20.0, 26.0))
    assert (robot.screen(view) != near).any()
    # 11 × 9 voxels of 1.5 × 1 mm, and 10 voxels between centres along y and 11 along x.
    places = [view.frame.from_voxel(corner)[1:] for corner in corners_of(Plane.AXIAL, (10.0, 12.0, 14.0))]
    assert outline_words(view, [(row, column) for row, column in places]) == "148 mm², 51.0 mm round"
    assert outline_words(view, [(0.0, 0.0), (4.0, 2.0)]) == "5.0 mm"


def test_the_smooth_brush_takes_a_spike_off_and_leaves_the_rest(robot: Robot) -> None:
    spiked = block((slice(6, 13), slice(6, 15), slice(6, 15)), (slice(9, 10), slice(10, 11), slice(15, 22)))
    session = robot.show_case(labels=spiked.copy())
    robot.go_to((9.0, 10.0, 18.0))
    robot.press("S")
    robot.controllers.editing.set_radius_mm(4.0)
    robot.drag(Plane.AXIAL, (9.0, 10.0, 17.0), (9.0, 10.0, 22.0))
    assert np.array_equal(session.labels, block((slice(6, 13), slice(6, 15), slice(6, 15))))
    undo_named(robot, "smooth brush on core", spiked)
    robot.go_to((9.0, 10.0, 10.0))
    robot.controllers.editing.set_radius_mm(1.0)
    robot.click(Plane.AXIAL, (9.0, 10.0, 10.0))
    assert "as smooth as that here already" in robot.view(Plane.AXIAL).note.text


@pytest.mark.parametrize("plane", list(Plane))
def test_grow_fills_what_was_pressed_and_letting_go_accepts(robot: Robot, plane: Plane) -> None:
    session = robot.show_case()
    robot.go_to(IN_THE_BLOB)
    robot.press("G")
    robot.click(plane, IN_THE_BLOB)
    robot.wait(lambda: session.history.can_undo)
    assert np.array_equal(session.labels == 1, BLOB)
    undo_named(robot, "grow on core", np.zeros_like(session.labels))


def test_dragging_up_raises_the_tolerance_shows_a_preview_and_escape_drops_it(robot: Robot) -> None:
    session = robot.show_case()
    robot.go_to(IN_THE_BLOB)
    robot.press("G")
    plain = robot.pixels(Plane.AXIAL)
    view = robot.view(Plane.AXIAL)
    start = view.point_of(IN_THE_BLOB)
    robot.drag_points(Plane.AXIAL, start, drop=False)
    first = robot.controllers.editing.point_tolerance
    assert first is not None
    robot.drag_points(Plane.AXIAL, start, start + QPointF(0, -60), drop=False)
    assert robot.controllers.editing.point_tolerance == pytest.approx(
        first + 60 * robot.desk.look.width / 400
    )
    robot.computed()
    assert session.preview is not None
    assert (robot.pixels(Plane.AXIAL) != plain).any()
    assert not session.labels.any()
    robot.press("Esc")
    assert session.preview is None
    assert np.array_equal(robot.pixels(Plane.AXIAL), plain)
    assert not session.history.can_undo


def test_a_click_deletes_the_island_under_it_or_all_others(robot: Robot) -> None:
    two = block((slice(5, 8), slice(5, 8), slice(5, 8)), (slice(5, 8), slice(14, 18), slice(14, 18)))
    session = robot.show_case(labels=two.copy())
    robot.go_to((6.0, 6.0, 6.0))
    robot.press("I")
    robot.click(Plane.AXIAL, (6.0, 6.0, 6.0))
    robot.wait(lambda: session.history.can_undo)
    assert int(session.labels.sum()) == 48
    undo_named(robot, "island on core", two)
    robot.controllers.editing.set_option("island", "action", "keep")
    robot.click(Plane.CORONAL, (6.0, 6.0, 6.0))
    robot.wait(lambda: session.history.can_undo)
    assert int(session.labels.sum()) == 27


@pytest.mark.parametrize("tool", [tool for tool in TOOLS.values() if tool.gesture is not Gesture.COMMAND])
def test_the_wheel_scrolls_whatever_is_in_the_hand(robot: Robot, tool: object) -> None:
    robot.show_case(predicted=True)
    robot.press(tool.key)  # type: ignore[attr-defined]
    assert robot.controllers.editing.tool == tool.name  # type: ignore[attr-defined]
    before = robot.view(Plane.SAGITTAL).slice_index
    robot.wheel(Plane.SAGITTAL, 2)
    assert robot.view(Plane.SAGITTAL).slice_index == before + 2
    assert tool.name in TOOL_HINTS  # type: ignore[attr-defined]


def test_what_is_outside_the_scan_is_refused_beside_the_pointer_without_taking_the_keyboard(
    robot: Robot,
) -> None:
    session = robot.show_case()
    view = robot.view(Plane.AXIAL)
    view.setFocus()
    robot.controllers.editing.set_radius_mm(1.0)
    for key in ("B", "E", "S", "L", "G", "I"):
        robot.press(key)
        robot.click(Plane.AXIAL, (10.0, -3.0, 14.0))
        robot.computed()
        assert view.note.text
        assert view.note.text == robot.message
    assert robot.view(Plane.CORONAL).note.text == ""
    assert QApplication.focusWidget() is view
    assert not session.history.can_undo
    robot.press("V")
    robot.click(Plane.AXIAL, (10.0, 12.0, 14.0))
    assert view.note.text == ""


@pytest.mark.parametrize("key", ["B", "E", "T", "P", "S", "L", "Shift+L", "G", "I"])
def test_a_locked_label_is_refused_by_every_tool_and_nothing_changes(robot: Robot, key: str) -> None:
    session = robot.show_case(predicted=True)
    before = session.labels.copy()
    robot.controllers.labelling.set_locked(1, True)
    robot.controllers.editing.set_option("take-prediction", "labels", "active")
    robot.go_to((10.0, 12.0, 14.0))
    robot.press(key)
    robot.drag(Plane.AXIAL, *corners_of(Plane.AXIAL, session.crosshair))
    robot.computed()
    assert "core is locked" in robot.view(Plane.AXIAL).note.text
    assert np.array_equal(session.labels, before)
    assert not session.history.can_undo


def test_every_painting_tool_shows_its_outline_and_shift_and_wheel_size_it(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    for key in ("B", "E", "T", "P", "S"):
        robot.press(key)
        robot.hover(Plane.AXIAL, (10.0, 12.0, 14.0))
        assert robot.view(Plane.AXIAL).cursor().shape() is Qt.CursorShape.BlankCursor
        before = session.radius_mm
        robot.wheel(Plane.AXIAL, 1, SHIFT)
        assert session.radius_mm > before
