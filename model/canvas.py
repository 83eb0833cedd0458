"""Where a prediction is drawn, planes at a time: labels, probabilities and entropy on the scan's own axes.

Planes come in the model's orientation; the arrays are views of the scan's, so nothing is turned afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.grid import Box, Grid, Reordering
from model.scan_io.results import LabelArray

FloatArray = npt.NDArray[np.float32]

_VOXELS_AT_ONCE = 1 << 20
"""About how many voxels are turned into probabilities at once, so that it takes little beside the result."""


class Canvas:
    """The arrays of a prediction, empty at first; outside the region they stay 0.

    Attributes:
        labels: uint8, or uint16 where a label is above 255 (z, y, x of the scan).
        probabilities: per label, uint8; 255 is certainty.
        entropy: uint8; 255 is all classes equally likely.
    """

    def __init__(self, grid: Grid, region: Box, reordering: Reordering, label_values: Sequence[int]) -> None:
        """`reordering` brings the scan's axes to those that planes are written in; class i + 1 is label i."""
        large = max(label_values, default=0) > 255
        self.labels: LabelArray = (
            np.zeros(grid.shape, dtype=np.uint16) if large else np.zeros(grid.shape, dtype=np.uint8)
        )
        self.probabilities = tuple(np.zeros(grid.shape, dtype=np.uint8) for _ in label_values)
        self.entropy = np.zeros(grid.shape, dtype=np.uint8)
        self._values = np.array([0, *label_values], dtype=self.labels.dtype)
        self._labels = reordering.apply(self.labels[region.slices])
        self._probabilities = [reordering.apply(array[region.slices]) for array in self.probabilities]
        self._entropy = reordering.apply(self.entropy[region.slices])

    @staticmethod
    def planes_at_once(shape: Sequence[int]) -> int:
        """How many planes of a region of `shape` (z, y, x) are worked on together."""
        return max(1, min(int(shape[0]), _VOXELS_AT_ONCE // int(shape[1] * shape[2])))

    def write_logits(self, first: int, logits: FloatArray) -> None:
        """Draw planes from `first` on; logits (class, z, y, x), background first."""
        step = self.planes_at_once(logits.shape[1:])
        for start in range(0, logits.shape[1], step):
            self.write_probabilities(first + start, softmax(logits[:, start : start + step]))

    def write_probabilities(self, first: int, probabilities: FloatArray) -> None:
        """Draw planes from `first` on; probabilities (class, z, y, x) that add up to 1."""
        planes = slice(first, first + probabilities.shape[1])
        self._labels[planes] = self._values[probabilities.argmax(axis=0)]
        for target, values in zip(self._probabilities, probabilities[1:], strict=True):
            target[planes] = np.rint(values * np.float32(255))
        # The smallest normal number stands in for 0, whose share in the entropy is 0.
        logarithms = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
        entropy = -(probabilities * logarithms).sum(axis=0) / np.float32(np.log(len(probabilities)))
        self._entropy[planes] = np.rint(np.clip(entropy, 0, 1) * np.float32(255))


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities along the first axis."""
    powers = np.exp(logits - logits.max(axis=0))
    return np.asarray(powers / powers.sum(axis=0), dtype=np.float32)
