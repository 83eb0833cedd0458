"""Take prediction: another mask's labels brought into this one, for a slice, a label, or a box. The brush that does
it is `writers.Restorer`.
"""

from __future__ import annotations

import numpy as np

from app.core.tools.brush import BoolArray, Covered, Labels
from app.core.tools.guard import Guard
from app.core.tools.proposal import Proposal, proposal_replacing, proposal_taking
from model.grid import Box

TAKING = frozenset({"take-prediction", "take-slice", "take-label"})
"""The tools, by their names in the table of tools, that take from another mask."""


def slice_box(shape: tuple[int, ...], axis: int, index: int) -> Box:
    """The box of one slice of a volume (z, y, x), by array axis and index."""
    start, stop = [0, 0, 0], [int(count) for count in shape]
    start[axis], stop[axis] = index, index + 1
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])).clipped(shape)


def take(labels: Labels, source: Labels, box: Box, guard: Guard, name: str) -> Proposal:
    """The labels of `source` (both z, y, x) in a box: adds what it has, removes what it has not.

    Args:
        labels: the mask.
        source: the prediction's labels, another model's, another reader's version.
        box: where.
        guard: what may change; its label 0 takes all labels, else that one alone is taken.
        name: the step in words.

    Raises:
        CannotEdit: nothing would change; it says why.
    """
    if guard.label:
        theirs: BoolArray = source[box.slices] == guard.label
        return proposal_replacing(labels, Covered(box, theirs), guard, name)
    everywhere = np.ones(box.shape, np.bool_)
    return proposal_taking(labels, source, Covered(box, everywhere), guard, name)
