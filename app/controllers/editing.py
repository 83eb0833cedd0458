"""Editing: the active tool, strokes, undo and redo, the region box. Each committed change goes to the journal."""

from __future__ import annotations

from collections.abc import Callable

from app.controllers.desk import Desk
from app.controllers.journaling import SessionJournal
from app.core.messages import CannotEdit
from app.core.patch import Patch
from app.core.planes import Plane
from model.grid import Box, Float3

TOOLS = ("crosshair", "brush", "erase", "region")
RADIUS_STEP = 1.15
SMALLEST_RADIUS_STEP_MM = 0.1


class EditingController:
    """The verbs of the mask; a refusal is a sentence and changes nothing."""

    def __init__(self, desk: Desk, journal: Callable[[], SessionJournal | None]) -> None:
        self._desk = desk
        self._journal = journal

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

    def set_sphere(self, sphere: bool) -> None:
        """A ball in millimetres instead of a disc in the slice."""
        if self._desk.session is not None:
            self._desk.session.sphere = sphere
            self._desk.events.tool_changed.emit(None)

    def set_active_label(self, value: int) -> None:
        """The label that strokes paint."""
        session = self._desk.session
        if session is not None and session.table.entry(value) is not None:
            session.active_label = value
            self._desk.events.tool_changed.emit(None)

    # -- strokes -----------------------------------------------------------------------------------------
    def begin_stroke(self, plane: Plane, voxel: Float3) -> None:
        """Start painting (or erasing) at a voxel (z, y, x) of a view; returns after the first stamp."""
        session = self._desk.session
        if session is None or self._desk.tool not in ("brush", "erase"):
            return
        if self._desk.saving:
            self._desk.say("The mask is being saved; paint again in a moment.", "warning")
            return
        try:
            session.begin_stroke(self._desk.tool, plane, voxel)
        except CannotEdit as refusal:
            self._desk.say(str(refusal), "warning")
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
            self._desk.say(str(refusal), "warning")
            patch = None
        self._committed(patch)

    def cancel_stroke(self) -> None:
        """Take the running stroke back as if it had not been begun."""
        session = self._desk.session
        if session is None or not session.stroke_active:
            return
        changed = session.cancel_stroke()
        if changed is not None:
            self._desk.events.labels_changed.emit(changed)
        self._desk.events.conditions_changed.emit(None)

    def take_prediction_as_mask(self) -> None:
        """Replace the whole mask by the prediction; one step that undo takes back."""
        session = self._desk.session
        if session is None or session.prediction is None:
            self._desk.say("There is no prediction to take; press F5.", "warning")
            return
        try:
            patch = session.take_prediction_as_mask(session.prediction)
        except CannotEdit as refusal:
            self._desk.say(str(refusal), "warning")
            return
        if patch is None:
            self._desk.say("The mask equals the prediction already.")
            return
        self._desk.events.labels_changed.emit(patch.box)
        self._committed(patch)

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
        session = self._desk.session
        if session is None or self._desk.saving:
            return
        self.cancel_stroke()
        self._stepped(session.undo(), lambda journal: journal.undo())

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        session = self._desk.session
        if session is None or self._desk.saving:
            return
        self.cancel_stroke()
        self._stepped(session.redo(), lambda journal: journal.redo())

    def _stepped(self, patch: Patch | None, keep: Callable[[SessionJournal], None]) -> None:
        if patch is None:
            return
        journal = self._journal()
        if journal is not None:
            keep(journal)
        self._desk.events.labels_changed.emit(patch.box)
        self._changed()

    def _committed(self, patch: Patch | None) -> None:
        journal = self._journal()
        if patch is not None and journal is not None:
            journal.patch(patch)
        self._changed()

    def _changed(self) -> None:
        self._desk.events.history_changed.emit(None)
        self._desk.events.conditions_changed.emit(None)

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
