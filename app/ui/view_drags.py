"""What a held mouse button does in a view: one small class per drag, each begun, moved, and finished or cancelled.

They turn places in a view into calls of the controllers. The region box's arithmetic (which edges move) is here;
painting, history and geometry are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent

from app.controllers import Controllers
from app.core.planes import SliceFrame
from app.core.tools import TOOLS, Gesture
from app.core.tools.polygon import Polygon
from model.grid import Box, Float3

# A line is followed in steps of this many logical pixels; a hand is no finer.
_LINE_STEP_PX = 1.5
# A hundred pixels up or down change a growing tool's tolerance by this share of the grey window.
_TOLERANCE_PER_100_PX = 0.25

# How near to an edge of the region box, or to the first corner of a polygon, in logical pixels, a press means it.
GRIP_PX = 8.0


class ViewPlaces(Protocol):
    """What a drag asks of the view it happens in; points are logical pixels of the widget."""

    @property
    def frame(self) -> SliceFrame: ...
    @property
    def slice_index(self) -> int: ...
    def place_at(self, point: QPointF) -> tuple[float, float]:
        """Row and column under a point, also outside the slice."""
        ...

    def voxel_at(self, point: QPointF) -> Float3:
        """The voxel under a point on the shown slice, also outside the volume."""
        ...

    def point_of(self, voxel: Float3) -> QPointF:
        """Where a voxel appears, whatever its slice."""
        ...

    def point_at(self, row: float, column: float) -> QPointF:
        """Where a row and column of the slice appear."""
        ...

    def pan_by(self, delta: QPointF) -> None: ...
    def px_per_voxel(self) -> tuple[float, float]:
        """Logical pixels of a row and of a column."""
        ...

    def px_per_mm(self) -> float:
        """Logical pixels of a millimetre."""
        ...


class Drag(Protocol):
    """A drag in progress."""

    def move(self, point: QPointF) -> None: ...
    def finish(self) -> None: ...
    def cancel(self) -> None: ...


class CrosshairDrag:
    """The crosshair follows the pointer, kept inside the volume."""

    def __init__(self, view: ViewPlaces, controllers: Controllers, point: QPointF) -> None:
        self._view, self._controllers = view, controllers
        self.move(point)

    def move(self, point: QPointF) -> None:
        """Go to the voxel under `point`."""
        shape = self._view.frame.shape
        z, y, x = (
            min(n - 1.0, max(0.0, float(round(place))))
            for place, n in zip(self._view.voxel_at(point), shape, strict=True)
        )
        self._controllers.looking.move_crosshair((z, y, x))

    def finish(self) -> None:
        """Nothing is left to do."""

    def cancel(self) -> None:
        """The crosshair stays where it is."""


class StrokeDrag:
    """One stroke of the brush or the eraser: one entry in the history."""

    def __init__(self, view: ViewPlaces, controllers: Controllers, point: QPointF) -> None:
        self._view, self._editing = view, controllers.editing
        self._editing.begin_stroke(view.frame.plane, view.voxel_at(point))

    def move(self, point: QPointF) -> None:
        """Paint on to `point`."""
        self._editing.extend_stroke(self._view.voxel_at(point))

    def finish(self) -> None:
        """End the stroke."""
        self._editing.end_stroke()

    def cancel(self) -> None:
        """Take the stroke back."""
        self._editing.cancel_stroke()


class OutlineDrag:
    """A line round what is meant; it closes when the button is let go, in the slice that is shown then.

    Attributes:
        places: rows and columns of the line so far.
    """

    def __init__(self, view: ViewPlaces, controllers: Controllers, point: QPointF) -> None:
        self._view, self._editing, self._last = view, controllers.editing, point
        self.places = [view.place_at(point)]
        # Drawing goes on from what is made, not from what is only shown.
        self._editing.drop_preview()

    def move(self, point: QPointF) -> None:
        """Draw on to `point`."""
        step = point - self._last
        if abs(step.x()) + abs(step.y()) >= _LINE_STEP_PX:
            self._last = point
            self.places.append(self._view.place_at(point))

    def finish(self) -> None:
        """Close the line."""
        points = np.array(self.places, np.float64)
        self._editing.draw_outline(self._view.frame.plane, self._view.slice_index, points)

    def cancel(self) -> None:
        """Nothing was changed yet."""


class GrowDrag:
    """Press in a structure, up for more tolerance, down for less; letting go accepts what is shown."""

    def __init__(self, view: ViewPlaces, controllers: Controllers, point: QPointF) -> None:
        self._editing, self._start = controllers.editing, point
        self._per_px = controllers.desk.look.width * _TOLERANCE_PER_100_PX / 100
        self._editing.begin_point(view.frame.plane, view.voxel_at(point))
        self._first = self._editing.point_tolerance
        self._moved = 0.0

    @property
    def tolerance(self) -> float | None:
        """The tolerance now, in units of intensity; None where nothing grows."""
        return self._editing.point_tolerance

    def move(self, point: QPointF) -> None:
        """Change the tolerance by how far the pointer is above or below the press."""
        moved = self._start.y() - point.y()
        if self._first is not None and moved != self._moved:
            self._moved = moved
            self._editing.adjust_point(self._first + moved * self._per_px)

    def finish(self) -> None:
        """Accept."""
        self._editing.end_point()

    def cancel(self) -> None:
        """Drop what is shown."""
        self._editing.cancel_point()


class PanDrag:
    """The slice follows the pointer."""

    def __init__(self, view: ViewPlaces, point: QPointF) -> None:
        self._view, self._last = view, point

    def move(self, point: QPointF) -> None:
        """Move the slice by as much as the pointer moved."""
        self._view.pan_by(point - self._last)
        self._last = point

    def finish(self) -> None:
        """Nothing is left to do."""

    def cancel(self) -> None:
        """The slice stays where it is."""


class WindowDrag:
    """Right drag: width across, level up and down; a hundred pixels change either by a third of the first width."""

    def __init__(self, controllers: Controllers, point: QPointF) -> None:
        self._looking, self._start = controllers.looking, point
        look = controllers.desk.look
        self._level, self._width = look.level, look.width

    def move(self, point: QPointF) -> None:
        """Set the window for this distance from the start."""
        step = self._width / 300.0
        delta = point - self._start
        width = max(self._width * 0.01, self._width + delta.x() * step)
        self._looking.set_window(self._level - delta.y() * step, width)

    def finish(self) -> None:
        """Nothing is left to do."""

    def cancel(self) -> None:
        """Back to the first window."""
        self._looking.set_window(self._level, self._width)


@dataclass(frozen=True)
class Grip:
    """Which edges of the region box a drag moves: −1 the first, +1 the last, 0 neither; all zero moves the box."""

    row: int
    column: int


class RegionDrag:
    """A new region box, or an edge, a corner or the whole of the one there is."""

    def __init__(self, view: ViewPlaces, controllers: Controllers, point: QPointF) -> None:
        self._view, self._editing = view, controllers.editing
        session = controllers.desk.session
        self._before: Box | None = session.region if session else None
        self._from = view.place_at(point)
        self._grip = grip_at(view, self._before, point) if self._before else None

    def move(self, point: QPointF) -> None:
        """Set the box for the pointer at `point`."""
        row, column = self._view.place_at(point)
        frame = self._view.frame
        if self._before is None or self._grip is None:
            rows, columns = _span(self._from[0], row), _span(self._from[1], column)
            box = _with_depth(frame, self._view.slice_index, rows, columns, self._before)
        else:
            box = _pulled(frame, self._before, self._grip, row - self._from[0], column - self._from[1])
        box = box.clipped(frame.shape)
        if box.size > 0:
            self._editing.set_region(box)

    def finish(self) -> None:
        """Nothing is left to do: the box is set while it is drawn."""

    def cancel(self) -> None:
        """Back to the box there was."""
        self._editing.set_region(self._before)


def begin(
    view: ViewPlaces,
    controllers: Controllers,
    button: Qt.MouseButton,
    point: QPointF,
    keys: Qt.KeyboardModifier,
) -> Drag | None:
    """What a press at `point` begins; None where it was done at once, or refused."""
    if button == Qt.MouseButton.MiddleButton:
        return PanDrag(view, point)
    if button == Qt.MouseButton.RightButton:
        return WindowDrag(controllers, point)
    if button != Qt.MouseButton.LeftButton:
        return None
    editing = controllers.editing
    if keys & Qt.KeyboardModifier.ControlModifier:
        take = editing.sample_range if editing.tool == "threshold-brush" else controllers.labelling.pick
        take(view.voxel_at(point))
        return None
    if editing.tool == "island":
        editing.begin_point(view.frame.plane, view.voxel_at(point))
        return None
    match TOOLS[editing.tool].gesture:
        case Gesture.STROKE:
            return StrokeDrag(view, controllers, point)
        case Gesture.OUTLINE:
            return OutlineDrag(view, controllers, point)
        case Gesture.POLYGON:
            set_corner(view, controllers, point)
            return None
        case Gesture.POINT:
            drag = GrowDrag(view, controllers, point)
            return drag if drag.tolerance is not None else None
        case Gesture.BOX:
            return RegionDrag(view, controllers, point)
    return CrosshairDrag(view, controllers, point)


def set_corner(view: ViewPlaces, controllers: Controllers, point: QPointF) -> None:
    """A corner of a polygon at `point`; on the first one of three and more the polygon is closed."""
    outlining = controllers.editing.outlining
    if closes(view, outlining.polygon, point):
        outlining.close()
    else:
        outlining.add_corner(view.frame.plane, view.slice_index, view.place_at(point))


def closes(view: ViewPlaces, polygon: Polygon | None, point: QPointF) -> bool:
    """Whether a press at `point` closes a polygon: on its first corner, if it has three."""
    if polygon is None or not polygon.can_close or not polygon.lies_in(view.frame.plane, view.slice_index):
        return False
    first = view.point_of(view.frame.to_voxel(polygon.slice_index, *polygon.corners[0]))
    return (point - first).manhattanLength() <= GRIP_PX


def polygon_key(controllers: Controllers, event: QKeyEvent) -> Callable[[], None] | None:
    """What a key does to the polygon that is being drawn; None where there is none, or the key means nothing to it."""
    outlining = controllers.editing.outlining
    plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
    if outlining.polygon is None or not plain:
        return None
    if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        return outlining.close
    return outlining.remove_corner if event.key() == Qt.Key.Key_Backspace else None


def grip_at(view: ViewPlaces, box: Box, point: QPointF) -> Grip | None:
    """What a press at `point` takes hold of; None away from the box (a new one is drawn)."""
    top, bottom, left, right = view.frame.span(box)
    row, column = view.place_at(point)
    per_row, per_column = view.px_per_voxel()
    near_row, near_column = GRIP_PX / per_row, GRIP_PX / per_column
    if not (
        top - near_row <= row <= bottom + near_row and left - near_column <= column <= right + near_column
    ):
        return None
    at_row = -1 if abs(row - top) <= near_row else 1 if abs(row - bottom) <= near_row else 0
    at_column = -1 if abs(column - left) <= near_column else 1 if abs(column - right) <= near_column else 0
    return Grip(at_row, at_column)


def _span(a: float, b: float) -> tuple[int, int]:
    """First and last voxel (inclusive) between two places."""
    low, high = sorted((round(a), round(b)))
    return low, high


def _with_depth(
    frame: SliceFrame, slice_index: int, rows: tuple[int, int], columns: tuple[int, int], before: Box | None
) -> Box:
    """The box of a drawn rectangle; as deep as the one before it, else as deep as it is wide, about this slice."""
    if before is not None:
        axis = frame.slice_axis
        box = _box(frame, (slice_index, slice_index), rows, columns)
        start, stop = list(box.start), list(box.stop)
        if before.start[axis] <= start[axis] < before.stop[axis]:
            start[axis], stop[axis] = before.start[axis], before.stop[axis]
            return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    height_mm = (rows[1] - rows[0] + 1) * frame.row_mm
    width_mm = (columns[1] - columns[0] + 1) * frame.column_mm
    half = max(0, round((height_mm + width_mm) / 4 / frame.slice_mm))
    return _box(frame, (slice_index - half, slice_index + half), rows, columns)


def _box(frame: SliceFrame, slices: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]) -> Box:
    a = frame.to_voxel(slices[0], rows[0], columns[0])
    b = frame.to_voxel(slices[1], rows[1], columns[1])
    start = [round(min(p, q)) for p, q in zip(a, b, strict=True)]
    stop = [round(max(p, q)) + 1 for p, q in zip(a, b, strict=True)]
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _pulled(frame: SliceFrame, box: Box, grip: Grip, down: float, right: float) -> Box:
    """The box with the held edges moved by whole voxels, or moved as a whole and kept inside the volume."""
    start, stop = list(box.start), list(box.stop)
    held = ((frame.row_axis, frame.row_flipped, grip.row, down),
            (frame.column_axis, frame.column_flipped, grip.column, right))  # fmt: skip
    whole = grip.row == 0 and grip.column == 0
    for axis, flipped, edge, moved in held:
        by = round(-moved if flipped else moved)
        edge = -edge if flipped else edge
        if whole:
            by = max(-start[axis], min(frame.shape[axis] - stop[axis], by))
            start[axis] += by
            stop[axis] += by
        elif edge < 0:
            start[axis] = min(start[axis] + by, stop[axis] - 1)
        elif edge > 0:
            stop[axis] = max(stop[axis] + by, start[axis] + 1)
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
