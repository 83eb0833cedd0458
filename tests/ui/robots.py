"""A reader's hands and eyes on the real window: tests say what a reader does, and wait for what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QKeySequence, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.controllers import make_controllers
from app.core.labels import LabelEntry, LabelTable
from app.core.planes import Plane
from app.core.review import CaseState
from app.core.session import Base, CaseIdentity, Session, labels_sha256
from app.store.review_store import CaseRow
from app.store.settings import Settings
from app.ui import application
from app.ui.main_window import MainWindow
from app.ui.qt_bridge import QtBridge, SlotGuard
from app.ui.slice_view import SliceView
from model.attention import AttentionMap
from model.bundle import BundleLabel
from model.grid import Float3, Grid
from model.prediction import Prediction, Provenance
from model.scan_io import ScanRead, ScanSource
from model.volume import DisplayHints, Volume

TABLE = LabelTable("tests", (LabelEntry(1, "core", (220, 60, 60)), LabelEntry(2, "rim", (60, 140, 220))))
NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def case_row(name: str, state: CaseState = CaseState.NEW, **facts: object) -> CaseRow:
    """A worklist row with sensible facts, the given ones on top."""
    row = CaseRow(
        id=f"{name:0>64}", name=name, path=Path(f"{name}.nii.gz"), format="NIfTI", subject=name, study_date=None,
        series=None, modality="CT", role="read", state=state, version=None, prediction_key=None, model_name=None,
        model_hash=None, reader=None, table_key=None, shape="28 × 24 × 20", spacing="1.50 × 1.00 × 2.00 mm",
    )  # fmt: skip
    return replace(row, **facts)  # type: ignore[arg-type]


def phantom(shape: tuple[int, int, int] = (20, 24, 28)) -> Volume:
    """An anisotropic CT of water with one bright blob on the patient's right, in front, above the middle.

    Array axes run to S, P and L, so the patient's right is at small x.
    """
    values = np.full(shape, -100, np.int16)
    values[12:15, 4:8, 4:8] = 300
    grid = Grid(shape, (2.0, 1.0, 1.5), (-20.0, -12.0, 30.0))
    return Volume(values, grid, DisplayHints(modality="CT", synthetic=True))


def prediction_of(volume: Volume, labels: npt.NDArray[np.uint8]) -> Prediction:
    """A prediction with a map that varies (level 2) and one that hardly does (level 3)."""
    maps = []
    for level, spread in ((2, 0.4), (3, 0.005)):
        grid = volume.grid.coarser((2**level,) * 3)
        ramp = np.linspace(0.5 - spread, 0.5 + spread, grid.shape[2], dtype=np.float32)
        maps.append(AttentionMap.from_coefficients(level, 1, grid, np.broadcast_to(ramp, grid.shape).copy()))
    return Prediction(
        volume.grid, labels, tuple(BundleLabel(e.value, e.name, e.colour, "") for e in TABLE.entries),
        tuple((labels == e.value).astype(np.uint8) * 255 for e in TABLE.entries), np.zeros(labels.shape, np.uint8),
        tuple(maps),
        Provenance("tiny", "ab" * 32, "0", "CPU", "torch", None, False, 1.5, "2026-11-24T12:00:00+00:00"),
    )  # fmt: skip


class Robot:
    """One window, worked by mouse and keys."""

    def __init__(self, qtbot: QtBot) -> None:
        self.bot = qtbot
        self.app = application()
        self.guard = SlotGuard()
        self.bridge = QtBridge(self.guard)
        self.controllers = make_controllers(self.bridge.deliver, Settings(reader="tester"))
        self.desk = self.controllers.desk
        self.window = MainWindow(self.controllers, self.guard)
        self.window.resize(1280, 800)
        self.window.show()
        self.window.activateWindow()
        self.wait(self.window.isVisible)

    def leave(self) -> None:
        """Close the window and everything behind it."""
        if self.window.dialog is not None:
            self.window.dialog.close()
        self.window.close()
        self.bridge.close()

    # -- setting the scene ---------------------------------------------------------------------------------
    def show_case(self, volume: Volume | None = None, labels: npt.NDArray[np.uint8] | None = None, *,
                  predicted: bool = False, read_only: str | None = None) -> Session:  # fmt: skip
        """Put a case on the desk as if it had been opened, without a disk."""
        volume = volume or phantom()
        if labels is None:
            labels = np.zeros(volume.grid.shape, np.uint8)
            if predicted:
                labels[8:14, 8:16, 10:18] = 1
        base = Base("prediction" if predicted else "empty", "key" if predicted else "", labels_sha256(labels))
        source = ScanSource(Path("blob.nii.gz"), "NIfTI", 1, None, None, None)
        row = case_row("blob", CaseState.PREDICTED if predicted else CaseState.NEW)
        session = Session(
            CaseIdentity(row.id, row.name), ScanRead(volume, source, ()), TABLE, labels, base,
            prediction_of(volume, labels.copy()) if predicted else None, read_only,
        )  # fmt: skip
        self.desk.session, self.desk.cases = session, (row,)
        self.desk.look = replace(self.desk.look, level=50.0, width=500.0, bare=False)
        events = self.desk.events
        events.cases_changed.emit(None)
        events.look_changed.emit(self.desk.look)
        events.case_opened.emit(session)
        events.conditions_changed.emit(None)
        self.settle()
        return session

    @property
    def session(self) -> Session:
        """The open case."""
        assert self.desk.session is not None
        return self.desk.session

    def view(self, plane: Plane) -> SliceView:
        """The view of a plane."""
        return self.window.views[plane]

    # -- waiting -------------------------------------------------------------------------------------------
    def wait(self, condition: Callable[[], bool], seconds: float = 15) -> None:
        """Let the window work until `condition` holds."""
        self.bot.waitUntil(condition, timeout=round(seconds * 1000))

    def settle(self) -> None:
        """Let the window handle what has arrived, and paint."""
        for _ in range(3):
            self.app.processEvents()

    # -- hands ---------------------------------------------------------------------------------------------
    def press(self, keys: str, where: QWidget | None = None) -> None:
        """Press a key as the table of actions spells it, in the widget that has the keyboard."""
        self.hold(keys, where)
        self.let_go(keys, where)

    def hold(self, keys: str, where: QWidget | None = None) -> None:
        """Press a key down."""
        combination = QKeySequence(keys)[0]
        QTest.keyPress(where or self._keyboard(), combination.key(), combination.keyboardModifiers())
        self.settle()

    def let_go(self, keys: str, where: QWidget | None = None) -> None:
        """Let a key go."""
        combination = QKeySequence(keys)[0]
        QTest.keyRelease(where or self._keyboard(), combination.key(), combination.keyboardModifiers())
        self.settle()

    def _keyboard(self) -> QWidget:
        return QApplication.focusWidget() or self.window

    def wheel(self, plane: Plane, notches: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
        """Turn the wheel over the middle of a view."""
        view = self.view(plane)
        middle = QPointF(view.rect().center())
        for _ in range(abs(notches)):
            turn = QPoint(0, 120 if notches > 0 else -120)
            QApplication.sendEvent(view, QWheelEvent(
                middle, view.mapToGlobal(middle), QPoint(), turn, Qt.MouseButton.NoButton, modifiers,
                Qt.ScrollPhase.NoScrollPhase, False,
            ))  # fmt: skip
        self.settle()

    def hover(self, plane: Plane, voxel: Float3) -> None:
        """Point at a voxel of the shown slice."""
        self._mouse(plane, QEvent.Type.MouseMove, self.view(plane).point_of(voxel))

    def drag(self, plane: Plane, *voxels: Float3, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        """Press at the first voxel, go through the others, let go at the last."""
        points = [self.view(plane).point_of(voxel) for voxel in voxels]
        self.drag_points(plane, *points, button=button)

    def click(self, plane: Plane, voxel: Float3, modifiers: Qt.KeyboardModifier = NONE) -> None:
        """Click a voxel of the shown slice."""
        point, left = self.view(plane).point_of(voxel), Qt.MouseButton.LeftButton
        for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
            self._mouse(plane, kind, point, left, modifiers)
        self.settle()

    def go_to(self, voxel: Float3) -> None:
        """Let the three planes meet at a voxel."""
        self.controllers.looking.move_crosshair(voxel)
        self.settle()

    def computed(self) -> None:
        """Wait until no command and no preview is being computed."""
        self.wait(lambda: not self.controllers.editing.computing)
        self.settle()

    def drag_points(self, plane: Plane, *points: QPointF, button: Qt.MouseButton = Qt.MouseButton.LeftButton,
                    drop: bool = True) -> None:  # fmt: skip
        """The same in pixels of the view."""
        self._mouse(plane, QEvent.Type.MouseButtonPress, points[0], button)
        for start, stop in pairwise(points):
            for step in (0.25, 0.5, 0.75, 1.0):
                self._mouse(plane, QEvent.Type.MouseMove, start + (stop - start) * step, button)
        if drop:
            self._mouse(plane, QEvent.Type.MouseButtonRelease, points[-1], button)
        self.settle()

    def paint_mm(self, plane: Plane, *places_lps: Float3, radius_mm: float = 2.0) -> None:
        """Paint with the brush through places in LPS millimetres that lie on the shown slice."""
        self.press("B")
        self.controllers.editing.set_radius_mm(radius_mm)
        voxels = [tuple(self.session.grid.to_voxel(place)) for place in places_lps]
        self.drag(plane, *voxels)  # type: ignore[arg-type]

    def double_click(self, plane: Plane, voxel: Float3 | None = None) -> None:
        """Double-click a voxel of the shown slice, or the middle of a view."""
        view = self.view(plane)
        middle = QPointF(view.rect().center()) if voxel is None else view.point_of(voxel)
        for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease,
                     QEvent.Type.MouseButtonDblClick, QEvent.Type.MouseButtonRelease):  # fmt: skip
            self._mouse(plane, kind, middle)
        self.settle()

    def _mouse(self, plane: Plane, kind: QEvent.Type, point: QPointF,
               button: Qt.MouseButton = Qt.MouseButton.NoButton,
               modifiers: Qt.KeyboardModifier = NONE) -> None:  # fmt: skip
        view = self.view(plane)
        if button is Qt.MouseButton.NoButton and kind is not QEvent.Type.MouseMove:
            button = Qt.MouseButton.LeftButton
        held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else button
        pressed = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else button
        QApplication.sendEvent(
            view, QMouseEvent(kind, point, view.mapToGlobal(point), pressed, held, modifiers)
        )

    # -- eyes ----------------------------------------------------------------------------------------------
    def pixels(self, plane: Plane) -> npt.NDArray[np.uint8]:
        """The composite of a view (rows, columns, 3), without what is drawn over it."""
        self.view(plane).repaint()
        return rgb(self.view(plane).image)

    def screen(self, widget: QWidget | None = None) -> npt.NDArray[np.uint8]:
        """What a widget (the window) shows, with everything drawn over it (rows, columns, 3)."""
        return rgb((widget or self.window).grab().toImage())

    @property
    def message(self) -> str:
        """The message at the foot of the window."""
        return self.window.messages.text


def rgb(image: QImage) -> npt.NDArray[np.uint8]:
    """The pixels of an image (rows, columns, 3), a copy."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()
