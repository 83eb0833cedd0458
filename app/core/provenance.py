"""Where each voxel of a finished mask comes from: the model, the reader, both or nobody; derived, never stored.

It compares two masks and can only say what differs: a voxel the reader painted as the model had it counts as the
model's.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from app.core.patch import Labels


class Origin(IntEnum):
    """The codes of `origins`."""

    BACKGROUND = 0
    """No label in either mask."""
    MODEL = 1
    """The model's label stands."""
    READER = 2
    """The reader labelled what the model left out."""
    BOTH = 3
    """Both labelled it, differently; the reader's label stands."""
    REMOVED = 4
    """The model labelled it and the reader took it away; background in the final mask."""


def origins(prediction: Labels | None, final: Labels) -> npt.NDArray[np.uint8]:
    """The `Origin` of every voxel.

    Args:
        prediction: the model's labels (z, y, x); None where there was no model.
        final: the mask as it was kept (z, y, x).

    Returns:
        uint8 (z, y, x).

    Raises:
        ValueError: the masks have different shapes.
    """
    codes = np.zeros(final.shape, np.uint8)
    if prediction is None:
        codes[final != 0] = Origin.READER
        return codes
    if prediction.shape != final.shape:
        raise ValueError(
            f"a prediction of {prediction.shape} cannot be compared with a mask of {final.shape}"
        )
    # Slice by slice: whole comparisons of a large scan would take several times its memory.
    for plane, model, reader in zip(codes, prediction, final, strict=True):
        labelled, kept = model != 0, reader != 0
        plane[kept & ~labelled] = Origin.READER
        plane[kept & labelled] = Origin.BOTH
        plane[labelled & ~kept] = Origin.REMOVED
        plane[kept & (model == reader)] = Origin.MODEL
    return codes
