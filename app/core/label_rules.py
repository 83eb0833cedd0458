"""Which labels of a case are locked or hidden, and what a new or changed entry of its table may be.

Neither is part of the history: locking is a precaution, hiding a way to look.
"""

from __future__ import annotations

from app.core.label_counts import LabelCounts
from app.core.labels import Colour, LabelEntry, LabelTable, TableStep
from app.core.messages import CannotEdit

# Colours that differ in brightness too, so that they can be told apart without seeing red and green.
PALETTE: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
    (0, 114, 178),
    (170, 170, 170),
)
"""Okabe and Ito, "Color Universal Design", 2008; black exchanged for grey."""


class LabelRules:
    """Locked and hidden labels, by value."""

    def __init__(self) -> None:
        self.locked: frozenset[int] = frozenset()
        self.hidden: frozenset[int] = frozenset()

    @property
    def untouchable(self) -> frozenset[int]:
        """Labels no edit changes: the locked ones, and the hidden ones, whose changes nobody would see."""
        return self.locked | self.hidden

    def set_locked(self, value: int, locked: bool) -> None:
        """Lock or unlock a label."""
        self.locked = self.locked | {value} if locked else self.locked - {value}

    def set_visible(self, value: int, visible: bool) -> None:
        """Show or hide a label."""
        self.hidden = self.hidden - {value} if visible else self.hidden | {value}

    def refuse_untouchable(self, entry: LabelEntry) -> None:
        """Raise `CannotEdit` where a label is locked or hidden, with what to do."""
        if entry.value in self.locked:
            raise CannotEdit(f"{entry.name} is locked; unlock it in the list of labels to change it.")
        if entry.value in self.hidden:
            raise CannotEdit(f"{entry.name} is hidden; show it in the list of labels to change it.")

    def new_entry(
        self, table: LabelTable, name: str, colour: Colour | None, term: str, counts: LabelCounts
    ) -> LabelEntry:
        """A label for a table: the least value that neither it nor the mask has, and a colour it does not have.

        Args:
            table: the labels so far.
            name: the new one's.
            colour: its colour; None chooses one.
            term: its coded term, or empty.
            counts: how often each value occurs in the mask, for each it can hold.

        Raises:
            CannotEdit: the name is missing or taken, or no value is left.
        """
        name = _fitting_name(table, name, None)
        value = next((v for v in range(1, len(counts)) if not counts[v] and table.entry(v) is None), None)
        if value is None:
            raise CannotEdit(f"This mask holds {len(counts) - 1} labels at most, and all are taken.")
        used = {entry.colour for entry in table.entries}
        free = next((c for c in PALETTE if c not in used), PALETTE[value % len(PALETTE)])
        return _entry(value, name, colour or free, term)

    def change(
        self, table: LabelTable, entry: LabelEntry, name: str | None, colour: Colour | None, term: str | None
    ) -> TableStep | None:
        """The step that gives a label another name, colour or coded term (None: as it is); None if it has them.

        Raises:
            CannotEdit: the name is missing or taken, or the colour is none.
        """
        changed = _entry(
            entry.value,
            entry.name if name is None else _fitting_name(table, name, entry.value),
            entry.colour if colour is None else colour,
            entry.term if term is None else term,
        )
        if changed == entry:
            return None
        if changed.name != entry.name:
            words = f"rename of {entry.name} to {changed.name}"
        elif changed.colour != entry.colour:
            words = f"colour of {entry.name}"
        else:
            words = f"coded term of {entry.name}"
        return TableStep(words, table, table.with_entry(changed))


def _fitting_name(table: LabelTable, name: str, value: int | None) -> str:
    name = name.strip()
    if not name:
        raise CannotEdit("A label needs a name.")
    taken = table.named(name)
    if taken is not None and taken.value != value:
        raise CannotEdit(f"There is a label {taken.name} already; choose another name.")
    return name


def _entry(value: int, name: str, colour: Colour, term: str) -> LabelEntry:
    try:
        return LabelEntry(value, name, colour, term.strip())
    except ValueError as error:
        raise CannotEdit(f"This label is not possible: {error}.") from error
