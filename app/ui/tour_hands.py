"""What the tour does with its hands and eyes: actions, mouse, waiting, pictures. What it does with them is `tour`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.core.planes import Plane
from app.ui.actions import action
from app.ui.main_window import MainWindow
from model.errors import GateLensError
from model.grid import Float3

_LOOK_EVERY_MS = 15
_DRAG_STEPS = 12


class TourFailed(GateLensError):
    """A step waited in vain or did not find what it did."""


class Hands:
    """Works a window as a reader does; waits for conditions, never for time."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    # -- doing -------------------------------------------------------------------------------------------
    def act(self, action_id: str, *, settle: bool = True) -> None:
        """Trigger a row of the actions table, as its key or button would, and let the window follow.

        Raises:
            TourFailed: it is not enabled.
        """
        if not self.window.actions_set.is_enabled(action(action_id)):
            raise TourFailed(f"The action {action_id} is not enabled.")
        self.window.actions_set.trigger(action_id)
        if settle:
            self.settle()

    def open_row(self, number: int) -> None:
        """Double-click a row of the worklist."""
        view = self.window.worklist.view
        index = view.model().index(number, 0)
        view.scrollTo(index)
        self.settle()
        point = view.visualRect(index).center()
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point)
        QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point)

    def hover(self, plane: Plane, voxel: Float3) -> None:
        """Move the pointer over a voxel of the shown slice."""
        view = self.window.views[plane]
        _move(view, view.point_of(voxel).toPoint(), Qt.MouseButton.NoButton)
        self.settle()

    def wheel(self, plane: Plane, notches: int) -> None:
        """Turn the wheel over the middle of a view."""
        from PySide6.QtGui import QWheelEvent
        from PySide6.QtWidgets import QApplication

        view = self.window.views[plane]
        middle = QPointF(view.rect().center())
        for _ in range(abs(notches)):
            event = QWheelEvent(
                middle,
                QPointF(view.mapToGlobal(middle.toPoint())),
                QPoint(),
                QPoint(0, 120 if notches > 0 else -120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(view, event)
        self.settle()

    def drag(self, plane: Plane, start: Float3, stop: Float3) -> tuple[Float3, ...]:
        """Drag the left button between two voxels of the shown slice; gives the voxels the pointer went through."""
        view = self.window.views[plane]
        first, last = view.point_of(start), view.point_of(stop)
        points = [
            (first + (last - first) * (step / _DRAG_STEPS)).toPoint() for step in range(_DRAG_STEPS + 1)
        ]
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mousePress(view, left, none, points[0])
        for point in points[1:]:
            _move(view, point, left)
            self.settle()
        QTest.mouseRelease(view, left, none, points[-1])
        self.settle()
        return tuple(view.voxel_at(QPointF(point)) for point in points)

    # -- waiting -----------------------------------------------------------------------------------------
    def settle(self) -> None:
        """Let the window handle what has arrived, and paint."""
        self.wait_for(lambda: True, "the window to settle", 10)

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
        """Run the event loop until `condition` holds.

        Raises:
            TourFailed: it does not within `seconds`.
        """
        loop = QEventLoop()
        deadline = time.monotonic() + seconds
        look = QTimer()

        def looked() -> None:
            if condition() or time.monotonic() > deadline:
                loop.quit()

        look.timeout.connect(looked)
        look.start(_LOOK_EVERY_MS)
        loop.exec()
        look.stop()
        if not condition():
            last = self.window.messages.text
            raise TourFailed(
                f"Waited {seconds:g} s for {what} in vain; the last message was: {last or 'none'}."
            )

    # -- looking -----------------------------------------------------------------------------------------
    def picture(self, path: Path) -> npt.NDArray[np.uint8]:
        """Write what the window shows as PNG; gives its pixels (height, width, 3)."""
        with self.window.heartbeat.apart():
            image = self.window.grab().toImage()
            if not image.save(str(path)):
                raise TourFailed(f"{path.name} cannot be written to {path.parent}; check the folder.")
            return _pixels(image)

    def view_pixels(self, plane: Plane) -> npt.NDArray[np.uint8]:
        """The composite of a view (height, width, 3), without what is drawn over it."""
        with self.window.heartbeat.apart():
            self.window.views[plane].repaint()
            return _pixels(self.window.views[plane].image)


def _move(widget: QWidget, point: QPoint, held: Qt.MouseButton) -> None:
    """A move with a button held or none; `QTest.mouseMove` knows no buttons and depends on the screen's pointer."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(point),
        QPointF(widget.mapToGlobal(point)),
        Qt.MouseButton.NoButton,
        held,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def _pixels(image: QImage) -> npt.NDArray[np.uint8]:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()
