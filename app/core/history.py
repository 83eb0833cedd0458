"""Undo and redo: steps in order, bounded by memory, not by count; replays exactly. It keeps no mask."""

from __future__ import annotations

from collections import deque

from app.core.labels import LabelTable, TableStep
from app.core.patch import Labels, Patch

Entry = Patch | TableStep
"""A step: of the mask's voxels, or of what its labels mean."""

DEFAULT_LIMIT_BYTES = 1 << 30
DEFAULT_MINIMUM = 20


class History:
    """The changes made to one mask and to its label table.

    The oldest are forgotten once all take more than `limit_bytes`, but `minimum` of them always stay.

    Attributes:
        table: what labels mean after the last step that was made or taken back; None where no step said so.
    """

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES, minimum: int = DEFAULT_MINIMUM) -> None:
        self.limit_bytes = limit_bytes
        self.minimum = minimum
        self.table: LabelTable | None = None
        self._done: deque[Entry] = deque()
        self._undone: list[Entry] = []
        self._forgotten = 0
        self._nbytes = 0

    def push(self, entry: Entry) -> None:
        """Add a change that was just made; what had been undone can no longer be redone."""
        self._nbytes -= sum(undone.nbytes for undone in self._undone)
        self._undone.clear()
        self._done.append(entry)
        self._nbytes += entry.nbytes
        if isinstance(entry, TableStep):
            self.table = entry.after
        self._forget()

    def undo(self, array: Labels) -> Entry | None:
        """Take the last change back in the mask (z, y, x) or in `table`; None if there is none."""
        if not self._done:
            return None
        entry = self._done[-1]
        if isinstance(entry, TableStep):
            self.table = entry.before
        else:
            entry.revert(array)
        self._undone.append(self._done.pop())
        return entry

    def redo(self, array: Labels) -> Entry | None:
        """Make the change that was undone last again; None if there is none."""
        if not self._undone:
            return None
        entry = self._undone[-1]
        if isinstance(entry, TableStep):
            self.table = entry.after
        else:
            entry.apply(array)
        self._done.append(self._undone.pop())
        return entry

    def limit(self, limit_bytes: int, minimum: int = DEFAULT_MINIMUM) -> None:
        """Set new bounds and forget what no longer fits."""
        self.limit_bytes, self.minimum = limit_bytes, minimum
        self._forget()

    @property
    def next_undo(self) -> Entry | None:
        """The change that `undo` would take back."""
        return self._done[-1] if self._done else None

    @property
    def next_redo(self) -> Entry | None:
        """The change that `redo` would make again."""
        return self._undone[-1] if self._undone else None

    @property
    def undo_name(self) -> str:
        """The name of the change that `undo` would take back, or an empty string."""
        return self._done[-1].name if self._done else ""

    @property
    def redo_name(self) -> str:
        """The name of the change that `redo` would make again, or an empty string."""
        return self._undone[-1].name if self._undone else ""

    @property
    def can_undo(self) -> bool:
        """True if there is something to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """True if there is something to redo."""
        return bool(self._undone)

    @property
    def depth(self) -> int:
        """How many changes are in force, the forgotten ones too; 0: the mask is as it was at the start."""
        return self._forgotten + len(self._done)

    @property
    def is_empty(self) -> bool:
        """True if nothing was done, undone or forgotten."""
        return self.depth == 0 and not self._undone

    @property
    def patches(self) -> tuple[Entry, ...]:
        """The changes in force that can still be undone, oldest first."""
        return tuple(self._done)

    @property
    def nbytes(self) -> int:
        """Memory all changes take together."""
        return self._nbytes

    def _forget(self) -> None:
        while self._nbytes > self.limit_bytes and len(self._done) > self.minimum:
            self._nbytes -= self._done.popleft().nbytes
            self._forgotten += 1
