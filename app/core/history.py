"""Undo and redo: steps in order, bounded by memory, not by count; replays exactly. It keeps no mask.

It outlives Accept and the program: `mark_saved` says where the mask stands on disk, `load` brings back what was
done before the mask that was opened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

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
        # How many steps in force lie below `_done`; negative where steps it never knew were taken back.
        self._below = 0
        self._nbytes = 0
        # The depth of the mask on disk, and the lowest one since at which another way was taken.
        self._saved = 0
        self._fork = 0
        self._touched = False
        self._earlier: set[int] = set()

    def load(self, done: Iterable[Entry], undone: Iterable[Entry]) -> None:
        """Bring back, into an empty history, what was done before the mask that was opened.

        Args:
            done: steps in force, oldest first.
            undone: steps taken back, the one that `redo` makes again last.
        """
        if not self.is_untouched or self._done or self._undone:
            raise ValueError("steps are loaded into an empty history only")
        self._done.extend(done)
        self._undone.extend(undone)
        self._earlier = {id(entry) for entry in (*self._done, *self._undone)}
        self._nbytes = sum(entry.nbytes for entry in (*self._done, *self._undone))
        self._forget()
        self.mark_saved()

    def mark_saved(self) -> None:
        """The mask as it is now is the one on disk: steps are counted from here."""
        self._saved = self._fork = self.depth
        self._touched = False

    def is_earlier(self, entry: Entry) -> bool:
        """True for a step that was loaded: whether the mask still is as it left it is not known."""
        return id(entry) in self._earlier

    def forget_done(self) -> None:
        """The steps in force can no longer be taken back; they stay in force."""
        self._nbytes -= sum(entry.nbytes for entry in self._done)
        self._below += len(self._done)
        self._done.clear()

    def forget_undone(self) -> None:
        """What was taken back can no longer be made again."""
        self._nbytes -= sum(entry.nbytes for entry in self._undone)
        self._undone.clear()

    def push(self, entry: Entry) -> None:
        """Add a change that was just made; what had been undone can no longer be redone."""
        self.forget_undone()
        self._fork = min(self._fork, self.depth)
        self._touched = True
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
        self._touched = True
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
        self._touched = True
        return entry

    def undo_this(self, entry: Entry, array: Labels) -> None:
        """Take back a step that a journal brings along: the last one, or one this history no longer knows."""
        if self.next_undo != entry:
            self.forget_done()
            self._done.append(entry)
            self._below -= 1
            self._nbytes += entry.nbytes
        self.undo(array)

    def redo_this(self, entry: Entry, array: Labels) -> None:
        """Make a step again that a journal brings along: the next one, or one this history no longer knows."""
        if self.next_redo != entry:
            self.forget_undone()
            self._undone.append(entry)
            self._nbytes += entry.nbytes
        self.redo(array)

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
        """How many changes are in force, the loaded and the forgotten ones too."""
        return self._below + len(self._done)

    @property
    def steps_since_saved(self) -> int:
        """How many steps, back and forth, lead from the mask on disk to the one in memory."""
        turn = min(self._fork, self.depth)
        return self._saved - turn + self.depth - turn

    @property
    def patches_saved(self) -> int:
        """How many of `patches` were in force already when the mask was opened or saved."""
        return max(0, min(self._saved, self._fork, self.depth) - self._below)

    @property
    def is_untouched(self) -> bool:
        """True if nothing was done, undone or redone since the mask was opened or saved."""
        return not self._touched

    @property
    def undone(self) -> tuple[Entry, ...]:
        """The changes that were taken back, the one that `redo` makes again last."""
        return tuple(self._undone)

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
            entry = self._done.popleft()
            self._nbytes -= entry.nbytes
            self._below += 1
            self._earlier.discard(id(entry))
