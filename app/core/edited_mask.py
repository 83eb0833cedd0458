"""A mask with what its values mean, its history and its volumes, which change together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from app.core.history import Entry, History
from app.core.journal_format import Journal, replay
from app.core.label_counts import CountChange, LabelCounts, change_of, count_labels
from app.core.labels import LabelTable, TableStep
from app.core.messages import CannotEdit
from app.core.patch import Labels, Patch
from model.grid import Box

if TYPE_CHECKING:
    from model.prediction import Prediction


class EditedMask:
    """What a session edits.

    Attributes:
        labels: the mask (z, y, x), its own; changed in place.
        table: what its values mean.
        history: undo and redo of both.
    """

    def __init__(self, labels: Labels, table: LabelTable) -> None:
        self.labels = labels
        self.table = table
        self.history = History()
        self._counts: LabelCounts | None = None
        # What a step adds to the counts; of a large one it takes long to work out.
        self._changes: WeakKeyDictionary[Patch, CountChange] = WeakKeyDictionary()

    def counts(self) -> LabelCounts:
        """How often each value occurs; counted once, then kept up."""
        if self._counts is None:
            self._counts = count_labels(self.labels)
        return self._counts

    def keep_step(self, patch: Patch, change: CountChange | None = None) -> None:
        """A step that was made in the mask; `change` is `change_of` it where that has been worked out."""
        self.history.push(patch)
        if change is not None:
            self._changes[patch] = change
        self._count(patch, forward=True)

    def change_table(self, step: TableStep) -> None:
        """Make a step of the table."""
        self.history.push(step)
        self.table = step.after

    def undo(self) -> Entry | None:
        """Take the last step back; None if there is none.

        Raises:
            CannotEdit: it is one of an earlier session, and the mask is not as it left it.
        """
        self._refuse_unfitting(self.history.next_undo, made=True)
        return self._stepped(self.history.undo(self.labels), forward=False)

    def redo(self) -> Entry | None:
        """Make the step that was undone last again; as `undo`."""
        self._refuse_unfitting(self.history.next_redo, made=False)
        return self._stepped(self.history.redo(self.labels), forward=True)

    def start_from(self, labels: Labels, counts: LabelCounts | None) -> None:
        """Another mask of the same shape, with nothing to undo."""
        if labels.shape != self.labels.shape:
            raise ValueError(f"a mask of {labels.shape} does not fit a scan of {self.labels.shape}")
        self.labels[...] = labels
        self.history = History(self.history.limit_bytes, self.history.minimum)
        self._counts = counts

    def replay(self, journal: Journal) -> Box | None:
        """Make the steps of a journal again, with their history; gives the box they touched.

        Raises:
            WorkspaceError: a step does not fit; the steps before it stand.
        """
        self._counts = None
        try:
            replay(journal, self.labels, self.history)
        finally:
            # Also where a later step does not fit: mask and table stand where the steps before it led.
            if self.history.table is not None:
                self.table = self.history.table
        touched: Box | None = None
        for record in journal.records:
            if isinstance(record.entry, Patch):
                box = record.entry.box
                touched = box if touched is None else touched.joined(box)
        return touched

    def _stepped(self, entry: Entry | None, *, forward: bool) -> Entry | None:
        """After an undo or a redo."""
        if isinstance(entry, Patch):
            self._count(entry, forward=forward)
        elif entry is not None and self.history.table is not None:
            self.table = self.history.table
        return entry

    def _refuse_unfitting(self, entry: Entry | None, *, made: bool) -> None:
        """A step of an earlier session is taken back or made again only where all is as it left or found it."""
        if entry is None or not self.history.is_earlier(entry) or self._fits(entry, made):
            return
        if made:
            self.history.forget_done()
        else:
            self.history.forget_undone()
        verb = "undone" if made else "redone"
        raise CannotEdit(
            f"{entry.name} of an earlier session cannot be {verb}: the mask is not as it was then."
        )

    def _fits(self, entry: Entry, made: bool) -> bool:
        if isinstance(entry, TableStep):
            return self.table == (entry.after if made else entry.before)
        if entry.box.clipped(self.labels.shape) != entry.box:
            return False
        try:
            values = (entry.values_after if made else entry.values_before)(self.labels.dtype)
        except ValueError:
            return False
        return np.array_equal(self.labels[entry.box.slices], values)

    def _count(self, patch: Patch, *, forward: bool) -> None:
        if self._counts is None:
            return
        change = self._changes.get(patch)
        if change is None:
            change = self._changes[patch] = change_of(patch, self.labels.dtype)
        for value, more in change.items():
            self._counts[value] += more if forward else -more


def own_labels(labels: Labels | None, shape: tuple[int, int, int], prediction: Prediction | None) -> Labels:
    """A writable mask in C order that nobody else writes or reads: as it is where possible, else a copy.

    Args:
        labels: (z, y, x), uint8 or uint16; None for an empty mask.
        shape: what it must have.
        prediction: whose mask it must not be.
    """
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
