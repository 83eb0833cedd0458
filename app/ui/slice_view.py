"""One plane of the open case: a composite image at device pixels, what is drawn over it, and the mouse.

The picture comes from `app.core.display.compose` into one reused buffer; the verbs are the controllers'. Why it is
a plain widget: docs/decisions/0003-slice-view.md.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.controllers import Controllers
from app.core.display import Look, Part, Scratch, Viewport, compose
from app.core.planes import Plane, SliceFrame
from app.core.session import Session
from app.core.tools import TOOLS, Gesture
from app.ui import bind, theme, view_drags, view_front, words
from app.ui.cursor_note import CursorNote
from app.ui.qt_bridge import SlotGuard
from app.ui.tool_overlay import InHand
from model.grid import Box, Float3

_ZOOM_STEP = 1.15


class SliceView(QWidget):
    """A view of one plane; it shows the slice that holds the crosshair.

    Signals:
        hovered: the voxel (z, y, x) under the pointer, or None.
        enlarge_asked: a double click asked for this pane to be large, or small again.
        slice_changed: the view shows another slice or another case.
        worked: the reader pressed or turned the wheel in this view.
    """

    hovered = Signal(object)
    enlarge_asked = Signal()
    slice_changed = Signal()
    worked = Signal()

    def __init__(self, plane: Plane, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self.plane = plane
        self._controllers, self._desk, self._guard = controllers, controllers.desk, guard
        self._session: Session | None = None
        self._frame: SliceFrame | None = None
        self._slice = 0
        self._zoom = 1.0
        self._centre: tuple[float, float] | None = None
        self._viewport: Viewport | None = None
        self._buffer: npt.NDArray[np.uint32] = np.zeros((1, 1), np.uint32)
        self._image = QImage()
        self._scratch = Scratch()
        self._stale = True
        self._part: Part | None = None
        self._pointer: QPointF | None = None
        self._elsewhere: Float3 | None = None
        self._drag: view_drags.Drag | None = None
        self._wheel_left = 0.0
        self.note = CursorNote(self, guard, self.update)
        self.setObjectName(f"{plane}_view")
        self.setAccessibleName(f"{plane.capitalize()} view")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 120)
        events = self._desk.events
        bind.listen(self, events.case_opened, self._show_case)
        bind.listen(self, events.case_closed, lambda _: self._show_case(None))
        bind.listen(self, events.labels_changed, self._labels_changed)
        bind.listen(self, events.prediction_changed, lambda _: self.redraw())
        bind.listen(self, events.look_changed, self._look_changed)
        bind.listen(self, events.crosshair_changed, self._crosshair_changed)
        bind.listen(self, events.history_changed, lambda _: self.update())
        bind.listen(self, events.region_changed, lambda _: self.update())
        bind.listen(self, events.tool_changed, lambda _: self._tool_changed())
        editing = controllers.editing
        bind.listen(self, editing.preview_changed, self._labels_changed)
        bind.listen(self, editing.outlining.changed, lambda _: self.update())
        bind.listen(self, editing.pointed, self._pointed)
        bind.listen(self, editing.refused, self._say_refusal)
        self._show_case(self._desk.session)

    # -- what it shows -------------------------------------------------------------------------------------
    @property
    def frame(self) -> SliceFrame:
        """How the plane lies on the screen; only while a case is open."""
        assert self._frame is not None
        return self._frame

    @property
    def has_case(self) -> bool:
        """Whether there is a slice to show."""
        return self._frame is not None

    @property
    def slice_index(self) -> int:
        """The slice shown, from 0."""
        return self._slice

    @property
    def image(self) -> QImage:
        """The composite as last drawn, in device pixels, without what is drawn over it."""
        return self._image

    def redraw(self) -> None:
        """Make the composite again at the next paint."""
        self._stale = True
        self.update()

    def fit(self) -> None:
        """The whole slice, in the middle."""
        self._zoom, self._centre = 1.0, None
        self._place()

    def zoom_by(self, factor: float, at: QPointF) -> None:
        """Zoom; what lies under `at` stays there."""
        if self._frame is None or self._viewport is None:
            return
        row, column = self.place_at(at)
        self._zoom = min(40.0, max(0.5, self._zoom * factor))
        self._place()
        moved_row, moved_column = self.place_at(at)
        centre = (self._viewport.centre_row, self._viewport.centre_column)
        self._centre = (centre[0] + row - moved_row, centre[1] + column - moved_column)
        self._place()

    def pan_by(self, delta: QPointF) -> None:
        """Move the slice by `delta` logical pixels; part of it always stays in the view."""
        if self._frame is None or self._viewport is None:
            return
        per_row, per_column = self.px_per_voxel()
        row = self._viewport.centre_row - delta.y() / per_row
        column = self._viewport.centre_column - delta.x() / per_column
        self._centre = (
            min(self._frame.rows - 0.5, max(-0.5, row)), min(self._frame.columns - 0.5, max(-0.5, column))
        )  # fmt: skip
        self._place()

    # -- places --------------------------------------------------------------------------------------------
    def place_at(self, point: QPointF) -> tuple[float, float]:
        """Row and column under a point of the widget; also outside the slice."""
        assert self._viewport is not None
        ratio = self.devicePixelRatioF()
        return self._viewport.to_slice(self.frame, point.x() * ratio, point.y() * ratio)

    def voxel_at(self, point: QPointF) -> Float3:
        """The voxel (z, y, x, fractional) under a point of the widget, on the shown slice."""
        row, column = self.place_at(point)
        return self.frame.to_voxel(self._slice, row, column)

    def point_of(self, voxel: Float3) -> QPointF:
        """Where a voxel appears in the widget, whatever its slice."""
        _, row, column = self.frame.from_voxel(voxel)
        return self.point_at(row, column)

    def px_per_voxel(self) -> tuple[float, float]:
        """Logical pixels of one row and of one column."""
        scale = self.px_per_mm()
        return scale * self.frame.row_mm, scale * self.frame.column_mm

    def px_per_mm(self) -> float:
        """Logical pixels of a millimetre."""
        assert self._viewport is not None
        return self._viewport.px_per_mm / self.devicePixelRatioF()

    def inside(self, point: QPointF) -> bool:
        """Whether a point lies on the slice."""
        if self._frame is None or self._viewport is None:
            return False
        row, column = self.place_at(point)
        return -0.5 <= row < self._frame.rows - 0.5 and -0.5 <= column < self._frame.columns - 0.5

    def cancel_drag(self) -> bool:
        """Take back a drag that is going on, or the polygon of this plane; whether there was one."""
        drag, self._drag = self._drag, None
        outlining = self._controllers.editing.outlining
        polygon = outlining.polygon is not None and outlining.polygon.plane is self.plane
        if drag is not None:
            self._guard.run(drag.cancel)
            self.update()
        elif polygon:
            outlining.cancel()
        return drag is not None or polygon

    def point_at(self, row: float, column: float) -> QPointF:
        """Where a row and column of the slice appear."""
        assert self._viewport is not None
        x, y = self._viewport.to_pixel(self.frame, row, column)
        ratio = self.devicePixelRatioF()
        return QPointF(x / ratio, y / ratio)

    def _place(self) -> None:
        """Work the viewport out again from size, zoom and centre."""
        if self._frame is None:
            return
        ratio = self.devicePixelRatioF()
        wide, high = max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))
        fitted = Viewport.fitted(self._frame, wide, high, max(1, round(ratio)))
        row, column = self._centre or (fitted.centre_row, fitted.centre_column)
        self._viewport = replace(
            fitted, px_per_mm=fitted.px_per_mm * 0.97 * self._zoom, centre_row=row, centre_column=column
        )
        self.redraw()

    # -- what the session says -----------------------------------------------------------------------------
    def _show_case(self, session: Session | None) -> None:
        self.cancel_drag()
        self.note.clear()
        self._session = session
        self._frame = session.frame(self.plane) if session else None
        self._zoom, self._centre = 1.0, None
        if session and self._frame:
            self._slice = self._frame.slice_at(session.crosshair)
        self._place()
        self._tool_changed()
        self.redraw()
        self.slice_changed.emit()

    def _labels_changed(self, box: Box) -> None:
        """Draw the pixels of a changed box again."""
        frame, viewport = self._frame, self._viewport
        if frame is None or viewport is None or not frame.touches(box, self._slice):
            return
        part = viewport.part_of(frame, box)
        self._part = part if self._part is None else self._part.joined(part)
        if not self._stale and not part.is_empty:
            ratio = self.devicePixelRatioF()
            left, top = math.floor(part.left / ratio), math.floor(part.top / ratio)
            self.update(left, top, math.ceil(part.right / ratio) - left, math.ceil(part.bottom / ratio) - top)

    def _look_changed(self, _: Look) -> None:
        self.redraw()

    def _crosshair_changed(self, voxel: Float3) -> None:
        if self._frame is None:
            return
        index = self._frame.slice_at(voxel)
        if index != self._slice:
            self._slice = index
            self._stale = True
            self.slice_changed.emit()
            self._say_hover()
        self.update()

    def _tool_changed(self) -> None:
        if not self.has_case:
            self.unsetCursor()
        elif self._use is Gesture.STROKE:
            self.setCursor(Qt.CursorShape.BlankCursor)
        else:
            self.setCursor(Qt.CursorShape.CrossCursor)
        self.update()

    # -- painting ------------------------------------------------------------------------------------------
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the composite, made anew only if it is stale, and what lies over it."""
        painter = QPainter(self)
        if self._session is None or self._frame is None or self._viewport is None:
            painter.fillRect(self.rect(), QColor(theme.VIEW))
            return
        if self._stale or self._part is not None:
            self._compose(self._session)
        painter.drawImage(QRectF(self.rect()), self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        view_front.paint(painter, QRectF(self.rect()), self._hand(self._session), event.rect())

    def _compose(self, session: Session) -> None:
        assert self._viewport is not None
        if self._buffer.shape != (self._viewport.height_px, self._viewport.width_px):
            self._stale = True
            self._buffer = np.zeros((self._viewport.height_px, self._viewport.width_px), np.uint32)
            # The image shares the buffer's memory, so a frame costs no copy.
            self._image = QImage(
                self._buffer.data, self._buffer.shape[1], self._buffer.shape[0], self._buffer.strides[0],
                QImage.Format.Format_RGB32,
            )  # fmt: skip
        look = self._desk.look
        compose(
            self._buffer, session.scan.volume, session.labels, session.table, words.shown_attention(session, look),
            look, self.frame, self._slice, self._viewport, self._scratch,
            hidden=session.rules.hidden, preview=session.preview, part=None if self._stale else self._part,
        )  # fmt: skip
        self._stale, self._part = False, None
        session.mark_seen(self.plane, self._slice)

    def _hand(self, session: Session) -> InHand:
        return InHand(self, self._controllers, session, self._drag, self._pointer, self._elsewhere, self.note)

    def _brush_moved(self, before: QRect | None) -> None:
        """Draw the places again that the brush left and came to; all where either is not known."""
        after = self._brush_area()
        if before is None or after is None:
            self.update()
        else:
            self.update(before.united(after))

    def _brush_area(self) -> QRect | None:
        if self._session is None:
            return None
        return view_front.brush_area(QRectF(self.rect()), self._hand(self._session))

    def _say_refusal(self, why: str) -> None:
        """Beside the pointer, if it is in this view; the message line says it too."""
        if self._pointer is not None and self.isVisible():
            self.note.say(why, self._pointer)

    @property
    def _use(self) -> Gesture:
        """How the active tool is used."""
        return TOOLS[self._controllers.editing.tool].gesture

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep centre and zoom at the new size."""
        self._place()

    def event(self, event: QEvent) -> bool:
        """Also hear that the device pixel ratio changed, and keep the keys of a polygon from being shortcuts."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._place()
        elif (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and view_drags.polygon_key(self._controllers, event) is not None
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter closes the polygon that is being drawn, Backspace takes its last corner back."""
        verb = view_drags.polygon_key(self._controllers, event)
        if verb is None:
            super().keyPressEvent(event)
        else:
            self._guard.run(verb)
            event.accept()

    # -- the mouse -----------------------------------------------------------------------------------------
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin the drag that belongs to the button."""
        self._pointer = event.position()
        self.note.clear()
        if self.has_case and self._drag is None:
            self.worked.emit()
            self._drag = self._guard.run(
                view_drags.begin, self, self._controllers, event.button(), event.position(), event.modifiers()
            )
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with the drag, and say what lies under the pointer."""
        before = self._brush_area()
        self._pointer = event.position()
        if self._drag is not None:
            self._guard.run(self._drag.move, event.position())
        self._say_hover()
        if self._use in view_front.WORKING:
            self._brush_moved(before)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        drag, self._drag = self._drag, None
        if drag is not None:
            self._guard.run(drag.finish)
            self.update()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """One pane large; a polygon is closed; while painting, two quick dabs are two dabs."""
        if event.button() == Qt.MouseButton.LeftButton and self._use is Gesture.POLYGON:
            self._guard.run(self._controllers.editing.outlining.close)
            event.accept()
        elif event.button() == Qt.MouseButton.LeftButton and self._use not in view_front.WORKING:
            self.cancel_drag()
            self.enlarge_asked.emit()
            event.accept()
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Slice; with Ctrl zoom; with Shift the brush radius. Fine wheels add up to whole steps."""
        if not self.has_case:
            return
        # With Alt or Shift some platforms turn the wheel sideways.
        delta = event.angleDelta().y() or event.angleDelta().x()
        steps = delta / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(_ZOOM_STEP**steps, event.position())
            event.accept()
            return
        self._wheel_left += steps
        whole = int(self._wheel_left)
        self._wheel_left -= whole
        if whole and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._guard.run(self._controllers.editing.change_radius, whole)
            self.update()
        elif whole:
            self.worked.emit()
            self._guard.run(self._controllers.looking.scroll, self.plane, whole)
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:
        """The pointer came in."""
        self._pointer = event.position()
        self._say_hover()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer left: no brush outline, no read-out."""
        self._pointer = None
        self.hovered.emit(None)
        self._controllers.editing.pointed.emit(None)
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        """A hidden view keeps no drag."""
        self.cancel_drag()

    def _say_hover(self) -> None:
        point = self._pointer
        voxel = self.voxel_at(point) if point is not None and self.inside(point) else None
        self.hovered.emit(voxel)
        if point is not None:
            self._controllers.editing.pointed.emit((self.plane, voxel) if voxel is not None else None)

    def _pointed(self, where: tuple[Plane, Float3] | None) -> None:
        """A ball that is held over another view is drawn here too."""
        before = self._brush_area()
        self._elsewhere = where[1] if where is not None and where[0] is not self.plane else None
        if self._elsewhere is not None and self._drag is None:
            # The pointer is in one view at a time, also where no leaving was told.
            self._pointer = None
        if self._use is Gesture.STROKE and self._session is not None and self._session.sphere:
            self._brush_moved(before)
