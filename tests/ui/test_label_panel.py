"""The list of labels, worked by mouse and keys: add, rename, colour, code, clear, lock, name, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QColorDialog, QMenu, QWidget

from app.core.label_rules import PALETTE
from app.core.labels import LabelEntry, LabelTable
from app.core.planes import Plane
from app.ui.label_dialog import LabelDialog
from app.ui.label_panel import LabelPanel
from tests.ui.robots import TABLE, Robot, phantom

# The offscreen platform says so of every menu that pops up.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support (raise|grabbing)", extend=True)

RED, ORANGE, SKY = (220, 60, 60), PALETTE[0], PALETTE[1]


def click(robot: Robot, widget: QWidget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
    robot.settle()


def double_click(robot: Robot, widget: QWidget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(widget, Qt.MouseButton.LeftButton)
    robot.settle()


def back(robot: Robot) -> None:
    """Give the window the keyboard again, as a window manager does once a dialog or a menu is gone."""
    assert robot.window.dialog is None
    robot.window.activateWindow()
    robot.wait(robot.window.isActiveWindow)
    robot.settle()


def write(robot: Robot, field: QWidget, text: str) -> None:
    """Type over what is in a field."""
    field.selectAll()  # type: ignore[attr-defined]
    QTest.keyClicks(field, text)
    robot.settle()


def panel_of(robot: Robot) -> LabelPanel:
    return robot.window.labels


def dialog_of(robot: Robot) -> LabelDialog:
    assert isinstance(robot.window.dialog, LabelDialog)
    return robot.window.dialog


def names(robot: Robot) -> list[str]:
    return [row.entry.name for row in panel_of(robot).rows]


def choose(robot: Robot, menu: QMenu, text: str) -> None:
    """Choose an entry of a menu, or of a menu in it, by its words."""
    entries = [*menu.actions(), *(each for a in menu.actions() if a.menu() for each in a.menu().actions())]
    (entry,) = [each for each in entries if each.text().split("\t")[0] == text]
    assert entry.isEnabled()
    entry.trigger()
    menu.close()
    robot.settle()


def right_click(robot: Robot, widget: QWidget) -> QMenu:
    middle = widget.rect().center()
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(widget, QContextMenuEvent(reason, middle, widget.mapToGlobal(middle)))
    robot.settle()
    menu = panel_of(robot).menu
    assert menu is not None
    return menu


def test_a_label_is_added_by_the_button_and_painted_with(robot: Robot) -> None:
    session = robot.show_case()
    click(robot, panel_of(robot).add)
    dialog = dialog_of(robot)
    assert not dialog.yes.isEnabled()
    assert dialog.note.text() == "It is value 3 in the mask."
    QTest.keyClicks(dialog.name, "cyst")
    QTest.keyClicks(dialog.term, "SCT:41699000")
    robot.press("Return", dialog.term)
    back(robot)
    assert session.table.entry(3) == LabelEntry(3, "cyst", ORANGE, "SCT:41699000")
    assert names(robot) == ["core", "rim", "cyst"]
    assert panel_of(robot).rows[2].isChecked()
    robot.press("B")
    robot.drag(Plane.AXIAL, (10, 12, 10), (10, 12, 16))
    assert set(np.unique(session.labels)) == {0, 3}
    assert robot.controllers.editing.undo_name.startswith("brush on cyst")
    robot.press("Ctrl+Z")
    robot.press("Ctrl+Z")
    assert robot.message == "Undone: new label cyst."
    assert names(robot) == ["core", "rim"]


def test_a_label_is_added_by_the_keyboard_alone(robot: Robot) -> None:
    session = robot.show_case()
    robot.press("Ctrl+N")
    QTest.keyClicks(dialog_of(robot).name, "vein")
    robot.press("Return", dialog_of(robot).name)
    back(robot)
    assert (session.active_label, session.table.name(3)) == (3, "vein")
    robot.press("Ctrl+N")
    robot.press("Esc", dialog_of(robot).name)
    back(robot)
    assert names(robot) == ["core", "rim", "vein"]


def test_a_name_that_is_taken_is_refused_in_the_dialog_which_stays(robot: Robot) -> None:
    session = robot.show_case()
    robot.press("Ctrl+N")
    dialog = dialog_of(robot)
    QTest.keyClicks(dialog.name, "CORE")
    assert dialog.refusal.text() == "There is a label core already; choose another name."
    assert dialog.refusal.isVisible()
    assert not dialog.note.isVisible()
    click(robot, dialog.yes)
    assert dialog.isVisible()
    assert session.table == TABLE
    write(robot, dialog.name, "core of it")
    assert not dialog.refusal.isVisible()
    click(robot, dialog.yes)
    assert names(robot) == ["core", "rim", "core of it"]


def test_a_double_click_renames_and_undo_names_it(robot: Robot) -> None:
    session = robot.show_case()
    double_click(robot, panel_of(robot).rows[0])
    dialog = dialog_of(robot)
    assert dialog.name.selectedText() == "core"
    assert dialog.note.text() == "It is value 1 in the mask and stays so; undo takes the change back."
    QTest.keyClicks(dialog.name, "rim")
    robot.press("Return", dialog.name)
    assert dialog.isVisible()
    assert "There is a label rim already" in dialog.refusal.text()
    write(robot, dialog.name, "tumour")
    robot.press("Return", dialog.name)
    back(robot)
    assert names(robot) == ["tumour", "rim"]
    assert robot.controllers.editing.undo_name == "rename of core to tumour"
    robot.press("Ctrl+Z")
    assert names(robot) == ["core", "rim"]
    assert session.history.can_redo


def test_the_list_is_walked_and_worked_by_keys(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    index, layout = robot.view(Plane.AXIAL).slice_index, robot.window.panes.layout()
    first, second = panel_of(robot).lines
    assert first.row.focusPolicy() == Qt.FocusPolicy.TabFocus
    assert second.lock.focusPolicy() == Qt.FocusPolicy.NoFocus
    first.row.setFocus()
    robot.press("Down")
    assert second.row.hasFocus()
    assert second.lock.focusPolicy() == Qt.FocusPolicy.TabFocus
    assert first.row.focusPolicy() == Qt.FocusPolicy.NoFocus
    assert session.active_label == 1
    robot.press("Return")
    assert session.active_label == 2
    robot.press("Home")
    robot.press("Space")
    assert session.active_label == 1
    robot.press("F2")
    write(robot, dialog_of(robot).name, "tumour")
    robot.press("Return", dialog_of(robot).name)
    assert session.table.name(1) == "tumour"
    back(robot)
    # The keyboard is where it was, though the list was made anew.
    assert panel_of(robot).rows[0].hasFocus()
    robot.press("Delete")
    robot.wait(lambda: not session.labels.any())
    assert robot.message.startswith("Done: clear tumour, ")
    assert robot.message.endswith("Undo takes it back.")
    assert robot.view(Plane.AXIAL).slice_index == index
    assert robot.window.panes.layout() is layout


def test_a_colour_is_chosen_from_the_palette_beside_the_name(robot: Robot) -> None:
    session = robot.show_case()
    click(robot, panel_of(robot).lines[0].swatch)
    menu = panel_of(robot).menu
    assert menu is not None
    choose(robot, menu, "Sky blue")
    assert session.table.entry(1) == LabelEntry(1, "core", SKY)
    assert robot.controllers.editing.undo_name == "colour of core"
    click(robot, panel_of(robot).lines[0].swatch)
    again = panel_of(robot).menu
    assert [entry.text() for entry in again.actions() if entry.isChecked()] == ["Sky blue"]
    choose(robot, again, "Other colour…")
    asked = robot.window.dialog
    assert isinstance(asked, QColorDialog)
    asked.setCurrentColor(QColor(1, 2, 3))
    asked.accept()
    assert session.table.entry(1).colour == (1, 2, 3)


def test_a_colour_is_chosen_in_the_dialog_too(robot: Robot) -> None:
    session = robot.show_case()
    robot.press("Ctrl+N")
    dialog = dialog_of(robot)
    QTest.keyClicks(dialog.name, "cyst")
    assert dialog.colour_words.text() == "Orange, chosen for you"
    click(robot, dialog.swatches[3])
    assert dialog.colour_words.text() == "Yellow"
    click(robot, dialog.other)
    asked = dialog.colour_dialog
    assert isinstance(asked, QColorDialog)
    asked.setCurrentColor(QColor(10, 200, 30))
    asked.accept()
    assert dialog.colour_words.text() == "#0ac81e"
    assert not any(swatch.isChecked() for swatch in dialog.swatches)
    click(robot, dialog.yes)
    assert session.table.entry(3).colour == (10, 200, 30)


def test_the_menu_of_a_label_has_all_its_verbs(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    words = [each.text().split("\t")[0] for each in right_click(robot, panel_of(robot).rows[0]).actions()]
    assert [text for text in words if text] == [
        "Work on core", "Rename…", "Colour", "Coded term…", "Lock", "Hide", "Clear label", "Add label…",
    ]  # fmt: skip
    choose(robot, right_click(robot, panel_of(robot).rows[1]), "Work on rim")
    assert session.active_label == 2
    choose(robot, right_click(robot, panel_of(robot).rows[0]), "Coded term…")
    assert dialog_of(robot).term.hasFocus()
    QTest.keyClicks(dialog_of(robot).term, "SCT:15776009")
    click(robot, dialog_of(robot).yes)
    assert session.table.entry(1) == LabelEntry(1, "core", RED, "SCT:15776009")
    assert "SCT:15776009" in panel_of(robot).rows[0].toolTip()
    choose(robot, right_click(robot, panel_of(robot).rows[0]), "Green")
    assert session.table.entry(1).colour == PALETTE[2]
    choose(robot, right_click(robot, panel_of(robot).rows[0]), "Lock")
    choose(robot, right_click(robot, panel_of(robot).rows[1]), "Hide")
    assert (session.rules.locked, session.rules.hidden) == ({1}, {2})
    choose(robot, right_click(robot, panel_of(robot).rows[0]), "Unlock")
    choose(robot, right_click(robot, panel_of(robot).rows[0]), "Clear label")
    assert not session.labels.any()
    back(robot)
    robot.press("Ctrl+Z")
    assert session.labels.any()


def test_what_is_refused_in_the_list_is_said_in_the_list(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    panel, before = panel_of(robot), session.labels.copy()
    click(robot, panel.lines[0].lock)
    choose(robot, right_click(robot, panel.rows[0]), "Clear label")
    assert panel.refusal.isVisible()
    assert panel.refusal.text() == "core is locked; unlock it in the list of labels to change it."
    assert np.array_equal(session.labels, before)
    assert not session.history.can_undo
    click(robot, panel.lines[0].lock)
    assert not panel.refusal.isVisible()
    # A refusal elsewhere is said there, not here.
    robot.controllers.labelling.pick((0.0, 0.0, 0.0))
    assert not panel.refusal.isVisible()


def test_a_value_without_a_name_is_listed_and_gets_one(robot: Robot) -> None:
    labels = np.zeros(phantom().grid.shape, np.uint8)
    labels[2:5, 4:8, 4:8] = 7
    session = robot.show_case(labels=labels)
    session.rules.kept_tables = (
        LabelTable("tests~1", (*TABLE.entries, LabelEntry(7, "vessel", SKY, "X:1"))),
    )
    (line,) = panel_of(robot).unnamed
    assert line.value == 7
    click(robot, line.offer)
    dialog = dialog_of(robot)
    # Another case of the family has a name for it.
    assert (dialog.name.text(), dialog.term.placeholderText()) == ("vessel", "X:1")
    click(robot, dialog.yes)
    assert session.table.entry(7) == LabelEntry(7, "vessel", SKY, "X:1")
    back(robot)
    assert panel_of(robot).unnamed == []
    assert names(robot) == ["core", "rim", "vessel"]
    robot.press("Ctrl+Z")
    assert [line.value for line in panel_of(robot).unnamed] == [7]


def test_names_of_other_cases_are_offered_while_one_types(robot: Robot) -> None:
    session = robot.show_case()
    session.rules.kept_tables = (LabelTable("tests~1", (*TABLE.entries, LabelEntry(9, "cyst", SKY, "X:1"))),)
    robot.press("Ctrl+N")
    dialog = dialog_of(robot)
    completer = dialog.name.completer()
    assert completer is not None
    completer.setCompletionPrefix("cy")
    assert completer.currentCompletion() == "cyst"
    dialog.name.setText("cyst")
    assert dialog.note.text() == "It is value 9 in the mask."
    assert dialog.swatches[1].isChecked()
    click(robot, dialog.yes)
    assert session.table.entry(9) == LabelEntry(9, "cyst", SKY, "X:1")


def test_a_case_without_labels_says_what_to_do(robot: Robot) -> None:
    panel = panel_of(robot)
    assert panel._empty.text() == "Labels appear with a case."
    assert not panel.add.isEnabled()
    session = robot.show_case()
    assert panel._empty.isHidden()
    session.table = LabelTable("none", ())
    robot.controllers.labelling.table_changed.emit(None)
    assert panel._empty.text() == "This case has no labels yet; add one to draw with it."
    assert panel.add.isEnabled()
    robot.press("B")
    robot.drag(Plane.AXIAL, (10, 12, 10), (10, 12, 16))
    assert robot.message == "There is no label to draw with; add or choose one in the list of labels."
    assert not session.labels.any()
    robot.window.actions_set.trigger("label.edit")
    assert robot.message == "There is no label yet; add one first."
    robot.press("Ctrl+N")
    QTest.keyClicks(dialog_of(robot).name, "lesion")
    click(robot, dialog_of(robot).yes)
    back(robot)
    robot.drag(Plane.AXIAL, (10, 12, 10), (10, 12, 16))
    assert set(np.unique(session.labels)) == {0, 1}
    assert panel._empty.isHidden()


def test_a_case_that_is_read_only_offers_nothing_that_changes_it(robot: Robot) -> None:
    session = robot.show_case(predicted=True, read_only="Ann has this case open.")
    panel = panel_of(robot)
    assert not panel.add.isEnabled()
    assert not panel.lines[0].swatch.isEnabled()
    off = {each.text().split("\t")[0] for each in panel.menu_of(1).actions() if not each.isEnabled()}
    assert off >= {"Rename…", "Colour", "Coded term…", "Clear label", "Add label…"}
    double_click(robot, panel.rows[0])
    robot.press("Ctrl+N")
    assert robot.window.dialog is None
    panel.rows[0].setFocus()
    robot.press("Delete")
    assert panel.refusal.text() == "Ann has this case open."
    assert session.labels.any()


def test_what_is_asked_of_a_label_goes_with_its_case(robot: Robot) -> None:
    robot.show_case()
    right_click(robot, panel_of(robot).rows[0])
    robot.show_case()
    assert panel_of(robot).menu is None
    robot.press("Ctrl+N", robot.window)
    dialog = dialog_of(robot)
    robot.show_case()
    assert not dialog.isVisible()
    robot.window.doing.ask_label_colour(1)
    asked = robot.window.dialog
    assert isinstance(asked, QColorDialog)
    session = robot.show_case()
    asked.setCurrentColor(QColor(1, 2, 3))
    asked.accept()
    assert session.table == TABLE


def test_thirty_labels_scroll_and_the_active_one_is_in_sight(robot: Robot) -> None:
    robot.show_case()
    many = LabelTable("many", tuple(LabelEntry(v, f"label number {v}", (v, 9, 9)) for v in range(1, 31)))
    robot.session.table = many
    robot.controllers.labelling.table_changed.emit(None)
    robot.settle()
    panel = panel_of(robot)
    assert len(panel.lines) == 30
    assert panel._scroll.height() <= 320

    def in_sight(value: int) -> bool:
        row = panel.lines[value - 1]
        top = row.mapTo(panel._scroll.viewport(), QPoint(0, 0)).y()
        return 0 <= top <= panel._scroll.viewport().height() - row.height()

    for value in (30, 1):
        robot.controllers.labelling.set_active(value)
        robot.settle()
        assert in_sight(value)
    robot.controllers.labelling.add("one more")
    robot.settle()
    assert in_sight(31)
    robot.press("Ctrl+Z")
    for line in (panel.lines[0], panel.lines[29]):
        right = line.mapTo(panel, QPoint(line.width(), 0)).x()
        assert right <= panel.width()
    panel.rows[0].setFocus()
    robot.press("End")
    assert panel.rows[29].hasFocus()
    robot.press("PgUp")
    assert panel.rows[21].hasFocus()


def test_a_long_name_is_elided_and_whole_in_the_tooltip(robot: Robot) -> None:
    robot.show_case()
    name = "left inferior pulmonary vein and the wall of the atrium beside it, as far as seen"[:80]
    robot.controllers.labelling.add(name)
    robot.settle()
    panel = panel_of(robot)
    assert name in panel.rows[2].toolTip()
    assert panel.lines[2].width() == panel.lines[0].width() <= panel.width()
