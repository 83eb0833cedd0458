"""Which slices a reader has had on the screen, and what share of the mask's slices that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.core.planes import Plane, SliceFrame


@dataclass(frozen=True)
class PlaneSeen:
    """How many slices of a plane were shown, of how many there are."""

    plane: Plane
    seen: int
    count: int


class SeenSlices:
    """A tick for each slice of each plane."""

    def __init__(self, frames: tuple[SliceFrame, ...]) -> None:
        self._frames = {frame.plane: frame for frame in frames}
        self._ticks = {frame.plane: np.zeros(frame.count, np.bool_) for frame in frames}

    def mark(self, plane: Plane, slice_index: int) -> None:
        """Tick a slice; indices outside the stack are passed over."""
        if 0 <= slice_index < self._ticks[plane].size:
            self._ticks[plane][slice_index] = True

    def planes(self) -> tuple[PlaneSeen, ...]:
        """How much of each plane was seen."""
        return tuple(PlaneSeen(plane, int(t.sum()), int(t.size)) for plane, t in self._ticks.items())

    def share_of_mask(self, labels: npt.NDArray[np.generic]) -> float:
        """The share, 0–1, of the slices holding any label (z, y, x) that were seen, in the plane seen best.

        1 where the mask is empty: there is nothing to see.
        """
        shares = []
        for plane, ticks in self._ticks.items():
            frame = self._frames[plane]
            others = tuple(axis for axis in range(3) if axis != frame.slice_axis)
            holds: npt.NDArray[np.bool_] = np.asarray(labels.any(axis=others))
            if frame.slice_flipped:
                holds = np.flip(holds)
            if not holds.any():
                return 1.0
            shares.append(float(ticks[holds].mean()))
        return max(shares, default=1.0)
