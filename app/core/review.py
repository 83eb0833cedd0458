"""What accepting a mask means: the state a case takes, how much the reader changed. Saving is `app.store`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from model.grid import Grid

if TYPE_CHECKING:
    from model.prediction import Prediction

Labels = npt.NDArray[np.unsignedinteger[Any]]


class CaseState(StrEnum):
    """Where a case stands in the worklist."""

    NEW = "new"
    PREDICTED = "predicted"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    EMPTY = "empty"
    REJECTED = "rejected"
    LATER = "later"
    FLAGGED = "flagged"

    @property
    def is_done(self) -> bool:
        """True if the reader need not come back."""
        return self in (CaseState.ACCEPTED, CaseState.CORRECTED, CaseState.EMPTY, CaseState.REJECTED)


@dataclass(frozen=True)
class Decision:
    """What accepting a mask amounts to.

    Attributes:
        kind: ACCEPTED (as predicted), CORRECTED, or EMPTY (which needs one question first).
        voxels_added: voxels that hold a label the prediction does not give them; `ml_added` in mL.
        voxels_removed: voxels without the label the prediction gives them; `ml_removed` in mL.
    """

    kind: CaseState
    voxels_added: int
    voxels_removed: int
    ml_added: float
    ml_removed: float

    @property
    def changed_voxels(self) -> int:
        """At least this many voxels differ; one whose label was exchanged counts as added and as removed."""
        return max(self.voxels_added, self.voxels_removed)


def decide(labels: Labels, prediction: Prediction | None, grid: Grid, base: Labels | None = None) -> Decision:
    """What accepting `labels` means.

    Args:
        labels: the mask (z, y, x).
        prediction: what the model gave; a mask equal to it is accepted, any other is corrected.
        grid: where both lie; gives the volume of a voxel.
        base: without a prediction, the mask to count changes from (None: an empty one). Never an acceptance:
            what a reader drew alone is a correction however it came to be.
    """
    reference: Labels | None = base if prediction is None else prediction.labels
    if reference is not None and reference.shape != labels.shape:
        raise ValueError(f"a mask of {labels.shape} cannot be compared with one of {reference.shape}")
    added = removed = 0
    holds_any = False
    # Slice by slice: a whole comparison of a large scan would take as much memory as the mask itself.
    for index, plane in enumerate(labels):
        holds_any = holds_any or bool(np.count_nonzero(plane))
        if reference is None:
            added += int(np.count_nonzero(plane))
            continue
        before = reference[index]
        differs = plane != before
        if np.count_nonzero(differs):
            added += int(np.count_nonzero(plane[differs]))
            removed += int(np.count_nonzero(before[differs]))
    if not holds_any:
        kind = CaseState.EMPTY
    elif prediction is not None and added == removed == 0:
        kind = CaseState.ACCEPTED
    else:
        kind = CaseState.CORRECTED
    ml = grid.voxel_mm3 / 1000
    return Decision(kind, added, removed, added * ml, removed * ml)
