"""The place a growing tool is pressed at, and the range of intensities its tolerance comes to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core.messages import OUTSIDE, CannotEdit
from app.core.planes import Plane
from app.core.tools.cropping import voxel_at
from app.core.tools.region_grow import neighbourhood_range
from app.core.tools.threshold import Values
from model.grid import Float3


@dataclass(frozen=True)
class GrowPoint:
    """A pressed place.

    Attributes:
        plane: the plane it was pressed in.
        voxel: where (continuous z, y, x).
        clicked: the intensity there.
        middle: the middle of the range of intensities.
        tolerance: half its width, in units of intensity.
    """

    plane: Plane
    voxel: Float3
    clicked: float
    middle: float
    tolerance: float

    @classmethod
    def at(
        cls, values: Values, plane: Plane, voxel: Float3, tolerance: float, flat_axis: int | None
    ) -> GrowPoint:
        """A place pressed on a scan (z, y, x); tolerance 0 measures it among the voxels round the place.

        Raises:
            CannotEdit: the place is outside the scan or holds no number.
        """
        place = voxel_at(voxel, values.shape)
        if place is None:
            raise CannotEdit(OUTSIDE)
        measured = neighbourhood_range(values, voxel, flat_axis=flat_axis)
        if measured is None:
            raise CannotEdit("There is no intensity at this place; click another one.")
        clicked = float(values[place])
        if tolerance > 0:
            return cls(plane, voxel, clicked, clicked, tolerance)
        low, high = measured
        return cls(plane, voxel, clicked, (low + high) / 2, (high - low) / 2)

    @property
    def range(self) -> tuple[float, float]:
        """From the least to the greatest intensity; the clicked one is always among them."""
        low, high = self.middle - self.tolerance, self.middle + self.tolerance
        return min(low, self.clicked), max(high, self.clicked)

    def with_tolerance(self, tolerance: float) -> GrowPoint:
        """The same place with another tolerance, not under 0."""
        return replace(self, tolerance=max(0.0, tolerance))
