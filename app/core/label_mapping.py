"""A mask of one label table in the values of another: labels are the same where they have the same name.

Nothing is guessed: a label that the other table has no place for is refused by its name. Tables of one family are
those of one case, one after the other, so a value whose name went was renamed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.core.label_counts import count_labels
from app.core.labels import LabelTable
from app.core.messages import CannotEdit
from app.core.patch import Labels


def translated(
    labels: Labels, source: LabelTable, target: LabelTable, like: npt.DTypeLike, text: str
) -> Labels:
    """A mask (z, y, x) with the values of `source` in those of `target`; itself where none is another.

    Args:
        labels: the mask; it is changed in place where it can be, so that it lies in memory once.
        source: what its values mean.
        target: what they shall mean; a label renamed there since both tables were one keeps its value.
        like: the type of values the result has, uint8 or uint16.
        text: what the mask is called, "version 2 by Dr. A".

    Raises:
        CannotEdit: the mask has a label that `target` does not, or whose value `like` cannot hold.
    """
    values = tuple(int(value) for value in np.flatnonzero(count_labels(labels)) if value)
    becomes = {value: _value_of(value, source, target, text) for value in values}
    most = np.iinfo(like).max
    too_high = next((value for value in becomes.values() if value > most), None)
    if too_high is not None:
        raise CannotEdit(
            f"Nothing was taken: {text} marks {target.name(too_high)}, whose value is {too_high}; "
            f"this mask holds values up to {most}."
        )
    changes = any(value != new for value, new in becomes.items())
    if not changes and labels.dtype == like:
        return labels
    table = np.zeros(np.iinfo(labels.dtype).max + 1, like)
    for value, new in becomes.items():
        table[value] = new
    fits = labels.dtype == like and labels.flags.writeable
    result: Labels = labels if fits else np.empty(labels.shape, like)
    for plane, theirs in zip(result, labels, strict=True):
        plane[...] = table[theirs]
    return result


def _value_of(value: int, source: LabelTable, target: LabelTable, text: str) -> int:
    """The value in `target` of the label with this value in `source`."""
    entry, family = source.entry(value), source.family == target.family
    if entry is None:
        if family:
            return value
        raise CannotEdit(
            f"Nothing was taken: {text} marks label {value}, which has no name; it cannot be told what it means here."
        )
    found = target.named(entry.name)
    if found is not None:
        return found.value
    renamed = target.entry(value) if family else None
    if renamed is not None and source.named(renamed.name) is None:
        return renamed.value
    raise CannotEdit(
        f"Nothing was taken: {text} marks {entry.name}, which this case has no label for; "
        "add a label of that name first."
    )
