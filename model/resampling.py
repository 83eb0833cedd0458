"""Bringing values to another spacing and back; axes and orientation stay as they are.

Both grids share the outer face of voxel (0, 0, 0), so nothing moves by half a voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from model.grid import Float3, Grid

FloatArray = npt.NDArray[np.float32]

_SAME_SPACING = 0.01
"""Spacings that differ by less than this part count as equal, lest values blur for nothing."""


@dataclass(frozen=True)
class Resampling:
    """From one grid to another that covers the same space with another spacing.

    Attributes:
        source: the grid values come from.
        target: the grid they are brought to.
    """

    source: Grid
    target: Grid

    @property
    def ratio(self) -> Float3:
        """Target voxels measured in source voxels, along z, y, x."""
        z, y, x = (
            after / before for before, after in zip(self.source.spacing, self.target.spacing, strict=True)
        )
        return z, y, x

    def apply(self, values: FloatArray) -> FloatArray:
        """`values` (z, y, x) of the source grid, linearly interpolated on the target grid.

        Where the target is coarser, the values are smoothed first, so that nothing thin is skipped or folded.
        """
        from scipy.ndimage import gaussian_filter

        sigmas = [max(0.0, (factor - 1) / 2) for factor in self.ratio]
        if any(sigmas):
            values = gaussian_filter(values, sigmas, mode="nearest")
        return _interpolate(values, self.ratio, 0, self.target.shape)

    def undo(self, values: npt.NDArray[np.generic], start: int, stop: int) -> FloatArray:
        """Planes `start` to `stop` of the source grid from `values` (z, y, x) of the target grid."""
        z, y, x = (1 / factor for factor in self.ratio)
        return _interpolate(values, (z, y, x), start, (stop - start, *self.source.shape[1:]))


def resampling(grid: Grid, spacing: Sequence[float]) -> Resampling | None:
    """How to bring values on `grid` to `spacing` mm (z, y, x); None where they have it, within 1 %."""
    ratios = [wanted / have for wanted, have in zip(spacing, grid.spacing, strict=True)]
    if all(abs(ratio - 1) < _SAME_SPACING for ratio in ratios):
        return None
    z, y, x = (max(1, round(length / ratio)) for length, ratio in zip(grid.shape, ratios, strict=True))
    origin = grid.to_mm([(ratio - 1) / 2 for ratio in ratios])
    target = replace(
        grid,
        shape=(z, y, x),
        spacing=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        origin=(float(origin[0]), float(origin[1]), float(origin[2])),
    )
    return Resampling(grid, target)


def _interpolate(
    values: npt.NDArray[np.generic], ratio: Float3, first_plane: int, shape: tuple[int, ...]
) -> FloatArray:
    """Linear values at voxels of a grid whose voxels are `ratio` input voxels wide, from `first_plane` on."""
    from scipy.ndimage import affine_transform

    offsets = [(factor - 1) / 2 for factor in ratio]
    offsets[0] += first_plane * ratio[0]
    result: FloatArray = affine_transform(
        values,
        np.asarray(ratio),
        offsets,
        output_shape=tuple(shape),
        output=np.float32,
        order=1,
        mode="nearest",
    )
    return result
