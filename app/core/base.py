"""What a mask was before the reader touched it, and how its voxels are named by a hash."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

BaseKind = Literal["version", "prediction", "empty"]


@dataclass(frozen=True)
class Base:
    """Where a session's mask started.

    Attributes:
        kind: a saved version, a prediction, or an empty mask.
        reference: the version's number or the prediction's key; empty for an empty mask.
        sha256: `labels_sha256` of the mask at the start; a journal only replays on this.
    """

    kind: BaseKind
    reference: str
    sha256: str


def labels_sha256(labels: npt.NDArray[np.generic]) -> str:
    """The sha256 of a mask's shape, bytes per voxel and voxels (z, y, x, C order, little-endian)."""
    digest = hashlib.sha256(struct.pack("<4q", *labels.shape, labels.dtype.itemsize))
    for plane in labels:
        digest.update(np.ascontiguousarray(plane, dtype=labels.dtype.newbyteorder("<")).data)
    return digest.hexdigest()
