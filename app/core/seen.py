"""Which slices a reader has had on the screen, and what share of the mask's slices that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.core.planes import Plane, SliceFrame

Holding = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]
"""Which positions along z, y and x hold a label."""

UNDER_READ = 0.8
"""A mask of whose slices a smaller share was seen is marked."""


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

    def copy(self) -> SeenSlices:
        """The ticks as they are now, for another thread to count."""
        same = SeenSlices(tuple(self._frames.values()))
        same._ticks = {plane: ticks.copy() for plane, ticks in self._ticks.items()}
        return same

    def share_of_mask(self, labels: npt.NDArray[np.generic]) -> float:
        """The share, 0–1, of the slices holding any label (z, y, x) that were seen, in the plane seen best.

        1 where the mask is empty: there is nothing to see. A large mask takes a tenth of a second; not for the
        thread of the window.
        """
        return self.share_of(slices_holding_label(labels))

    def share_of(self, holding: Holding) -> float:
        """The same for what `slices_holding_label` gave of the mask; costs next to nothing."""
        if not holding[0].any():
            return 1.0
        shares = []
        for plane, ticks in self._ticks.items():
            frame = self._frames[plane]
            holds = holding[frame.slice_axis]
            shares.append(float(ticks[np.flip(holds) if frame.slice_flipped else holds].mean()))
        return max(shares, default=1.0)


def slices_holding_label(labels: npt.NDArray[np.generic]) -> Holding:
    """Which positions along z, y and x hold any label (z, y, x)."""
    z, y, x = (np.asarray(labels.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    return z, y, x
