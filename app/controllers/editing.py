"""Editing: the active tool, strokes, commands and their previews, labels, undo and redo, the region box.

Each committed change goes to the journal. What takes long is computed in the edit lane (`proposing`).
"""

from __future__ import annotations

from collections.abc import Callable

from app.controllers.desk import Desk
from app.controllers.journaling import SessionJournal
from app.controllers.proposing import Proposing
from app.core.events import Event
from app.core.history import Entry
from app.core.labels import Colour, LabelTable
from app.core.messages import CannotEdit
from app.core.patch import Patch
from app.core.planes import Plane
from app.core.session import Session
from app.core.tools import TOOLS as ALL_TOOLS
from app.core.tools import Gesture
from app.core.tools.brush import FloatArray
from app.core.tools.commands import NO_PREDICTION, Compute
from app.core.tools.parameters import Options, Value
from app.core.tools.proposal import Proposal
from model.grid import Box, Float3

TOOLS = tuple(tool.name for tool in ALL_TOOLS.values() if tool.gesture is not Gesture.COMMAND)
"""What the left mouse button can be; commands are run by `run_command`."""
RADIUS_STEP = 1.15
SMALLEST_RADIUS_STEP_MM = 0.1

_SAVING = CannotEdit("The mask is being saved; paint again in a moment.")


class EditingController:
    """The verbs of the mask; a refusal is a sentence and changes nothing.

    Attributes:
        preview_changed: the box where a preview appeared, changed or went; `Session.preview` has it.
        table_changed: labels were added or changed, locked, hidden or shown.
        refused: the sentence of a refusal, for the cursor; it is also said on the desk.
    """

    def __init__(self, desk: Desk, journal: Callable[[], SessionJournal | None]) -> None:
        self._desk = desk
        self._journal = journal
        self.preview_changed: Event[Box] = Event("preview changed")
        self.table_changed: Event[None] = Event("table changed")
        self.refused: Event[str] = Event("refused")
        self._proposing = Proposing(desk, self._refuse)
        self._accept_on_arrival = False
        self._grow_next: Compute | None = None
        self._table: LabelTable | None = None
        desk.events.case_opened.subscribe(lambda session: self._look_at(session.table))
        desk.events.history_changed.subscribe(
            lambda _: self._look_at(desk.session.table if desk.session is not None else None)
        )

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

    def set_active_label(self, value: int) -> None:
        """The label that strokes paint."""
        session = self._desk.session
        if session is not None and session.table.entry(value) is not None:
            session.active_label = value
            self._desk.events.tool_changed.emit(None)

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
            self._refuse(refusal)
            return
        self._desk.events.tool_changed.emit(None)
        self._desk.say(f"The threshold brush paints {low:.0f} to {high:.0f}.")

    # -- strokes -----------------------------------------------------------------------------------------
    def begin_stroke(self, plane: Plane, voxel: Float3) -> None:
        """Start drawing at a voxel (z, y, x) of a view; returns after the first stamp."""
        session = self._desk.session
        if session is None or ALL_TOOLS[self._desk.tool].gesture is not Gesture.STROKE:
            return
        if self._desk.saving:
            self._refuse(_SAVING)
            return
        self.drop_preview()
        try:
            session.begin_stroke(self._desk.tool, plane, voxel)
        except CannotEdit as refusal:
            self._refuse(refusal)
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
            self._refuse(refusal)
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

    def draw_outline(self, plane: Plane, slice_index: int, points_rc: FloatArray) -> None:
        """A closed line was drawn in a slice of a view: (n, 2) rows and columns as the view counts them."""
        self._at_once(lambda session: session.commit(session.tools.outline(plane, slice_index, points_rc)))

    def take_prediction_as_mask(self) -> None:
        """Replace the whole mask by the prediction; one step that undo takes back."""
        session = self._desk.session
        if session is None or session.prediction is None:
            self._desk.say(NO_PREDICTION, "warning")
            return
        prediction = session.prediction
        self._at_once(
            lambda session: session.take_prediction_as_mask(prediction),
            otherwise="The mask equals the prediction already.",
        )

    # -- commands ----------------------------------------------------------------------------------------
    @property
    def computing(self) -> bool:
        """True while a command or a preview is computed."""
        return self._proposing.running

    def run_command(self, tool: str, plane: Plane = Plane.AXIAL, place: Float3 | None = None) -> None:
        """Run a command in the edit lane; it is committed when it is there, or shown first where it has a preview.

        Args:
            tool: its name in the table of tools.
            plane: the plane it is used in.
            place: where (continuous z, y, x); None: at the crosshair.
        """
        session = self._ready()
        if session is None:
            return
        try:
            compute = session.tools.command(tool, plane, place)
        except CannotEdit as refusal:
            self._refuse(refusal)
            return
        chosen = ALL_TOOLS[tool]
        arrived = self._show if chosen.preview else self._commit
        self._proposing.compute(session, chosen.text, compute, arrived)

    def begin_point(self, plane: Plane, voxel: Float3) -> None:
        """Press the active tool at a voxel (z, y, x): grow shows what it would add, an island is dealt with."""
        session = self._ready()
        if session is None:
            return
        if self._desk.tool == "island":
            self.run_command("island", plane, voxel)
            return
        if self._desk.tool != "grow":
            return
        try:
            session.tools.begin_point("grow", plane, voxel)
        except CannotEdit as refusal:
            self._refuse(refusal)
            return
        self._grow(session)

    def adjust_point(self, tolerance: float) -> None:
        """Grow with another tolerance, in units of intensity, while the tool is pressed."""
        session = self._desk.session
        if session is not None and session.tools.adjust_point(tolerance) is not None:
            self._grow(session)

    @property
    def point_tolerance(self) -> float | None:
        """The tolerance of the growing that is pressed; None where nothing is."""
        session = self._desk.session
        return (
            session.tools.point.tolerance if session is not None and session.tools.point is not None else None
        )

    def end_point(self) -> None:
        """Release: what is shown is accepted, or what is still being computed once it is there."""
        session = self._desk.session
        if session is None or session.tools.point is None:
            return
        session.tools.end_point()
        if self._proposing.running:
            self._accept_on_arrival = True
        elif session.preview is not None:
            self.accept_preview()

    def cancel_point(self) -> None:
        """Let go of the place and of what it showed."""
        session = self._desk.session
        if session is not None and session.tools.point is not None:
            session.tools.end_point()
            self.drop_preview()

    def show_proposal(self, proposal: Proposal) -> None:
        """Show what somebody else proposes (a prediction of a box); Enter accepts it."""
        if self._ready() is not None:
            self._show(proposal)

    def accept_preview(self) -> None:
        """Make the change that is shown."""
        session = self._desk.session
        if session is None or session.preview is None:
            return
        shown = session.preview.box
        self._at_once(lambda session: session.accept_preview(), keep_preview=True)
        self.preview_changed.emit(shown)

    def drop_preview(self) -> None:
        """Forget what is shown or being computed; the mask stays as it is."""
        self._proposing.cancel()
        self._accept_on_arrival, self._grow_next = False, None
        session = self._desk.session
        box = session.drop_preview() if session is not None else None
        if box is not None:
            self.preview_changed.emit(box)
            self._desk.events.conditions_changed.emit(None)

    def _grow(self, session: Session) -> None:
        """Compute what grows now; while the last is computed, the newest wish waits, so that something is shown."""
        compute = session.tools.point_command()
        if self._proposing.running:
            self._grow_next = compute
        else:
            self._compute_growing(session, compute)

    def _compute_growing(self, session: Session, compute: Compute) -> None:
        self._grow_next = None
        self._proposing.compute(session, "Grow", compute, self._grown, failed=self._did_not_grow, quiet=True)

    def _grown(self, proposal: Proposal) -> None:
        session = self._present(proposal)
        if self._grow_next is not None:
            self._compute_growing(session, self._grow_next)
        elif self._accept_on_arrival:
            self._accept_on_arrival = False
            self.accept_preview()

    def _did_not_grow(self) -> None:
        """What is shown belongs to another tolerance: it goes, and a newer wish has its turn."""
        session = self._desk.session
        box = session.drop_preview() if session is not None else None
        if box is not None:
            self.preview_changed.emit(box)
        if session is not None and self._grow_next is not None:
            self._compute_growing(session, self._grow_next)
        else:
            self._accept_on_arrival = False

    def _show(self, proposal: Proposal) -> None:
        session = self._present(proposal)
        self._desk.say(f"Preview: {session.describe(proposal)}. Enter accepts, Esc drops it.")

    def _present(self, proposal: Proposal) -> Session:
        """Show a proposal in the open case, which it gives."""
        session = self._desk.session
        assert session is not None
        self.preview_changed.emit(session.propose(proposal))
        self._desk.events.conditions_changed.emit(None)
        return session

    def _commit(self, proposal: Proposal) -> None:
        self._at_once(lambda session: session.commit(proposal))

    # -- labels ------------------------------------------------------------------------------------------
    def add_label(self, name: str, colour: Colour | None = None, term: str = "") -> int | None:
        """A new label, which becomes the active one; gives its value, None where it was refused."""
        session = self._ready()
        if session is None:
            return None
        try:
            value = session.add_label(name, colour, term)
        except CannotEdit as refusal:
            self._refuse(refusal)
            return None
        step = session.history.next_undo
        assert step is not None
        self._keep(step)
        self._show_table()
        return value

    def change_label(
        self, value: int, *, name: str | None = None, colour: Colour | None = None, term: str | None = None
    ) -> None:
        """Another name, colour or coded term for a label."""
        session = self._ready()
        if session is None:
            return
        try:
            step = session.change_label(value, name=name, colour=colour, term=term)
        except CannotEdit as refusal:
            self._refuse(refusal)
            return
        if step is not None:
            self._keep(step)
            self._show_table()

    def clear_label(self, value: int) -> None:
        """Take a label away everywhere."""
        self._at_once(lambda session: session.clear_label(value))

    def set_locked(self, value: int, locked: bool) -> None:
        """Lock or unlock a label; a locked one does not change."""
        self._rule(lambda session: session.set_locked(value, locked))

    def set_visible(self, value: int, visible: bool) -> None:
        """Show or hide a label; a hidden one does not change either."""
        self._rule(lambda session: session.set_visible(value, visible))

    def pick_label(self, voxel: Float3) -> None:
        """Make the label under the cursor the active one."""
        session = self._desk.session
        if session is None:
            return
        value = session.pick_label(voxel)
        if value is None:
            self._refuse(CannotEdit("There is no label here to pick."))
            return
        self._desk.events.tool_changed.emit(None)
        self._desk.say(f"The active label is {session.table.name(value)}.")

    def _rule(self, verb: Callable[[Session], None]) -> None:
        session = self._desk.session
        if session is None:
            return
        self.cancel_stroke()
        self.drop_preview()
        try:
            verb(session)
        except CannotEdit as refusal:
            self._refuse(refusal)
            return
        self._show_table()

    def _look_at(self, table: LabelTable | None) -> None:
        """Tell of a table that somebody else changed, such as unsaved work that came back."""
        if table is not self._table:
            self._table = table
            self.table_changed.emit(None)

    def _show_table(self) -> None:
        session = self._desk.session
        assert session is not None
        self._table = session.table
        self.table_changed.emit(None)
        self._desk.events.labels_changed.emit(Box.whole(session.labels.shape))
        self._desk.events.tool_changed.emit(None)
        self._changed()

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
        self._step(lambda session: session.undo(), lambda journal: journal.undo())

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        self._step(lambda session: session.redo(), lambda journal: journal.redo())

    def _step(self, step: Callable[[Session], Entry | None], keep: Callable[[SessionJournal], None]) -> None:
        session = self._desk.session
        if session is None or self._desk.saving:
            return
        self.cancel_stroke()
        self.cancel_point()
        self.drop_preview()
        try:
            entry = step(session)
        except CannotEdit as refusal:
            self._refuse(refusal)
            return
        if entry is None:
            return
        journal = self._journal()
        if journal is not None:
            keep(journal)
        if isinstance(entry, Patch):
            self._desk.events.labels_changed.emit(entry.box)
            self._changed()
        else:
            self._show_table()

    # -- inside ------------------------------------------------------------------------------------------
    def _ready(self) -> Session | None:
        """The session, with nothing shown or running, if it can be edited now."""
        session = self._desk.session
        if session is None:
            return None
        if self._desk.saving:
            self._refuse(_SAVING)
            return None
        self.drop_preview()
        return session

    def _at_once(
        self, verb: Callable[[Session], Patch | None], *, otherwise: str = "", keep_preview: bool = False
    ) -> None:
        """One step that changes the mask now; `otherwise` is said where it changes nothing."""
        session = self._desk.session if keep_preview and not self._desk.saving else self._ready()
        if session is None:
            return
        try:
            patch = verb(session)
        except CannotEdit as refusal:
            self._refuse(refusal)
            return
        if patch is not None:
            self._desk.events.labels_changed.emit(patch.box)
            self._committed(patch)
        elif otherwise:
            self._desk.say(otherwise)

    def _committed(self, patch: Patch | None) -> None:
        if patch is not None:
            self._keep(patch)
        self._changed()

    def _keep(self, entry: Entry) -> None:
        journal = self._journal()
        if journal is not None:
            journal.entry(entry)

    def _refuse(self, refusal: CannotEdit) -> None:
        self._desk.say(str(refusal), "warning")
        self.refused.emit(str(refusal))

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
