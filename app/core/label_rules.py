"""Which labels of a case are locked or hidden, and what a new or changed entry of its table may be.

Neither is part of the history: locking is a precaution, hiding a way to look. Why a new label looks at the tables of
other cases: docs/decisions/0013-label-tables-belong-to-a-family.md.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    """What holds for the labels of one case, by value.

    Attributes:
        locked: labels that nothing changes.
        hidden: labels that are not drawn.
        kept_tables: the label tables the workspace keeps, those of other families among them, and the one the case
            began with.
        used_keys: the keys of those that other cases have now.
    """

    def __init__(self) -> None:
        self.locked: frozenset[int] = frozenset()
        self.hidden: frozenset[int] = frozenset()
        self.kept_tables: tuple[LabelTable, ...] = ()
        self.used_keys: frozenset[str] = frozenset()

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

    def original(self, table: LabelTable) -> LabelTable | None:
        """The table that a table's family began with; None where it began without labels."""
        return next((kept for kept in self.kept_tables if kept.key == table.family), None)

    def names_elsewhere(self, table: LabelTable, value: int | None = None) -> tuple[str, ...]:
        """Names that other tables of the family have and this one does not; with `value`, its names alone."""
        found = {
            entry.name: None
            for entry in self._relatives(table)
            if table.named(entry.name) is None and value in (None, entry.value)
        }
        return tuple(found)

    def disagreement(self, table: LabelTable, entry: LabelEntry) -> str:
        """Where another case of the family means something else by an entry's value or name, as a sentence, or "".

        Such cases cannot be exported together.
        """
        in_use = {*self.used_keys, table.family}
        for kept in self.kept_tables:
            if kept.family != table.family or kept.key not in in_use:
                continue
            for other in kept.entries:
                if other.value == entry.value and not other.is_called(entry.name):
                    return f"Label {entry.value} is {other.name} elsewhere in this workspace."
                if other.value != entry.value and other.is_called(entry.name):
                    return f"{entry.name} is label {other.value} elsewhere in this workspace."
        return ""

    def new_entry(
        self,
        table: LabelTable,
        name: str,
        colour: Colour | None,
        term: str,
        counts: LabelCounts,
        value: int | None = None,
    ) -> LabelEntry:
        """A label for a table.

        It takes the value, and where none are given the colour and term, that another case of the family gives this
        name. Else it takes the lowest value that no table of the family and no voxel of the mask has, and a colour
        the table does not have.

        Args:
            table: the labels so far.
            name: the new one's.
            colour: its colour; None chooses one.
            term: its coded term, or empty.
            counts: how often each value occurs in the mask, for each it can hold.
            value: a value of the mask without a name, which gets this one; None chooses a value.

        Raises:
            CannotEdit: the name is missing or taken, the value has a name, or none is left.
        """
        name = _fitting_name(table, name, None)
        known = self._known(table, name, len(counts), value)
        if value is None:
            value = known.value if known else self._free_value(table, counts)
            if counts[value]:
                raise CannotEdit(
                    f"{name} is label {value} in this workspace, and this mask has a label {value} without a name; "
                    "name that one in the list of labels."
                )
        elif table.entry(value) is not None:
            raise CannotEdit(f"Label {value} has a name already: {table.name(value)}.")
        used = {entry.colour for entry in table.entries}
        free = next((c for c in PALETTE if c not in used), PALETTE[value % len(PALETTE)])
        if known is not None:
            free, term = known.colour, term.strip() or known.term
        return _entry(value, name, colour or free, term)

    def _relatives(self, table: LabelTable) -> Iterator[LabelEntry]:
        """The entries of the other tables of a family; one may come repeatedly."""
        for kept in self.kept_tables:
            if kept.family == table.family and kept.key != table.key:
                yield from kept.entries

    def _known(self, table: LabelTable, name: str, size: int, value: int | None) -> LabelEntry | None:
        """The entry another case gives this name, if the table can have its value."""
        return next(
            (
                entry
                for entry in self._relatives(table)
                if entry.is_called(name)
                and entry.value < size
                and table.entry(entry.value) is None
                and value in (None, entry.value)
            ),
            None,
        )

    def _free_value(self, table: LabelTable, counts: LabelCounts) -> int:
        taken = {*table.values, *(entry.value for entry in self._relatives(table))}
        value = next((v for v in range(1, len(counts)) if not counts[v] and v not in taken), None)
        if value is None:
            raise CannotEdit(
                f"A mask holds {len(counts) - 1} labels at most, and the cases of this workspace have taken them all; "
                "give the label a name that another case uses, or work in another workspace."
            )
        return value

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
