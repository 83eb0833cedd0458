"""What the values of a mask mean: names, colours and coded terms. The mask is an array in the session."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from model.errors import WorkspaceError

Colour = tuple[int, int, int]

_CHANGED = "~"
"""Stands in a table's key between the key it had first and the hash of what it holds now."""


_OVERHEAD_BYTES = 200


def bare_name(name: str) -> str:
    """A label's name as names are compared: whatever its capitals, and the spaces round it."""
    return name.strip().casefold()


class LabelLike(Protocol):
    """A label as a bundle describes it (`model.bundle.BundleLabel`)."""

    @property
    def value(self) -> int:
        """Its value in the mask."""

    @property
    def name(self) -> str:
        """What the reader sees."""

    @property
    def colour(self) -> Colour:
        """Red, green, blue in 0–255."""

    @property
    def term(self) -> str:
        """A coded term, or empty."""


@dataclass(frozen=True)
class LabelEntry:
    """One label.

    Attributes:
        value: its value in the mask, 1 to 65535; 0 is background and has no entry.
        name: what the reader sees.
        colour: red, green, blue in 0–255.
        term: a coded term such as "SCT:15776009", or empty.
    """

    value: int
    name: str
    colour: Colour
    term: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.value <= 0xFFFF:
            raise ValueError(f"a label value lies between 1 and 65535, not {self.value}")
        if not self.name.strip():
            raise ValueError(f"label {self.value} needs a name")
        if len(self.colour) != 3 or not all(0 <= part <= 255 for part in self.colour):
            raise ValueError(f"a colour is three numbers in 0–255, not {self.colour}")

    def is_called(self, name: str) -> bool:
        """Whether this is its name, whatever its capitals."""
        return bare_name(self.name) == bare_name(name)


@dataclass(frozen=True)
class LabelTable:
    """The labels of a case, in the order they are shown; a case takes one table and keeps its family.

    Attributes:
        key: stands for exactly these labels wherever tables are kept; a changed table has another one.
        entries: the labels.
    """

    key: str
    entries: tuple[LabelEntry, ...]

    def __post_init__(self) -> None:
        values = [entry.value for entry in self.entries]
        if len(set(values)) != len(values):
            raise ValueError(f"label table {self.key!r} names a value twice: {sorted(values)}")

    @classmethod
    def from_bundle(cls, bundle_labels: Iterable[LabelLike], key: str) -> LabelTable:
        """The table of a bundle's labels; background (value 0) is left out where a bundle lists it."""
        return cls(
            # A family ends at the mark; a bundle whose name has one would belong to another's.
            key.replace(_CHANGED, "-"),
            tuple(
                LabelEntry(label.value, label.name, _colour(label.colour), label.term)
                for label in bundle_labels
                if label.value != 0
            ),
        )

    @property
    def family(self) -> str:
        """The key of the table that this one was changed from, over any number of changes; else its own."""
        return family_of(self.key)

    @property
    def values(self) -> tuple[int, ...]:
        """The values, in the order they are shown."""
        return tuple(entry.value for entry in self.entries)

    def entry(self, value: int) -> LabelEntry | None:
        """The label with this value; None for background and for values the table does not know."""
        return next((entry for entry in self.entries if entry.value == value), None)

    def name(self, value: int) -> str:
        """A value in words: "background", a label's name, or "label 7" where the table has none."""
        if value == 0:
            return "background"
        found = self.entry(value)
        return found.name if found else f"label {value}"

    def named(self, name: str) -> LabelEntry | None:
        """The label of this name, whatever its capitals; None where there is none."""
        return next((entry for entry in self.entries if entry.is_called(name)), None)

    def means_the_same(self, other: LabelTable) -> bool:
        """Whether both give the same values the same names, whatever their colours, terms and order."""
        names = [{entry.value: entry.name for entry in table.entries} for table in (self, other)]
        return names[0] == names[1]

    def with_entry(self, entry: LabelEntry) -> LabelTable:
        """The table with a label more, or with another one in the place of its value; its key is another then.

        A key stands for exactly these labels wherever tables are kept, so a changed table takes the old key and
        a hash of what it holds.
        """
        if self.entry(entry.value) is None:
            entries = (*self.entries, entry)
        else:
            entries = tuple(entry if old.value == entry.value else old for old in self.entries)
        if entries == self.entries:
            return self
        bare = replace(self, key="", entries=entries)
        digest = hashlib.sha256(bare.to_json().encode()).hexdigest()[:8]
        return replace(bare, key=f"{self.family or 'labels'}{_CHANGED}{digest}")

    def to_json(self) -> str:
        """One JSON object: key and entries (value, name, colour, term)."""
        rows = [
            {"value": e.value, "name": e.name, "colour": list(e.colour), "term": e.term} for e in self.entries
        ]
        return json.dumps({"key": self.key, "entries": rows}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> LabelTable:
        """The table `to_json` wrote; raises `WorkspaceError` where the text is not one."""
        try:
            content = json.loads(text)
            return cls(
                str(content["key"]),
                tuple(
                    LabelEntry(
                        int(row["value"]), str(row["name"]), _colour(row["colour"]), str(row.get("term", ""))
                    )
                    for row in content["entries"]
                ),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WorkspaceError(
                f"A label table cannot be read ({error}); restore workspace.json from a copy."
            ) from error


def family_of(key: str) -> str:
    """The key of the table that the table `key` began as, before labels were added or changed."""
    return key.partition(_CHANGED)[0]


@dataclass(frozen=True)
class TableStep:
    """A change of a label table as a step of the history: a label added, renamed, coloured anew.

    Attributes:
        name: the step in words, "rename of liver to spleen".
        before: the table before; `after` the one after it.
        after: see `before`.
    """

    name: str
    before: LabelTable
    after: LabelTable

    @property
    def nbytes(self) -> int:
        """Memory this step takes, about."""
        return len(self.name) + len(self.before.to_json()) + len(self.after.to_json()) + _OVERHEAD_BYTES


def _colour(parts: Iterable[int]) -> Colour:
    red, green, blue = (int(part) for part in parts)
    return red, green, blue
