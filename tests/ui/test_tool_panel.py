"""The tool pane and the label list: forms that reach the session, commands with previews, locks and hidden labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.controllers.conditions import Condition
from app.core.planes import Plane
from app.core.tools import TOOLS, Gesture
from app.core.tools.parameters import Choice, Number
from app.ui import folding
from app.ui.actions import action
from app.ui.tool_form import ChoiceBox, NumberField, Segments, ToolForm
from tests.ui.robots import Robot, phantom

COMMANDS = [name for name, tool in TOOLS.items() if tool.gesture is Gesture.COMMAND]
Mask = npt.NDArray[np.uint8]


def form(robot: Robot) -> ToolForm:
    """The form that is shown."""
    shown = robot.window.tools.form
    assert isinstance(shown, ToolForm)
    return shown


def number(robot: Robot, name: str) -> NumberField:
    """A field of the form."""
    field = form(robot).fields[name]
    assert isinstance(field, NumberField)
    return field


def click(robot: Robot, button: QWidget) -> None:
    """Click a widget in its middle."""
    robot.bot.mouseClick(button, Qt.MouseButton.LeftButton)
    robot.settle()


def run(robot: Robot, command: str) -> None:
    """Choose a command and press its button."""
    robot.window.actions_set.trigger(f"mask.{command}")
    assert robot.window.tools.command == command
    click(robot, robot.window.tools.run)
    robot.computed()


def mask(*boxes: tuple[slice, slice, slice]) -> Mask:
    """A mask of boxes of label 1."""
    labels = np.zeros(phantom().grid.shape, np.uint8)
    for box in boxes:
        labels[box] = 1
    return labels


CUBE = mask((slice(6, 13), slice(6, 15), slice(6, 15)))


def with_hole() -> Mask:
    labels = CUBE.copy()
    labels[9, 10, 10] = 0
    return labels


def with_crumb() -> Mask:
    labels = CUBE.copy()
    labels[1, 1, 1] = 1
    return labels


def with_spike() -> Mask:
    labels = CUBE.copy()
    labels[9, 10, 15:22] = 1
    return labels


def with_gap() -> Mask:
    labels = CUBE.copy()
    labels[8:11] = 0
    return labels


def half_a_slice() -> Mask:
    labels = CUBE.copy()
    labels[9, :10] = 0
    labels[10, 20] = 1
    return labels


def is_cube(labels: Mask) -> bool:
    return bool(np.array_equal(labels, CUBE))


CASES: list[tuple[str, Callable[[], Mask], Callable[[Mask], bool]]] = [
    ("fill-holes", with_hole, is_cube),
    ("islands", with_crumb, is_cube),
    ("smooth", with_spike, lambda after: not after[9, 10, 17:].any() and bool(after[9, 10, 10])),
    ("margin", CUBE.copy, lambda after: bool(after[9, 10, 15]) and after.sum() > CUBE.sum()),
    ("fill-between", with_gap, is_cube),
    ("probability", with_hole, is_cube),
    ("take-label", with_hole, is_cube),
    (
        "take-slice",
        half_a_slice,
        lambda after: bool((after[9] == CUBE[9]).all()) and bool(after[10, 20].all()),
    ),
    ("clear-label", CUBE.copy, lambda after: not after.any()),
]


@pytest.mark.parametrize(("command", "scene", "right"), CASES, ids=[case[0] for case in CASES])
def test_a_command_runs_from_its_form_and_undo_takes_it_back(
    robot: Robot, command: str, scene: Callable[[], Mask], right: Callable[[Mask], bool]
) -> None:
    session = robot.show_case(labels=CUBE.copy(), predicted=True)
    before = scene()
    session.labels[...] = before
    robot.go_to((9.0, 10.0, 10.0))
    robot.controllers.editing.set_option("smooth", "method", "opening")
    run(robot, command)
    if TOOLS[command].preview:
        assert np.array_equal(session.labels, before)
        assert session.preview is not None
        robot.press("Return")
    robot.wait(lambda: session.history.can_undo)
    assert right(session.labels)
    assert session.preview is None
    name = robot.controllers.editing.undo_name
    robot.press("Ctrl+Z")
    assert np.array_equal(session.labels, before)
    assert name in robot.message


def test_every_command_stands_among_the_cases_above() -> None:
    assert {case[0] for case in CASES} == set(COMMANDS)


def test_a_command_that_is_refused_says_why_under_its_button_and_leaves_no_step(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    run(robot, "fill-holes")
    assert "has no holes" in robot.window.tools.refusal.text()
    assert robot.window.tools.refusal.isVisible()
    assert not session.history.can_undo


def test_a_command_that_needs_a_prediction_says_so_without_one(robot: Robot) -> None:
    robot.show_case(labels=CUBE.copy())
    for command in ("take-slice", "take-label", "probability"):
        run(robot, command)
        assert "prediction" in robot.window.tools.refusal.text()


def test_the_palette_opens_the_form_and_return_runs_previews_and_accepts(robot: Robot) -> None:
    session = robot.show_case(labels=CUBE.copy(), predicted=True)
    session.labels[...] = with_gap()
    robot.go_to((9.0, 10.0, 10.0))
    robot.press("Ctrl+K")
    palette = robot.window.dialog
    assert palette is not None
    robot.bot.keyClicks(palette.field, "fill betw")  # type: ignore[attr-defined]
    robot.press("Return", palette.field)  # type: ignore[attr-defined]
    robot.window.activateWindow()
    robot.wait(lambda: QApplication.focusWidget() is robot.window.tools.run)
    robot.press("Return")
    robot.wait(lambda: session.preview is not None)
    assert "Enter accepts, Esc drops" in robot.window.tools.preview.text
    assert "mL" in robot.window.tools.preview.text
    robot.press("Return")
    assert is_cube(session.labels)
    assert robot.window.tools.preview.text == ""


def test_escape_drops_a_preview_and_enter_then_does_nothing(robot: Robot) -> None:
    session = robot.show_case(labels=CUBE.copy(), predicted=True)
    session.labels[...] = with_gap()
    robot.go_to((9.0, 10.0, 10.0))
    robot.view(Plane.AXIAL).redraw()
    plain = robot.pixels(Plane.AXIAL)
    accept = robot.window.actions_set.actions["mask.accept_preview"]
    assert not accept.isEnabled()
    run(robot, "fill-between")
    assert accept.isEnabled()
    assert (robot.pixels(Plane.AXIAL) != plain).any()
    robot.press("Esc")
    assert session.preview is None
    assert not accept.isEnabled()
    assert np.array_equal(robot.pixels(Plane.AXIAL), plain)
    robot.press("Return")
    assert np.array_equal(session.labels, with_gap())
    assert not session.history.can_undo


def test_the_buttons_of_the_preview_accept_and_drop(robot: Robot) -> None:
    session = robot.show_case(labels=CUBE.copy(), predicted=True)
    session.labels[...] = with_gap()
    run(robot, "fill-between")
    click(robot, robot.window.tools.preview.drop)
    assert session.preview is None
    run(robot, "fill-between")
    click(robot, robot.window.tools.preview.accept)
    assert is_cube(session.labels)


def test_another_threshold_shows_another_preview_at_once(robot: Robot) -> None:
    session = robot.show_case(labels=CUBE.copy(), predicted=True)
    assert session.prediction is not None
    session.labels[...] = 0
    likely = session.prediction.probabilities[0]
    likely.setflags(write=True)
    likely[6:8][CUBE[6:8] > 0] = 150
    run(robot, "probability")
    assert session.preview is not None
    assert session.preview.voxels_added == CUBE.sum()
    # Faster than they are computed: the last one counts.
    for threshold in (70, 75, 80):
        number(robot, "threshold").setValue(threshold)
    robot.computed()
    assert session.preview is not None
    assert session.preview.voxels_added == CUBE[8:].sum()
    assert robot.controllers.editing.options("probability").number("threshold") == 80
    assert action("mask.accept_preview").condition is Condition.HAS_PREVIEW


def test_the_plane_of_a_command_is_the_one_worked_in_last_not_the_one_passed_over(robot: Robot) -> None:
    robot.show_case(predicted=True)
    robot.wheel(Plane.CORONAL, 1)
    robot.hover(Plane.SAGITTAL, (10.0, 12.0, 14.0))
    robot.window.actions_set.trigger("mask.take-slice")
    assert robot.window.tools.planes.buttons["coronal"].isChecked()
    robot.window.actions_set.trigger("mask.margin")
    assert not robot.window.tools.planes.isVisible()


@pytest.mark.parametrize("name", list(TOOLS))
def test_every_form_shows_what_is_set_reaches_the_session_and_fits_the_side(robot: Robot, name: str) -> None:
    session = robot.show_case(predicted=True)
    tool, panel = TOOLS[name], robot.window.tools
    robot.window.actions_set.trigger(f"{'mask' if tool.gesture is Gesture.COMMAND else 'tool'}.{name}")
    robot.settle()
    assert panel._help.text() == tool.help
    assert panel.minimumSizeHint().width() <= 310
    assert panel.run.isVisible() == (tool.gesture is Gesture.COMMAND)
    assert set(form(robot).fields) - {"presets"} == {parameter.name for parameter in tool.parameters}
    for parameter in tool.parameters:
        field = form(robot).fields[parameter.name]
        assert field.toolTip() == parameter.help
        if isinstance(parameter, Number):
            assert isinstance(field, NumberField)
            assert field.suffix().strip() == parameter.unit
            field.stepUp()
            expected: object = pytest.approx(parameter.default + parameter.step)
        elif isinstance(parameter, Choice):
            expected = parameter.options[-1][0]
            if isinstance(field, Segments):
                click(robot, field.buttons[str(expected)])
            else:
                assert isinstance(field, ChoiceBox)
                field.setCurrentIndex(len(parameter.options) - 1)
                field.activated.emit(field.currentIndex())
        else:
            assert isinstance(field, folding.CheckBox)
            field.click()
            expected = not parameter.default
        assert session.tools.options(name).value(parameter.name) == expected


def test_the_form_follows_what_the_wheel_and_other_controls_set(robot: Robot) -> None:
    robot.show_case()
    robot.press("B")
    robot.controllers.editing.set_radius_mm(7.5)
    assert number(robot, "radius_mm").value() == 7.5
    robot.press("T")
    shown = form(robot)
    assert shown.presets is not None
    assert shown.presets.currentText() == "Soft tissue"
    shown.presets.activated.emit(shown.presets.findText("Bone"))
    options = robot.controllers.editing.options("threshold-brush")
    assert (options.number("low"), options.number("high")) == (226, 3071)
    assert number(robot, "low").value() == 226
    robot.controllers.editing.set_option("threshold-brush", "low", 230)
    assert shown.presets.currentIndex() == -1


def test_a_number_field_keeps_letters_arrows_and_return_to_itself(robot: Robot) -> None:
    session = robot.show_case()
    robot.press("B")
    field, look = number(robot, "radius_mm"), robot.desk.look
    index = robot.view(Plane.AXIAL).slice_index
    field.setFocus()
    for key in ("E", "O", "X"):
        robot.press(key)
    assert robot.controllers.editing.tool == "brush"
    assert robot.desk.look == look
    robot.press("Up")
    assert session.radius_mm == pytest.approx(5.5)
    assert robot.view(Plane.AXIAL).slice_index == index
    field.selectAll()
    QTest.keyClicks(field, "8")
    assert session.radius_mm == pytest.approx(5.5)
    robot.press("Return", field)
    assert session.radius_mm == pytest.approx(8.0)
    robot.press("E")
    assert robot.controllers.editing.tool == "erase"


def test_a_tool_takes_the_pane_back_from_a_command(robot: Robot) -> None:
    robot.show_case()
    robot.press("B")
    robot.window.actions_set.trigger("mask.margin")
    assert robot.window.tools.command == "margin"
    robot.press("B", robot.view(Plane.AXIAL))
    assert robot.window.tools.command is None
    assert "radius_mm" in form(robot).fields


def test_a_label_is_locked_by_its_button_and_by_the_keyboard(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    first, second = robot.window.labels.lines
    click(robot, first.lock)
    assert session.rules.locked == {1}
    assert "Unlock core" in first.lock.toolTip()
    second.lock.setFocus()
    robot.press("Space")
    assert session.rules.locked == {1, 2}
    click(robot, first.lock)
    assert session.rules.locked == {2}
    assert "Lock core" in first.lock.toolTip()
    assert not session.history.can_undo


def test_a_hidden_label_is_not_drawn_in_any_view_and_comes_back(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    session.labels[8:14, 16:20, 10:18] = 2
    for plane in Plane:
        robot.view(plane).redraw()
    robot.go_to((10.0, 15.0, 14.0))
    both = {plane: robot.pixels(plane) for plane in Plane}
    line = robot.window.labels.lines[1]
    click(robot, line.eye)
    assert session.rules.hidden == {2}
    robot.window.actions_set.trigger("mask.hide")
    assert session.rules.hidden == {1, 2}
    robot.controllers.looking.set_mask_visible(True)
    hidden = {plane: robot.pixels(plane) for plane in Plane}
    robot.controllers.looking.set_mask_visible(False)
    for plane in Plane:
        assert (hidden[plane] != both[plane]).any()
        assert np.array_equal(hidden[plane], robot.pixels(plane))
    robot.controllers.looking.set_mask_visible(True)
    click(robot, line.eye)
    robot.window.actions_set.trigger("mask.hide")
    for plane in Plane:
        assert np.array_equal(robot.pixels(plane), both[plane])
    robot.window.actions_set.trigger("mask.lock")
    assert session.rules.locked == {1}
    assert "core is locked" in robot.message


@pytest.mark.parametrize("reader", ["", "tester", "Dr. Alexandra Maximiliana Longname-Reader"])
def test_research_use_and_the_reader_stay_on_the_toolbar_of_the_narrowest_window(
    robot: Robot, reader: str
) -> None:
    robot.show_case(predicted=True)
    robot.window.resize(robot.window.minimumSize())
    robot.controllers.reviewing.set_reader(reader)
    robot.window.show_reader()
    robot.settle()
    notice = robot.window.research
    assert notice.isVisible()
    assert notice.width() >= notice.fontMetrics().horizontalAdvance("Research use only")
    assert robot.window._reader.isVisible()


def test_a_command_without_a_preview_is_not_run_by_changing_its_form(robot: Robot) -> None:
    session = robot.show_case(labels=CUBE.copy(), predicted=True)
    session.labels[...] = with_gap()
    run(robot, "fill-between")
    assert session.preview is not None
    robot.window.actions_set.trigger("mask.margin")
    number(robot, "mm").setValue(2.0)
    robot.computed()
    assert np.array_equal(session.labels, with_gap())
    assert session.preview is not None
