"""A case on the desk: the scan, the editable mask, its history, and every verb that changes them.

Verbs return what changed or raise `CannotEdit` with a sentence; after a refusal nothing has changed. The
session knows no screen, no disk and no thread: it lives on one, and whoever calls it tells the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from app.core.base import Base, BaseKind, labels_sha256
from app.core.history import History
from app.core.journal_format import Journal, replay
from app.core.labels import LabelTable
from app.core.messages import CannotEdit
from app.core.patch import Labels, Patch, make_patch
from app.core.planes import Plane, SliceFrame, slice_frame
from app.core.read_out import ReadOut, read_out
from app.core.review import Decision, decide
from app.core.seen import PlaneSeen, SeenSlices
from app.core.stroke import Stroke
from app.core.tools import TOOLS
from app.core.tools.brush import Brush
from model.attention import AttentionMap
from model.grid import Box, Float3, Grid

if TYPE_CHECKING:
    from model.prediction import Prediction
    from model.scan_io import ScanRead

__all__ = ["Base", "BaseKind", "CaseIdentity", "LabelVolume", "Session", "labels_sha256"]

LabelCounts = npt.NDArray[np.int64]

DEFAULT_RADIUS_MM = 5.0
SMALLEST_RADIUS_MM = 0.1
LARGEST_RADIUS_MM = 200.0


@dataclass(frozen=True)
class CaseIdentity:
    """Which case this is: the hash of its voxels and grid, and the name readers know it by."""

    id: str
    name: str


@dataclass(frozen=True)
class LabelVolume:
    """How much of a label there is."""

    value: int
    voxels: int
    ml: float


class Session:
    """One open case.

    Attributes:
        case: which case.
        scan: the scan as it was read.
        labels: the mask (z, y, x), the session's own; changed in place, by the verbs below alone.
        base: what the mask was at the start; a journal is keyed by its hash.
        prediction: what a model gave for this case, or None.
        read_only_reason: why nothing may be changed, as a sentence; None where it may.
        history: undo and redo.
        active_label: the value the tools work on.
        sphere: tools work in all three dimensions; False: in the slice they are used in.
        protect: labels do not overwrite each other.
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
        self._table = table
        self.labels: Labels = _own(labels, scan.volume.grid.shape, prediction)
        self.base = base
        self.prediction = prediction
        self.read_only_reason = read_only_reason
        self.history = History()
        self.active_label = table.values[0] if table.values else 0
        self.sphere = False
        self.protect = True
        z, y, x = ((count - 1) / 2 for count in self.grid.shape)
        self.crosshair: Float3 = (z, y, x)
        self.region: Box | None = None
        self._frames = {plane: slice_frame(self.grid, plane) for plane in Plane}
        self.seen = SeenSlices(tuple(self._frames.values()))
        self._radius_mm = DEFAULT_RADIUS_MM
        self._stroke: Stroke | None = None
        self._counts: npt.NDArray[np.int64] | None = None

    # -- settings ----------------------------------------------------------------------------------------
    @property
    def table(self) -> LabelTable:
        """What label values mean. A case takes its table at the first prediction or label."""
        return self._table

    @table.setter
    def table(self, table: LabelTable) -> None:
        self._table = table
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
        return self._radius_mm

    @radius_mm.setter
    def radius_mm(self, value: float) -> None:
        self._radius_mm = min(LARGEST_RADIUS_MM, max(SMALLEST_RADIUS_MM, value))

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
        return self.history.depth > 0

    @property
    def undo_text(self) -> str:
        """What undo would take back, "brush on pancreas, 1.2 mL"; empty if there is nothing."""
        patch = self.history.next_undo
        return self.describe(patch) if patch else ""

    @property
    def redo_text(self) -> str:
        """What redo would make again; empty if there is nothing."""
        patch = self.history.next_redo
        return self.describe(patch) if patch else ""

    def describe(self, patch: Patch) -> str:
        """A change in words, with its size in mL."""
        ml = max(patch.voxels_added, patch.voxels_removed) * self.grid.voxel_mm3 / 1000
        return f"{patch.name}, {ml:.1f} mL" if ml >= 0.1 else f"{patch.name}, {ml:.2g} mL"

    def volumes_ml(self) -> tuple[LabelVolume, ...]:
        """Voxels and mL of every label of the table, in its order; counted once, then kept up."""
        counts, ml = self._label_counts(), self.grid.voxel_mm3 / 1000
        return tuple(LabelVolume(v, int(counts[v]), float(counts[v]) * ml) for v in self.table.values)

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

    # -- strokes -----------------------------------------------------------------------------------------
    def begin_stroke(self, tool: str, plane: Plane, voxel: Float3) -> None:
        """Press a tool down at a place (continuous z, y, x) of a plane, which may lie outside the scan.

        The first `extend_stroke` draws from here; a stroke that is ended at once still draws this one point.
        """
        self._refuse_unless_editable("draw")
        entry = self.table.entry(self.active_label)
        if entry is None:
            raise CannotEdit("There is no label to draw with; choose one in the list of labels.")
        chosen = TOOLS[tool]
        brush = Brush(self.radius_mm, None if self.sphere else self._frames[plane].slice_axis)
        name = f"{chosen.text.lower()} on {entry.name}"
        self._stroke = Stroke(chosen, brush, entry.value, name, voxel, self.grid.spacing, self.protect)

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
        self._record(patch)
        return patch

    def cancel_stroke(self) -> Box | None:
        """Put back what the stroke changed; gives that box. Nothing enters the history."""
        stroke, self._stroke = self._stroke, None
        return stroke.cancel(self.labels) if stroke else None

    # -- whole-mask steps --------------------------------------------------------------------------------
    def undo(self) -> Patch | None:
        """Take the last step back; None if there is none."""
        self._refuse_unless_editable("undo")
        patch = self.history.undo(self.labels)
        if patch is not None:
            self._count(patch, forward=False)
        return patch

    def redo(self) -> Patch | None:
        """Make the step that was undone last again; None if there is none."""
        self._refuse_unless_editable("redo")
        patch = self.history.redo(self.labels)
        if patch is not None:
            self._count(patch, forward=True)
        return patch

    def take_prediction_as_mask(self, prediction: Prediction) -> Patch | None:
        """Replace the whole mask by a prediction's labels, as one step; None if they are equal.

        The prediction becomes the one corrections are counted from.
        """
        self._refuse_unless_editable("take the prediction")
        if prediction.labels.shape != self.labels.shape:
            raise CannotEdit(
                f"The prediction has {_sizes(prediction.labels.shape)} voxels and this scan "
                f"{_sizes(self.labels.shape)}; predict this scan again."
            )
        self.prediction = prediction
        after = prediction.labels.astype(self.labels.dtype, copy=False)
        patch = make_patch("take prediction", 0, Box.whole(self.labels.shape), self.labels, after)
        if patch is not None:
            patch.apply(self.labels)
            self._record(patch)
        return patch

    def rebase(self, labels: Labels, base: Base, counts: LabelCounts | None = None) -> None:
        """Start from another mask (a fresh prediction, another version); only while nothing was changed.

        `counts` is `count_labels(labels)` where it has been worked out already, as in another thread.

        Raises:
            CannotEdit: there are changes, which would be lost.
        """
        if self.stroke_active or not self.history.is_empty:
            raise CannotEdit("This mask has changes; save or undo them before starting from another one.")
        if labels.shape != self.labels.shape:
            raise ValueError(f"a mask of {labels.shape} does not fit a scan of {self.labels.shape}")
        self.labels[...] = labels
        self.base = base
        self._counts = counts

    def mark_saved(self, base: Base) -> None:
        """The mask as it is was saved as a version: later changes, and their journal, start from there."""
        self.base = base
        self.history = History(self.history.limit_bytes, self.history.minimum)

    def replay(self, journal: Journal) -> Box | None:
        """Make the steps of a journal again, with their history; gives the box they touched.

        Raises:
            CannotEdit: the case is read-only, has changes, or the journal belongs to another mask.
            WorkspaceError: a step does not fit; the steps before it stand.
        """
        self._refuse_unless_editable("restore work")
        if not self.history.is_empty:
            raise CannotEdit(
                "This mask has changes already; the earlier work can only be restored before the first."
            )
        if journal.header.base_sha256 != self.base.sha256:
            raise CannotEdit(
                "The earlier work belongs to another mask of this case; open the version it began with."
            )
        self._counts = None
        replay(journal, self.labels, self.history)
        touched: Box | None = None
        for record in journal.records:
            if isinstance(record, Patch):
                touched = record.box if touched is None else touched.joined(record.box)
        return touched

    # -- inside ------------------------------------------------------------------------------------------
    def _refuse_unless_editable(self, what: str) -> None:
        if self.read_only_reason is not None:
            raise CannotEdit(self.read_only_reason)
        if self._stroke is not None:
            raise CannotEdit(f"A stroke is being drawn; finish it, or press Esc, to {what}.")

    def _explain(self, stroke: Stroke) -> None:
        """Say why a stroke changed nothing, where the picture does not show it."""
        if not stroke.in_volume:
            raise CannotEdit(f"The {stroke.tool.text.lower()} was outside the scan; nothing was changed.")
        if stroke.met and stroke.protect:
            names = " and ".join(self.table.name(value) for value in stroke.met)
            label = self.table.name(stroke.label)
            if stroke.tool.writes_label:
                raise CannotEdit(
                    f"Nothing was painted: {names} is protected from being overwritten by {label}."
                )
            raise CannotEdit(f"Nothing was erased: here is {names}, and the active label is {label}.")

    def _record(self, patch: Patch) -> None:
        self.history.push(patch)
        self._count(patch, forward=True)

    def _label_counts(self) -> npt.NDArray[np.int64]:
        if self._counts is None:
            self._counts = count_labels(self.labels)
        return self._counts

    def _count(self, patch: Patch, *, forward: bool) -> None:
        if self._counts is not None:
            change = _counted(patch.values_after(self.labels.dtype), self._counts.size)
            change -= _counted(patch.values_before(self.labels.dtype), self._counts.size)
            self._counts += change if forward else -change


def _own(labels: Labels | None, shape: tuple[int, int, int], prediction: Prediction | None) -> Labels:
    """A writable mask in C order that nobody else writes or reads: as it is where possible, else a copy."""
    if labels is None:
        return np.zeros(shape, np.uint8)
    if labels.shape != shape:
        raise ValueError(f"a mask of {labels.shape} does not fit a scan of {shape}")
    if labels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"a mask is uint8 or uint16, not {labels.dtype}")
    flags = labels.flags
    borrowed = prediction is not None and np.may_share_memory(labels, prediction.labels)
    if flags.writeable and flags.c_contiguous and not borrowed:
        return labels
    return np.array(labels, order="C", copy=True)


def count_labels(labels: Labels) -> LabelCounts:
    """How often each value occurs in a mask, index by value."""
    counts = np.zeros(np.iinfo(labels.dtype).max + 1, np.int64)
    for plane in labels:
        counts += _counted(plane, counts.size)
    return counts


def _counted(values: Labels, size: int) -> npt.NDArray[np.int64]:
    """How often each value occurs; planes without any label, most of a scan, take no time."""
    if not np.count_nonzero(values):
        counts = np.zeros(size, np.int64)
        counts[0] = values.size
        return counts
    return np.bincount(values.ravel(), minlength=size).astype(np.int64)


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(str(count) for count in reversed(shape))
