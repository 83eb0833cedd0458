"""How long the window takes from a move of the mouse to the end of the repaint, for `gatelens bench edit`.

A real window with real views; only the mouse is not. Each view is painted at once and not when the event loop comes
to it, so that what is timed is the program's work and no platform's frame.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.controllers import Controllers
from app.controllers.editing_bench import RepaintTimes
from app.core.planes import Plane
from app.core.session import Session
from app.jobs.runner import Deliver
from app.ui.main_window import MainWindow
from app.ui.slice_view import SliceView
from app.ui.view_pane import Layout
from model.grid import Float3

_WINDOW_PX = (1920, 1080)
_STEP_VOXELS = 4
_STEPS = 5
_LEFT = Qt.MouseButton.LeftButton


def measure(make_controllers: Callable[[Deliver], Controllers], session: Session, moves: int) -> RepaintTimes:
    """Medians over `moves` moves of the brush towards the crosshair, in the axial view alone and beside the others.

    Each move changes voxels in every view that is shown, as long as the brush is a ball of more than
    20 voxels. Without a screen (Linux, neither DISPLAY nor WAYLAND_DISPLAY) the window is drawn off screen.

    Args:
        make_controllers: builds the controllers, given what brings callables to the GUI thread.
        session: the case painted on; strokes are taken back.
        moves: how many are timed in each layout.
    """
    from app.ui import application
    from app.ui.qt_bridge import QtBridge, SlotGuard

    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = application()
    guard = SlotGuard()
    bridge = QtBridge(guard)
    window = MainWindow(make_controllers(bridge.deliver), guard)
    window.heartbeat.stop()
    window.resize(*_WINDOW_PX)
    try:
        window.show()
        _put_on_the_desk(window.controllers, session)
        window.controllers.editing.set_tool("brush")
        app.processEvents()
        while window.panes.layout_kind is not Layout.ROW:
            window.panes.next_layout(window.pane_of[Plane.AXIAL])
        three = _timed(window, moves)
        shown = _pixels(window)
        window.panes.toggle_large(window.pane_of[Plane.AXIAL])
        one = _timed(window, moves)
        return RepaintTimes(
            one, three, f"one view of {_pixels(window)[0]}, three of {', '.join(shown)} pixels"
        )
    finally:
        window.close()
        QApplication.sendPostedEvents()
        app.processEvents()
        bridge.close()


def _put_on_the_desk(controllers: Controllers, session: Session) -> None:
    desk = controllers.desk
    desk.session = session
    desk.events.case_opened.emit(session)
    desk.events.conditions_changed.emit(None)


def _timed(window: MainWindow, moves: int) -> float:
    """The median of the moves in ms, after one stroke that does not count."""
    QApplication.processEvents()
    times: list[float] = []
    strokes = _strokes(window.controllers.desk.session)
    _stroke(window, next(strokes))
    while len(times) < moves:
        times += _stroke(window, next(strokes))
    return statistics.median(times[:moves]) * 1000


def _strokes(session: Session | None) -> Iterator[list[Float3]]:
    """Straight ways to the crosshair in the axial plane, from the left and from the right in turns, without end."""
    assert session is not None
    z, y, x = session.crosshair
    side = 1
    while True:
        yield [(z, y, x + side * _STEP_VOXELS * step) for step in range(_STEPS, -1, -1)]
        side = -side


def _stroke(window: MainWindow, places: list[Float3]) -> list[float]:
    """Draw one stroke, and take it back; gives seconds from each move to the end of the repaint."""
    view = window.views[Plane.AXIAL]
    _send(view, QEvent.Type.MouseButtonPress, view.point_of(places[0]))
    _paint(window)
    times = []
    for place in places[1:]:
        point = view.point_of(place)
        start = time.perf_counter()
        _send(view, QEvent.Type.MouseMove, point)
        _paint(window)
        times.append(time.perf_counter() - start)
    _send(view, QEvent.Type.MouseButtonRelease, view.point_of(places[-1]))
    window.controllers.editing.undo()
    QApplication.processEvents()
    return times


def _paint(window: MainWindow) -> None:
    """Paint at once what the move asked to be painted."""
    QApplication.sendPostedEvents(window, QEvent.Type.UpdateRequest.value)


def _send(view: SliceView, kind: QEvent.Type, point: QPointF) -> None:
    held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else _LEFT
    pressed = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else _LEFT
    event = QMouseEvent(kind, point, view.mapToGlobal(point), pressed, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, event)


def _pixels(window: MainWindow) -> list[str]:
    """Width and height of each view that is shown, in device pixels."""
    ratio = window.devicePixelRatioF()
    return [
        f"{round(view.width() * ratio)}×{round(view.height() * ratio)}"
        for view in window.views.values()
        if view.isVisible()
    ]
