"""The hand of the simulated reader: presses, strokes, clicks and keys through the controllers, each one counted.

Whatever a person does to the program is a gesture: a stroke, a closed line, a click, a key, a change of tool, label,
radius or option, a preview asked for, a preview accepted or dropped, an undo. Turning the wheel to another slice and
looking are not. Every point of a path is off by 1 mm (standard deviation, along both directions of the slice).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from app.controllers import Controllers
from app.core.planes import Plane
from app.core.session import Session
from app.core.tools.parameters import Value
from app.jobs.runner import Mailbox
from model.grid import Box, Float3

Points = npt.NDArray[np.float64]
"""(n, 3) continuous z, y, x."""

GESTURE_S = 1.5
MM_S = 0.02
JITTER_MM = 1.0
SAME_RADIUS = 0.1
"""A radius within a tenth of the wanted one is not changed."""


@dataclass(frozen=True)
class Cost:
    """What something took: gestures, and mm of path."""

    gestures: int = 0
    path_mm: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.gestures + other.gestures, self.path_mm + other.path_mm)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.gestures - other.gestures, self.path_mm - other.path_mm)

    def seconds(self, gesture_factor: float = 1.0, path_factor: float = 1.0) -> float:
        """1.5 s a gesture and 0.02 s a mm, each times a factor."""
        return GESTURE_S * gesture_factor * self.gestures + MM_S * path_factor * self.path_mm


@dataclass(frozen=True)
class Setting:
    """What has to be set before a tool does what is wanted; None or missing: as it is.

    Attributes:
        tool: the active tool; None for a command, which needs none.
        label: the active label.
        radius_mm: of the brush.
        options: (tool, name, value).
    """

    tool: str | None
    label: int | None = None
    radius_mm: float | None = None
    options: tuple[tuple[str, str, Value], ...] = ()


class Hand:
    """Does things to the open case, and counts them.

    Attributes:
        spent: all that was done so far.
    """

    def __init__(self, controllers: Controllers, mailbox: Mailbox, rng: np.random.Generator) -> None:
        session = controllers.desk.session
        assert session is not None
        self.session: Session = session
        self.spent = Cost()
        self._editing = controllers.editing
        self._labelling = controllers.labelling
        self._mailbox = mailbox
        self._rng = rng

    # -- settings ----------------------------------------------------------------------------------------
    def missing(self, wanted: Setting) -> int:
        """How many gestures setting it would take."""
        return len(self._changes(wanted))

    def prepare(self, wanted: Setting) -> None:
        """Set what is not so yet, one gesture each."""
        for change in self._changes(wanted):
            change()
            self._count()

    def _changes(self, wanted: Setting) -> list[Callable[[], None]]:
        """What to press, in order."""
        editing = self._editing
        changes: list[Callable[[], None]] = []
        if wanted.tool is not None and wanted.tool != editing.tool:
            changes.append(partial(editing.set_tool, wanted.tool))
        if wanted.label is not None and wanted.label != self.session.active_label:
            changes.append(partial(self._labelling.set_active, wanted.label))
        if wanted.radius_mm is not None:
            off = abs(self.session.radius_mm - wanted.radius_mm)
            if off > SAME_RADIUS * wanted.radius_mm:
                changes.append(partial(editing.set_radius_mm, wanted.radius_mm))
        for tool, name, value in wanted.options:
            if editing.options(tool).value(name) != value:
                changes.append(partial(editing.set_option, tool, name, value))
        return changes

    # -- drawing -----------------------------------------------------------------------------------------
    def stroke(self, plane: Plane, points: Points) -> None:
        """Press at the first point, draw through the others, lift."""
        path = self._drawn(plane, points)
        self._editing.begin_stroke(plane, _place(path[0]))
        for point in path[1:]:
            self._editing.extend_stroke(_place(point))
        self._editing.end_stroke()
        self._count(self._length_mm(path))

    def outline(self, plane: Plane, points: Points) -> None:
        """Draw a closed line in the slice that the points lie in."""
        path = self._drawn(plane, points)
        frame = self.session.frame(plane)
        places = np.array([frame.from_voxel(_place(point)) for point in path])
        self._editing.draw_outline(plane, round(float(places[0, 0])), places[:, 1:])
        self._count(self._length_mm(np.vstack([path, path[:1]])))

    def click(self, plane: Plane, voxel: Float3) -> None:
        """Press and release the active tool at a place; what it computes is waited for."""
        (place,) = self._drawn(plane, np.array([voxel]))
        self._editing.begin_point(plane, _place(place))
        self._count()
        self._wait()

    def sample(self, plane: Plane, voxel: Float3) -> None:
        """Take the threshold brush's range from a place."""
        (place,) = self._drawn(plane, np.array([voxel]))
        self._editing.sample_range(_place(place))
        self._count()

    def adjust(self, tolerance: float) -> None:
        """Drag the tolerance of a pressed tool to another value and look."""
        self._editing.adjust_point(tolerance)
        self._count()
        self._wait()

    def release(self) -> None:
        """Lift a tool that was pressed: what is shown is taken."""
        self._editing.end_point()
        self._count()
        self._wait()

    def let_go(self) -> None:
        """Press Esc: what is shown is not taken."""
        self._editing.cancel_point()
        self._editing.drop_preview()
        self._count()

    def draw_box(self, box: Box) -> None:
        """Draw the region box that the model's probabilities are cut in."""
        self._editing.set_region(box)
        self._count(box_mm(box, self.session.grid.spacing))

    @property
    def tolerance(self) -> float | None:
        """What growing began with; None where nothing grows."""
        return self._editing.point_tolerance

    # -- keys --------------------------------------------------------------------------------------------
    def command(self, tool: str, plane: Plane) -> None:
        """Run a command; where it has a preview, that is shown afterwards."""
        self._editing.run_command(tool, plane)
        self._count()
        self._wait()

    def accept(self) -> None:
        """Press Enter: the preview is taken."""
        self._editing.accept_preview()
        self._count()
        self._wait()

    def undo(self) -> None:
        """Take the last step back."""
        self._editing.undo()
        self._count()
        self._mailbox.pump()

    # -- inside ------------------------------------------------------------------------------------------
    def _count(self, path_mm: float = 0.0) -> None:
        self.spent += Cost(1, path_mm)
        self._mailbox.pump()

    def _wait(self) -> None:
        self._mailbox.pump_until(lambda: not self._editing.computing, 60)

    def _drawn(self, plane: Plane, points: Points) -> Points:
        return jittered(points, self.session.frame(plane).slice_axis, self.session.grid.spacing, self._rng)

    def _length_mm(self, path: Points) -> float:
        return length_mm(path, self.session.grid.spacing)


def jittered(points: Points, axis: int, spacing: Float3, rng: np.random.Generator) -> Points:
    """Points as a hand meets them: off by 1 mm within the slice, never across it."""
    off = rng.normal(0.0, JITTER_MM, points.shape) / np.asarray(spacing)
    off[:, axis] = 0.0
    drawn: Points = points + off
    return drawn


def length_mm(path: Points, spacing: Float3) -> float:
    """How long a path is."""
    return float(np.linalg.norm(np.diff(path, axis=0) * np.asarray(spacing), axis=1).sum())


def box_mm(box: Box, spacing: Float3) -> float:
    """How far a hand draws for a box: its longest diagonal in a plane."""
    sides = sorted(n * mm for n, mm in zip(box.shape, spacing, strict=True))
    return float(np.hypot(sides[1], sides[2]))


def _place(point: npt.NDArray[np.float64]) -> Float3:
    z, y, x = (float(value) for value in point)
    return z, y, x
