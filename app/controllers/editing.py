"""Editing: the active tool, strokes, commands and their previews, undo and redo, the region box.

Each change goes the way of `changing`. What takes long is computed in the edit lane (`proposing`).
"""

from __future__ import annotations

from collections.abc import Callable

from app.controllers.changing import Changing
from app.controllers.desk import Desk
from app.controllers.growing import Growing
from app.controllers.outlining import Outlining
from app.core.events import Event
from app.core.history import Entry
from app.core.journal_course import Direction
from app.core.messages import CannotEdit
from app.core.patch import Patch
from app.core.planes import Plane
from app.core.session import Session
from app.core.tools import TOOLS as ALL_TOOLS
from app.core.tools import Gesture
from app.core.tools.brush import FloatArray
from app.core.tools.commands import NO_PREDICTION
from app.core.tools.parameters import Options, Value
from app.core.tools.proposal import Proposal
from model.grid import Box, Float3
from model.progress import CancelCheck, Report

TOOLS = tuple(tool.name for tool in ALL_TOOLS.values() if tool.gesture is not Gesture.COMMAND)
"""What the left mouse button can be; commands are run by `run_command`."""
RADIUS_STEP = 1.15
SMALLEST_RADIUS_STEP_MM = 0.1


class EditingController:
    """The verbs of the mask; a refusal is a sentence and changes nothing.

    Attributes:
        preview_changed: the box where a preview appeared, changed or went; `Session.preview` has it.
        refused: the sentence of a refusal, for the cursor; it is also said on the desk.
        outlining: the polygon that is being drawn, and its verbs.
        pointed: the plane and the voxel (z, y, x) the pointer is at, or None: a ball is seen in all planes.
    """

    def __init__(self, desk: Desk, changing: Changing) -> None:
        self._desk = desk
        self._changing = changing
        self._growing = Growing(desk, changing)
        self.outlining = Outlining(desk, changing)
        self.pointed: Event[tuple[Plane, Float3] | None] = Event("pointed")
        self.preview_changed = changing.preview_changed
        self.refused = changing.refused

    # -- tool --------------------------------------------------------------------------------------------
    @property
    def tool(self) -> str:
        """The name of the active tool."""
        return self._desk.tool

    def set_tool(self, name: str) -> None:
        """Choose what the left mouse button does."""
        if name not in TOOLS:
            raise ValueError(f"there is no tool {name!r}; there are {', '.join(TOOLS)}")
        self.cancel_stroke()
        self.cancel_point()
        self._desk.tool = name
        self._desk.events.tool_changed.emit(None)

    def set_radius_mm(self, radius_mm: float) -> None:
        """The brush radius; the session keeps it within bounds."""
        session = self._desk.session
        if session is not None:
            session.radius_mm = float(radius_mm)
            self._desk.events.tool_changed.emit(None)

    def change_radius(self, steps: int) -> None:
        """Make the brush larger (positive) or smaller: 15 % a step, at least 0.1 mm."""
        session = self._desk.session
        if session is not None:
            radius = session.radius_mm
            factor = RADIUS_STEP**steps
            step = max(abs(radius * factor - radius), SMALLEST_RADIUS_STEP_MM * abs(steps))
            self.set_radius_mm(radius + (step if steps > 0 else -step))

    def options(self, tool: str | None = None) -> Options:
        """What is set on a tool (None: the active one); the defaults while no case is open."""
        name = self._desk.tool if tool is None else tool
        session = self._desk.session
        return session.tools.options(name) if session is not None else ALL_TOOLS[name].options

    def set_option(self, tool: str, name: str, value: Value) -> None:
        """Set a parameter of a tool, within its bounds."""
        if self._desk.session is not None:
            self._desk.session.tools.set_option(tool, name, value)
            self._desk.events.tool_changed.emit(None)

    def sample_range(self, voxel: Float3) -> None:
        """Take the threshold brush's range from what lies under it at a place."""
        session = self._desk.session
        if session is None:
            return
        try:
            low, high = session.tools.sample_range(voxel)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return
        self._desk.events.tool_changed.emit(None)
        self._desk.say(f"The threshold brush paints {low:.0f} to {high:.0f}.")

    # -- strokes -----------------------------------------------------------------------------------------
    def begin_stroke(self, plane: Plane, voxel: Float3) -> None:
        """Start drawing at a voxel (z, y, x) of a view; returns after the first stamp."""
        session = self._desk.session
        if session is None or ALL_TOOLS[self._desk.tool].gesture is not Gesture.STROKE:
            return
        session = self._changing.ready()
        if session is None:
            return
        try:
            session.begin_stroke(self._desk.tool, plane, voxel)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return
        self.extend_stroke(voxel)
        self._desk.events.conditions_changed.emit(None)

    def extend_stroke(self, voxel: Float3) -> None:
        """Go on to a voxel, without gaps."""
        session = self._desk.session
        if session is None or not session.stroke_active:
            return
        changed = session.extend_stroke(voxel)
        if changed is not None:
            self._desk.events.labels_changed.emit(changed)

    def end_stroke(self) -> None:
        """Commit the stroke: one history entry, one journal record; a stroke that changed nothing leaves neither."""
        session = self._desk.session
        if session is None or not session.stroke_active:
            return
        try:
            patch = session.end_stroke()
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            patch = None
        self._changing.committed(patch)

    def cancel_stroke(self) -> None:
        """Take the running stroke back as if it had not been begun."""
        self._changing.cancel_stroke()

    def draw_outline(self, plane: Plane, slice_index: int, points_rc: FloatArray) -> None:
        """A closed line was drawn in a slice of a view: (n, 2) rows and columns as the view counts them."""
        self._changing.at_once(
            lambda session: session.commit(session.tools.outline(plane, slice_index, points_rc))
        )

    def take_prediction_as_mask(self) -> None:
        """Replace the whole mask by the prediction; one step that undo takes back."""
        session = self._changing.ready()
        if session is None:
            return
        if session.prediction is None:
            self._changing.refuse(CannotEdit(NO_PREDICTION))
            return
        labels, name = session.prediction.labels, "take prediction"

        def compute(report: Report, cancelled: CancelCheck) -> Proposal:
            return session.tools.from_mask(labels, Box.whole(labels.shape), name)

        self._changing.compute(session, "Take prediction", compute, preview=False)

    # -- commands ----------------------------------------------------------------------------------------
    @property
    def computing(self) -> bool:
        """True while a command or a preview is computed."""
        return self._changing.proposing.running

    def run_command(self, tool: str, plane: Plane = Plane.AXIAL, place: Float3 | None = None) -> None:
        """Run a command in the edit lane; it is committed when it is there, or shown first where it has a preview.

        Args:
            tool: its name in the table of tools.
            plane: the plane it is used in.
            place: where (continuous z, y, x); None: at the crosshair.
        """
        session = self._changing.ready()
        if session is None:
            return
        try:
            compute = session.tools.command(tool, plane, place)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return
        chosen = ALL_TOOLS[tool]
        self._changing.compute(session, chosen.text, compute, preview=chosen.preview)

    def begin_point(self, plane: Plane, voxel: Float3) -> None:
        """Press the active tool at a voxel (z, y, x): grow shows what it would add, an island is dealt with."""
        session = self._changing.ready()
        if session is None:
            return
        if self._desk.tool == "island":
            self.run_command("island", plane, voxel)
        elif self._desk.tool == "grow":
            self._growing.begin(session, plane, voxel)

    def adjust_point(self, tolerance: float) -> None:
        """Grow with another tolerance, in units of intensity, while the tool is pressed."""
        self._growing.adjust(tolerance)

    @property
    def point_tolerance(self) -> float | None:
        """The tolerance of the growing that is pressed; None where nothing is."""
        return self._growing.tolerance

    def end_point(self) -> None:
        """Release: what is shown is accepted, or what is still being computed once it is there."""
        self._growing.end()

    def cancel_point(self) -> None:
        """Let go of the place and of what it showed."""
        self._growing.cancel()

    def accept_preview(self) -> None:
        """Make the change that is shown."""
        self._changing.accept_preview()

    def drop_preview(self) -> None:
        """Forget what is shown or being computed; the mask stays as it is."""
        self._changing.drop_preview()

    # -- history -----------------------------------------------------------------------------------------
    @property
    def undo_name(self) -> str:
        """What undo would take back, or an empty string."""
        session = self._desk.session
        return session.undo_text if session else ""

    @property
    def redo_name(self) -> str:
        """What redo would make again, or an empty string."""
        session = self._desk.session
        return session.redo_text if session else ""

    def undo(self) -> None:
        """Take the last change back."""
        self._step("undo", lambda session: session.undo())

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        self._step("redo", lambda session: session.redo())

    def _step(self, direction: Direction, step: Callable[[Session], Entry | None]) -> None:
        session = self._desk.session
        if session is None or self._desk.saving:
            return
        self.cancel_stroke()
        self.cancel_point()
        self.drop_preview()
        try:
            entry = step(session)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return
        if entry is None:
            return
        self._changing.keep(entry, direction)
        if isinstance(entry, Patch):
            self._desk.events.labels_changed.emit(entry.box)
            self._changing.changed()
        else:
            self._changing.show_table()

    # -- region ------------------------------------------------------------------------------------------
    def set_region(self, box: Box | None) -> None:
        """The box a prediction is limited to; clipped to the scan, None for the whole scan."""
        session = self._desk.session
        if session is None:
            return
        if box is not None:
            box = box.clipped(session.labels.shape)
            if box.size == 0:
                box = None
        session.region = box
        self._desk.events.region_changed.emit(None)
        self._desk.events.conditions_changed.emit(None)
