"""How the window notices its reader, and how it shows a mask of which too little was seen."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.core.reading_time import ReadingClock, ReadingTime
from app.core.review import CaseState
from app.ui import theme
from app.ui.worklist_row import describe
from tests.ui.robots import Robot, case_row

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def test_mouse_and_keys_anywhere_in_the_window_are_signs_of_the_reader(robot: Robot) -> None:
    robot.show_case()
    now = [0.0]
    reading = robot.controllers.reading
    reading._clock = ReadingClock(lambda: now[0])
    handle = robot.window.windowHandle()
    view = next(iter(robot.window.views.values()))
    search = robot.window.worklist.search
    signs = (
        lambda: QTest.mouseMove(handle, view.mapTo(robot.window, QPoint(40, 40))),
        lambda: QTest.mouseClick(handle, LEFT, NONE, search.mapTo(robot.window, QPoint(5, 5))),
        lambda: QTest.keyClick(handle, Qt.Key.Key_B),
    )
    worked = 0.0
    for number, sign in enumerate(signs, start=1):
        now[0] = 100.0 * number
        before = reading.since_opening
        assert before == ReadingTime(worked + 20, 80.0 * number)
        sign()
        robot.app.processEvents()
        now[0] += 5
        worked += 20
        assert reading.since_opening == ReadingTime(worked + 5, 80.0 * number)
        now[0] -= 5


def test_a_window_nobody_touches_is_idle(robot: Robot) -> None:
    robot.show_case()
    now = [0.0]
    robot.controllers.reading._clock = ReadingClock(lambda: now[0])
    now[0] = 50.0
    robot.window.update()
    robot.window.repaint()
    robot.app.processEvents()
    assert robot.controllers.reading.since_opening == ReadingTime(20, 30)


def test_the_worklist_marks_a_mask_of_which_too_little_was_seen(robot: Robot) -> None:
    rows = tuple(
        case_row(name, CaseState.CORRECTED, version=1, reader="Ann", seen_share=share)
        for name, share in (("thin", 0.62), ("well", 0.8), ("unknown", None))
    )
    assert [any("Under-read" in fact for fact in describe(row)) for row in rows] == [True, False, False]
    assert "Under-read: 62% of the mask's slices seen" in describe(rows[0])
    robot.desk.cases = rows
    robot.desk.events.cases_changed.emit(None)
    robot.app.processEvents()
    view, marked = robot.window.worklist.view, []
    picture = view.viewport().grab().toImage()
    ratio = picture.devicePixelRatio()
    for number in range(3):
        area = view.visualRect(robot.window.worklist.filter.index(number, 0))
        # Beside the thumbnail, and right of the state's own dot and word, stands the mark in the colour of warnings.
        colours = {
            picture.pixelColor(round(x * ratio), round(y * ratio)).name()
            for x in range(area.left() + 80, area.right())
            for y in range(area.top(), area.bottom())
        }
        marked.append(theme.WARNING in colours)
    assert marked == [True, False, False]


def test_what_was_seen_stands_above_accept(robot: Robot) -> None:
    session = robot.show_case(predicted=True)
    text = robot.window.verdict._state.text
    assert "slices seen" not in text()
    robot.controllers.reading.look()
    robot.wait(lambda: "slices seen" in text())
    share = session.seen.share_of_mask(session.labels)
    assert 0 < share < 1
    assert text().endswith(f" {share:.0%} of the mask's slices seen.")
