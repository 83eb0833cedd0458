"""The table of actions, and what is derived from it."""

from __future__ import annotations

from collections import Counter

from app.ui import theme
from app.ui.actions import ACTIONS, GESTURES, Action, action, is_bare
from app.ui.command_palette import matching
from app.ui.dialogs import KeysSheet
from tests.ui.robots import Robot

# DESIGN section 8, the verbs of this issue, and the two keys every desktop program has.
DESIGN_KEYS = {
    *("Up", "Down", "PgUp", "PgDown"), *(str(number) for number in range(10)), *("V", "B", "E", "R"),
    *("T", "P", "S", "L", "Shift+L", "G", "I"), *("Return", "Enter"),
    *("[", "]"), *(f"Alt+{number}" for number in range(1, 10)), *("X", "O", "A", "Shift+A"), *("F5", "Shift+F5", "Esc"),
    *("Ctrl+Z", "Ctrl+Shift+Z"), *("Ctrl+Return", "Ctrl+Enter", "Ctrl+Backspace", "Ctrl+L", "Ctrl+F"),
    *("N", "Shift+N", "Ctrl+N"), *("Ctrl+K", "F1", "F2", "F11"), *("Ctrl+O", "Ctrl+Shift+S", "Ctrl+Q"),
}  # fmt: skip


def test_the_keys_are_those_of_the_design() -> None:
    assert {key for row in ACTIONS for key in row.keys} == DESIGN_KEYS


def test_no_key_stands_for_two_verbs() -> None:
    counts = Counter(key for row in ACTIONS for key in row.keys)
    assert [key for key, times in counts.items() if times > 1] == []


def test_every_row_has_an_id_of_its_own_a_text_and_an_icon_that_ships() -> None:
    assert len({row.id for row in ACTIONS}) == len(ACTIONS)
    for row in ACTIONS:
        assert row.text
        assert not row.icon or row.icon in theme.icon_names(), row.id


def test_the_mouse_table_has_every_gesture_of_the_design() -> None:
    said = {gesture.gesture for gesture in GESTURES}
    assert said == {
        "Left drag", "Wheel", "Ctrl + wheel", "Shift + wheel", "Middle drag", "Right drag", "Double click",
        "Ctrl + click", "Grow: drag up, down", "Polygon: click", "Polygon: double click, Enter",
    }  # fmt: skip


def test_bare_keys_are_letters_digits_and_brackets_with_or_without_shift() -> None:
    assert [is_bare(key) for key in ("A", "Shift+A", "7", "[")] == [True] * 4
    assert [is_bare(key) for key in ("Ctrl+A", "F5", "Esc", "Alt+1")] == [False] * 4


def test_f1_lists_every_action_with_its_key(robot: Robot) -> None:
    robot.press("F1")
    sheet = robot.window.dialog
    assert isinstance(sheet, KeysSheet)
    said = {text for text, _ in sheet.lines}
    missing = [row.id for row in ACTIONS if row.text.removesuffix("…") not in said and row.series not in said]
    assert missing == []
    assert {gesture.text for gesture in GESTURES} <= said
    assert dict(sheet.lines)["Accept and next"] == "Ctrl+Enter"
    assert dict(sheet.lines)["Window presets"] == "1 … 9"


def test_every_action_stands_in_a_menu(robot: Robot) -> None:
    menus = [item.menu() for item in robot.window.menuBar().actions()]
    shown = {entry.objectName() for menu in menus for entry in menu.actions()}
    shown |= {
        inner.objectName()
        for menu in menus
        for entry in menu.actions()
        if entry.menu()
        for inner in entry.menu().actions()
    }
    assert {row.id for row in ACTIONS} <= shown


def test_what_cannot_be_done_is_disabled(robot: Robot) -> None:
    actions = robot.window.actions_set.actions
    assert not actions["edit.undo"].isEnabled()
    assert not actions["case.accept"].isEnabled()
    assert actions["help.keys"].isEnabled()
    robot.show_case(predicted=True)
    assert actions["case.accept"].isEnabled()
    assert actions["attention.next"].isEnabled()
    assert not actions["edit.undo"].isEnabled()


def test_the_palette_finds_a_verb_by_part_of_its_name_and_runs_it(robot: Robot) -> None:
    robot.show_case(predicted=True)
    robot.press("Ctrl+K")
    palette = robot.window.dialog
    assert palette is not None
    robot.bot.keyClicks(palette.field, "next att")
    robot.press("Return", palette.field)
    assert robot.desk.look.attention_key == (3, 1)
    assert robot.window.dialog is None


def test_what_begins_with_the_typed_word_comes_first_in_the_palette() -> None:
    found: list[Action] = matching("attention")
    assert found[0] == action("attention.off")
    assert matching("smooth")[0] == action("mask.smooth")
    assert matching("smooth b")[0] == action("tool.smooth-brush")
    assert matching("no such verb") == []
