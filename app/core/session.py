"""A case on the desk: the scan, the editable mask, its history, and every verb that changes them.

Verbs return what changed or raise `CannotEdit` with a sentence; after a refusal nothing has changed. The
session knows no screen, no disk and no thread: it lives on one, and whoever calls it tells the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.core.base import Base, BaseKind, labels_sha256
from app.core.edited_mask import EditedMask, own_labels
from app.core.history import Entry, History
from app.core.journal_format import Journal
from app.core.label_counts import CountChange, LabelCounts, LabelVolume, count_labels
from app.core.label_rules import LabelRules
from app.core.labels import Colour, LabelEntry, LabelTable, TableStep
from app.core.messages import CannotEdit
from app.core.patch import Labels, Patch
from app.core.planes import Plane, SliceFrame, slice_frame
from app.core.read_out import ReadOut, read_out
from app.core.review import Decision, decide
from app.core.seen import PlaneSeen, SeenSlices
from app.core.stroke import Stroke
from app.core.tool_settings import ToolSettings
from app.core.tool_use import ToolUse
from app.core.tools.commands import Compute
from app.core.tools.cropping import cropped
from app.core.tools.guard import Guard
from app.core.tools.proposal import Proposal, patch_of, proposal_removing
from model.attention import AttentionMap
from model.grid import Box, Float3, Grid
from model.progress import CancelCheck, Report

if TYPE_CHECKING:
    from model.prediction import Prediction
    from model.scan_io import ScanRead

__all__ = [
    "Base",
    "BaseKind",
    "CaseIdentity",
    "LabelCounts",
    "LabelVolume",
    "Session",
    "count_labels",
    "labels_sha256",
]


@dataclass(frozen=True)
class CaseIdentity:
    """Which case this is: the hash of its voxels and grid, and the name readers know it by."""

    id: str
    name: str


class Session:
    """One open case.

    Attributes:
        case: which case.
        scan: the scan as it was read.
        base: what the mask was at the start; a journal is keyed by its hash.
        prediction: what a model gave for this case, or None.
        read_only_reason: why nothing may be changed, as a sentence; None where it may.
        active_label: the value the tools work on.
        settings: what is set on each tool.
        tools: from the tools as they are set to strokes, proposals and the work that yields them.
        rules: which labels are locked or hidden.
        generation: changes with every change of mask, table or rules; what was computed before is out of date.
        crosshair: where the three planes meet (continuous z, y, x).
        region: the box the model is to look at, or None for the whole scan.
        seen: the slices that were on the screen.
    """

    def __init__(
        self,
        case: CaseIdentity,
        scan: ScanRead,
        table: LabelTable,
        labels: Labels | None,
        base: Base,
        prediction: Prediction | None = None,
        read_only_reason: str | None = None,
    ) -> None:
        """Open a case.

        `labels` is the caller's own copy and belongs to the session from here on, so that a large mask lies
        in memory once; it is copied where it is read-only, scattered or the prediction's. None: an empty mask.
        """
        self.case = case
        self.scan = scan
        self._mask = EditedMask(own_labels(labels, scan.volume.grid.shape, prediction), table)
        self.base = base
        self.prediction = prediction
        self.read_only_reason = read_only_reason
        self.active_label = table.values[0] if table.values else 0
        self.settings = ToolSettings()
        self.tools = ToolUse(self)
        self.rules = LabelRules()
        self.generation = 0
        z, y, x = ((count - 1) / 2 for count in self.grid.shape)
        self.crosshair: Float3 = (z, y, x)
        self.region: Box | None = None
        self._frames = {plane: slice_frame(self.grid, plane) for plane in Plane}
        self.seen = SeenSlices(tuple(self._frames.values()))
        self._stroke: Stroke | None = None
        self._preview: Proposal | None = None

    # -- settings ----------------------------------------------------------------------------------------
    @property
    def table(self) -> LabelTable:
        """What label values mean. A case takes its table at the first prediction or label."""
        return self._mask.table

    @table.setter
    def table(self, table: LabelTable) -> None:
        self._mask.table = table
        self._table_changed()

    @property
    def labels(self) -> Labels:
        """The mask (z, y, x), the session's own; changed in place, by the verbs below alone."""
        return self._mask.labels

    @property
    def history(self) -> History:
        """Undo and redo."""
        return self._mask.history

    def _table_changed(self) -> None:
        self.moved_on()
        table = self.table
        if table.entry(self.active_label) is None:
            self.active_label = table.values[0] if table.values else 0

    def move_crosshair(self, voxel: Float3) -> None:
        """Let the three planes meet at a voxel (continuous z, y, x), kept inside the scan."""
        z, y, x = (min(n - 1.0, max(0.0, place)) for place, n in zip(voxel, self.grid.shape, strict=True))
        self.crosshair = (z, y, x)

    # -- facts -------------------------------------------------------------------------------------------
    @property
    def grid(self) -> Grid:
        """The grid of scan and mask."""
        return self.scan.volume.grid

    def frame(self, plane: Plane) -> SliceFrame:
        """How a plane of this scan lies on the screen."""
        return self._frames[plane]

    @property
    def radius_mm(self) -> float:
        """Radius of the brush in mm, kept between 0.1 and 200."""
        return self.settings.radius_mm

    @radius_mm.setter
    def radius_mm(self, value: float) -> None:
        self.settings.radius_mm = value

    @property
    def sphere(self) -> bool:
        """Tools work in all three dimensions; False: in the slice they are used in."""
        return self.settings.ball

    @sphere.setter
    def sphere(self, value: bool) -> None:
        self.settings.ball = value

    @property
    def protect(self) -> bool:
        """Labels do not overwrite each other."""
        return self.settings.protect

    @protect.setter
    def protect(self, value: bool) -> None:
        self.settings.protect = value

    @property
    def preview(self) -> Proposal | None:
        """What a tool would change, shown and not made."""
        return self._preview

    @property
    def can_edit(self) -> bool:
        """True unless the case is read-only."""
        return self.read_only_reason is None

    @property
    def stroke_active(self) -> bool:
        """True between the beginning and the end of a stroke."""
        return self._stroke is not None

    @property
    def changed_since_base(self) -> bool:
        """True if any change is in force; a stroke and another that wipes it out count as changes."""
        return self.history.steps_since_saved > 0

    @property
    def undo_text(self) -> str:
        """What undo would take back, "brush on pancreas, 1.2 mL"; empty if there is nothing."""
        entry = self.history.next_undo
        return self.describe(entry) if entry else ""

    @property
    def redo_text(self) -> str:
        """What redo would make again; empty if there is nothing."""
        entry = self.history.next_redo
        return self.describe(entry) if entry else ""

    def describe(self, entry: Entry | Proposal) -> str:
        """A change in words; one of the mask with its size in mL."""
        if isinstance(entry, TableStep):
            return entry.name
        ml = max(entry.voxels_added, entry.voxels_removed) * self.grid.voxel_mm3 / 1000
        return f"{entry.name}, {ml:.1f} mL" if ml >= 0.1 else f"{entry.name}, {ml:.2g} mL"

    def volumes_ml(self) -> tuple[LabelVolume, ...]:
        """Voxels and mL of every label of the table, in its order; counted once, then kept up."""
        counts, ml = self._mask.counts(), self.grid.voxel_mm3 / 1000
        return tuple(LabelVolume(v, int(counts[v]), float(counts[v]) * ml) for v in self.table.values)

    def unnamed_ml(self) -> tuple[LabelVolume, ...]:
        """Voxels and mL of every value of the mask that the table does not name."""
        counts, ml = self._mask.counts(), self.grid.voxel_mm3 / 1000
        found = (int(v) for v in np.flatnonzero(counts) if v and self.table.entry(int(v)) is None)
        return tuple(LabelVolume(v, int(counts[v]), float(counts[v]) * ml) for v in found)

    def label_to_be(
        self, name: str, colour: Colour | None = None, term: str = "", value: int | None = None
    ) -> LabelEntry:
        """The label that `add_label` would add; nothing is changed."""
        return self.rules.new_entry(self.table, name, colour, term, self._mask.counts(), value)

    @property
    def slices_seen(self) -> tuple[PlaneSeen, ...]:
        """How many slices of each plane were on the screen."""
        return self.seen.planes()

    def mark_seen(self, plane: Plane, slice_index: int) -> None:
        """A view showed this slice to the reader."""
        self.seen.mark(plane, slice_index)

    def attention_map(self, key: tuple[int, int] | None) -> AttentionMap | None:
        """The prediction's map of a (level, gate); None where there is none."""
        maps = self.prediction.attention if self.prediction else ()
        return next((found for found in maps if (found.level, found.gate) == key), None)

    def read_out(self, place: Float3, attention: AttentionMap | None = None) -> ReadOut | None:
        """The values at a place (continuous z, y, x); None outside the scan."""
        return read_out(self.scan.volume, self.labels, self.table, place, attention)

    def decide(self) -> Decision:
        """What accepting the mask as it is would mean."""
        return decide(self.labels, self.prediction, self.grid)

    def refuse_unless_editable(self, what: str) -> None:
        """Raise `CannotEdit` where nothing may be changed now; `what` is what was asked for."""
        if self.read_only_reason is not None:
            raise CannotEdit(self.read_only_reason)
        if self._stroke is not None:
            raise CannotEdit(f"A stroke is being drawn; finish it, or press Esc, to {what}.")

    def moved_on(self) -> None:
        """What was computed on the mask, the table or the rules as they were is out of date, and no longer shown."""
        self.generation += 1
        self._preview = None
        self.tools.end_point()

    # -- strokes -----------------------------------------------------------------------------------------
    def begin_stroke(self, tool: str, plane: Plane, voxel: Float3) -> None:
        """Press a tool down at a place (continuous z, y, x) of a plane, which may lie outside the scan.

        The first `extend_stroke` draws from here; a stroke that is ended at once still draws this one point.
        """
        self.refuse_unless_editable("draw")
        stroke = self.tools.stroke(tool, plane, voxel)
        self.moved_on()
        self._stroke = stroke

    def extend_stroke(self, voxel: Float3) -> Box | None:
        """Draw on to a place (continuous z, y, x); gives the box that changed, None if nothing did."""
        if self._stroke is None:
            return None
        return self._stroke.extend(self.labels, voxel)

    def end_stroke(self) -> Patch | None:
        """Lift the tool: the whole stroke is one step of the history; None if it changed nothing.

        Raises:
            CannotEdit: nothing could change, and the reader would not see why.
        """
        stroke, self._stroke = self._stroke, None
        if stroke is None:
            return None
        patch = stroke.finish(self.labels)
        if patch is None:
            self._explain(stroke)
            return None
        self._keep(patch)
        return patch

    def cancel_stroke(self) -> Box | None:
        """Put back what the stroke changed; gives that box. Nothing enters the history."""
        stroke, self._stroke = self._stroke, None
        return stroke.cancel(self.labels) if stroke else None

    # -- proposals ---------------------------------------------------------------------------------------
    def propose(self, proposal: Proposal) -> Box:
        """Show a change without making it; gives the box to draw again, the former preview's with it."""
        former = self.drop_preview()
        self._preview = proposal
        return proposal.box if former is None else proposal.box.joined(former)

    def drop_preview(self) -> Box | None:
        """Forget the preview; gives the box where it was."""
        preview, self._preview = self._preview, None
        return preview.box if preview else None

    def accept_preview(self) -> Patch:
        """Make the change that is shown, as one step of the history.

        Raises:
            CannotEdit: there is none, or the case cannot be edited.
        """
        self.refuse_unless_editable("accept a preview")
        if self._preview is None:
            raise CannotEdit("There is no preview to accept.")
        return self.commit(self._preview)

    def commit(self, proposal: Proposal) -> Patch:
        """Make a proposed change, as one step of the history.

        Raises:
            CannotEdit: the mask is not the one it was made on, or the case cannot be edited.
        """
        self.refuse_unless_editable("change the mask")
        ready = proposal.step
        if ready is not None and ready.generation != self.generation:
            ready = None
        patch = ready.patch if ready is not None else patch_of(proposal, self.labels)
        if patch is None:
            self._preview = None
            raise CannotEdit(f"The mask changed since {proposal.name} was computed; do it again.")
        self.labels[proposal.box.slices] = proposal.after
        self._keep(patch, ready.counts if ready is not None else None)
        return patch

    # -- labels ------------------------------------------------------------------------------------------
    def add_label(
        self, name: str, colour: Colour | None = None, term: str = "", value: int | None = None
    ) -> int:
        """A new label, as a step of the history (`history.next_undo`); gives its value, and it becomes active.

        `value` names one that the mask has without a name (`unnamed_ml`).
        """
        self.refuse_unless_editable("add a label")
        entry = self.label_to_be(name, colour, term, value)
        self._take_step(TableStep(f"new label {entry.name}", self.table, self.table.with_entry(entry)))
        self.active_label = entry.value
        return entry.value

    def change_label(
        self, value: int, *, name: str | None = None, colour: Colour | None = None, term: str | None = None
    ) -> TableStep | None:
        """Another name, colour or coded term for a label, as a step; None if it has them already."""
        self.refuse_unless_editable("change a label")
        step = self.rules.change(self.table, self._entry(value), name, colour, term)
        if step is not None:
            self._take_step(step)
        return step

    def clearing(self, value: int) -> Compute:
        """The work of taking a label away everywhere; as `ToolUse.command`."""
        self.refuse_unless_editable("clear a label")
        entry, labels = self._entry(value), self.labels
        self.rules.refuse_untouchable(entry)

        def work(report: Report, cancelled: CancelCheck) -> Proposal:
            found = cropped(labels == value, Box.whole(labels.shape))
            if found is None:
                raise CannotEdit(f"{entry.name} is empty; there is nothing to clear.")
            return proposal_removing(labels, found, Guard(value), f"clear {entry.name}")

        return work

    def set_locked(self, value: int, locked: bool) -> None:
        """Lock a label: nothing adds to it, removes from it or overwrites it."""
        self.rules.set_locked(self._entry(value).value, locked)
        self.moved_on()

    def set_visible(self, value: int, visible: bool) -> None:
        """Show or hide a label; a hidden one does not change either."""
        self.rules.set_visible(self._entry(value).value, visible)
        self.moved_on()

    def pick_label(self, voxel: Float3) -> int | None:
        """Make the label at a place (continuous z, y, x) the active one; gives it, None where there is none."""
        found = self.read_out(voxel)
        if found is None or found.label is None:
            return None
        self.active_label = found.label.value
        return self.active_label

    # -- whole-mask steps --------------------------------------------------------------------------------
    def undo(self) -> Entry | None:
        """Take the last step back, one of before Accept too; None if there is none."""
        self.refuse_unless_editable("undo")
        return self._stepped(self._mask.undo())

    def redo(self) -> Entry | None:
        """Make the step that was undone last again; None if there is none."""
        self.refuse_unless_editable("redo")
        return self._stepped(self._mask.redo())

    def rebase(self, labels: Labels, base: Base, counts: LabelCounts | None = None) -> None:
        """Start from another mask (a fresh prediction, another version); only while nothing was changed.

        `counts` is `count_labels(labels)` where it has been worked out already, as in another thread.

        Raises:
            CannotEdit: there are changes, which would be lost.
        """
        if self.stroke_active or not self.history.is_untouched:
            raise CannotEdit("This mask has changes; save or undo them before starting from another one.")
        self._mask.start_from(labels, counts)
        self.moved_on()
        self.base = base

    def mark_saved(self, base: Base) -> None:
        """The mask as it is was saved as a version: the journal starts anew from there, the history goes on."""
        self.base = base
        self.history.mark_saved()

    def replay(self, journal: Journal) -> Box | None:
        """Make the steps of a journal again, with their history; gives the box they touched.

        Raises:
            CannotEdit: the case is read-only, has changes, or the journal belongs to another mask.
            WorkspaceError: a step does not fit; the steps before it stand.
        """
        self.refuse_unless_editable("restore work")
        if not self.history.is_untouched:
            raise CannotEdit(
                "This mask has changes already; the earlier work can only be restored before the first."
            )
        if journal.header.base_sha256 != self.base.sha256:
            raise CannotEdit(
                "The earlier work belongs to another mask of this case; open the version it began with."
            )
        self.moved_on()
        try:
            return self._mask.replay(journal)
        finally:
            self._table_changed()

    # -- inside ------------------------------------------------------------------------------------------
    def _entry(self, value: int) -> LabelEntry:
        entry = self.table.entry(value)
        if entry is None:
            raise CannotEdit("There is no such label; choose one in the list of labels.")
        return entry

    def _explain(self, stroke: Stroke) -> None:
        """Say why a stroke changed nothing, where the picture does not show it."""
        if not stroke.in_volume:
            text = stroke.name.partition(" on ")[0]
            raise CannotEdit(f"The {text} was outside the scan; nothing was changed.")
        told = stroke.writer.explain(stroke.met, self.table.name)
        if told:
            raise CannotEdit(told)

    def _keep(self, patch: Patch, change: CountChange | None = None) -> None:
        self._mask.keep_step(patch, change)
        self.moved_on()

    def _take_step(self, step: TableStep) -> None:
        self._mask.change_table(step)
        self._table_changed()

    def _stepped(self, entry: Entry | None) -> Entry | None:
        """After an undo or a redo."""
        if isinstance(entry, TableStep):
            self._table_changed()
        else:
            self.moved_on()
        return entry
