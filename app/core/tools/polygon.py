"""Polygon: the corners set so far and the slice they lie in. What it encloses is the lasso's matter."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.core.planes import Plane
from app.core.tools.brush import FloatArray

Place = tuple[float, float]
"""Row and column of a view."""

LEAST_CORNERS = 3


@dataclass(frozen=True)
class Polygon:
    """A polygon that is being drawn.

    Attributes:
        plane: the plane it is drawn in.
        slice_index: the slice, as the plane's frame counts.
        corners: rows and columns in that slice, in the order they were set.
    """

    plane: Plane
    slice_index: int
    corners: tuple[Place, ...] = ()

    @property
    def can_close(self) -> bool:
        """Whether there are corners enough to enclose anything."""
        return len(self.corners) >= LEAST_CORNERS

    @property
    def points_rc(self) -> FloatArray:
        """The corners as (n, 2) rows and columns."""
        return np.array(self.corners, np.float64).reshape(-1, 2)

    def lies_in(self, plane: Plane, slice_index: int) -> bool:
        """Whether it is drawn in this slice."""
        return self.plane is plane and self.slice_index == slice_index

    def with_corner(self, place: Place) -> Polygon:
        """One more corner."""
        return replace(self, corners=(*self.corners, place))

    def without_last(self) -> Polygon | None:
        """One corner less; None where it was the only one."""
        return replace(self, corners=self.corners[:-1]) if len(self.corners) > 1 else None
