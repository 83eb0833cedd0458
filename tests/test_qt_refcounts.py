"""The gate for each Qt upgrade: common Qt calls must leave the reference counts of shared objects level.

PySide6 6.12.0 loses references to None and True on Python 3.11; when a count reaches zero the interpreter ends.
From Python 3.12 on these objects are immortal and their counts say nothing. Why the version is pinned:
docs/decisions/0002-pinned-qt-6-11.md.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pyqtgraph
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPixmap, QTransform
from PySide6.QtWidgets import QApplication, QGraphicsItem, QGraphicsScene, QGraphicsView, QLabel, QSlider
from pytestqt.qtbot import QtBot

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="None, True and small integers are immortal from Python 3.12 on"
)

ROUNDS = 1000
# Other code (the interpreter's own caches, a log record) moves a count by a few; a leak or loss every round.
SLACK = 100

WATCHED = (None, True, False, 0, 1, 2, 255, "", (), Qt.MouseButton.NoButton)


def counts() -> tuple[int, ...]:
    return tuple(sys.getrefcount(value) for value in WATCHED)


def drift(call: Callable[[], object], rounds: int = ROUNDS) -> dict[str, int]:
    """Gives by how much each watched count moved over many calls, where that is more than the slack."""
    for _ in range(20):
        call()
    before = counts()
    for _ in range(rounds):
        call()
    after = counts()
    return {
        repr(value): new - old
        for value, old, new in zip(WATCHED, before, after, strict=True)
        if abs(new - old) > SLACK
    }


class Emitter(QObject):
    bare = Signal()
    number = Signal(int)
    thing = Signal(object)
    several = Signal(object, bool, str)


class Item(QGraphicsItem):
    """Python overrides that Qt calls back: the way a view box is drawn."""

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, 10, 10)

    def paint(self, painter: QPainter, option: object, widget: object = None) -> None:
        painter.fillRect(self.boundingRect(), QColor(10, 20, 30))


def test_the_measure_sees_a_leak(qapp: QApplication) -> None:
    kept: list[object] = []
    assert "None" in drift(lambda: kept.append(None))


def test_plain_calls_are_level(qapp: QApplication, qtbot: QtBot) -> None:
    label = QLabel("mask")
    slider = QSlider()
    qtbot.addWidget(label)
    qtbot.addWidget(slider)

    def call() -> None:
        label.setText("prediction")
        label.setVisible(False)
        label.setEnabled(True)
        label.parent()
        label.isVisible()
        label.setParent(None)
        label.setToolTip("")
        label.setProperty("role", None)
        label.property("role")
        label.findChild(QLabel)
        slider.setRange(0, 255)
        slider.setValue(1)
        slider.setValue(2)
        QPoint(1, 2) == QPoint(1, 2)  # noqa: B015  (the comparison is what is tried)
        QTransform().inverted()

    assert drift(call) == {}


def test_signals_are_level_when_emitted(qapp: QApplication) -> None:
    emitter = Emitter()
    heard: list[int] = []
    emitter.bare.connect(lambda: None)
    emitter.number.connect(lambda value: None)
    emitter.thing.connect(lambda value: True)
    emitter.several.connect(lambda value, on, text: heard.clear())

    def call() -> None:
        emitter.bare.emit()
        emitter.number.emit(1)
        emitter.thing.emit(None)
        emitter.thing.emit(True)
        emitter.several.emit(None, True, "")
        emitter.several.emit((), False, "text")

    assert drift(call) == {}


def test_connecting_and_blocking_is_level(qapp: QApplication) -> None:
    emitter = Emitter()

    def slot(value: object) -> None:
        return None

    def call() -> None:
        emitter.thing.connect(slot)
        emitter.blockSignals(True)
        emitter.thing.emit(None)
        emitter.blockSignals(False)
        emitter.thing.disconnect(slot)

    assert drift(call, ROUNDS) == {}


def test_queued_calls_and_timers_are_level(qapp: QApplication) -> None:
    emitter = Emitter()
    heard: list[int] = []
    emitter.thing.connect(lambda value: heard.append(1), Qt.ConnectionType.QueuedConnection)

    def call() -> None:
        emitter.thing.emit(None)
        QTimer.singleShot(0, heard.clear)
        qapp.processEvents()

    assert drift(call, ROUNDS) == {}


def test_painting_through_python_is_level(qapp: QApplication, qtbot: QtBot) -> None:
    scene = QGraphicsScene()
    scene.addItem(Item())
    view = QGraphicsView(scene)
    qtbot.addWidget(view)
    image = QImage(32, 32, QImage.Format.Format_RGB32)

    def call() -> None:
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPixmap(0, 0, QPixmap())
        scene.render(painter)
        painter.end()

    assert drift(call, ROUNDS) == {}


class Pane(QLabel):
    """Python overrides that Qt calls for every event."""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        return False


def mouse_move() -> QMouseEvent:
    where = QPointF(1, 2)
    none = Qt.MouseButton.NoButton
    return QMouseEvent(QEvent.Type.MouseMove, where, where, none, none, Qt.KeyboardModifier.NoModifier)


def test_events_that_qt_makes_are_level(qapp: QApplication, qtbot: QtBot) -> None:
    pane = Pane()
    qtbot.addWidget(pane)
    pane.installEventFilter(pane)
    pane.show()

    def call() -> None:
        qtbot.mouseMove(pane, QPoint(1, 1))
        qtbot.mouseMove(pane, QPoint(2, 2))

    assert drift(call, ROUNDS) == {}


def test_an_event_made_in_python_loses_nothing(qapp: QApplication, qtbot: QtBot) -> None:
    """6.11.3 keeps one reference to None for each mouse event made in Python and sent.

    A gain ends no program, a loss does; the program itself makes no events.
    """
    pane = Pane()
    qtbot.addWidget(pane)

    moved = drift(lambda: qapp.sendEvent(pane, mouse_move()))

    assert set(moved) <= {"None"}
    assert all(change > 0 for change in moved.values()), moved


def test_a_pyqtgraph_view_is_level(qapp: QApplication, qtbot: QtBot) -> None:
    """What died within a second under 6.12.0: ranges that change while a view is drawn."""
    view = pyqtgraph.GraphicsView()
    qtbot.addWidget(view)
    box = pyqtgraph.ViewBox()
    view.setCentralItem(box)
    view.resize(120, 90)
    view.show()

    def call() -> None:
        box.setRange(QRectF(0, 0, 10, 10), padding=0)
        box.scaleBy((1.01, 1.01))
        box.viewRange()
        view.grab()

    assert drift(call, 300) == {}


def test_the_pin_keeps_qt_below_the_version_that_loses_references(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert "PySide6-Essentials>=6.11.3,<6.12" in project["dependencies"]
