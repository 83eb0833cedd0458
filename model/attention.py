"""Attention coefficients of one gate over the anatomy they weigh: values with the grid they truly live on.

How they are computed is `model.networks`, how windows are joined is `model.inference`; nothing here needs
torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from model.grid import Grid

COEFFICIENT_STEPS = 65535
"""The uint16 value that stands for a coefficient of 1."""

HARDLY_VARIES_SD = 0.02
"""A map whose coefficients have a smaller standard deviation shows next to nothing, and says so."""


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """The coefficients of one gate.

    Attributes:
        level: the skip that is weighed; 1 is the finest, which has no gate.
        gate: counts from 1 among the gates of this level.
        grid: where the coefficients lie; half as fine as the skip, 2^level voxels of the scan wide. It is
            drawn by sampling, never by stretching it over the scan.
        values: uint16 (z, y, x); 65535 is a coefficient of 1. Read-only.
    """

    level: int
    gate: int
    grid: Grid
    values: npt.NDArray[np.uint16]

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise ValueError(
                f"coefficients of shape {self.values.shape} do not fit a grid of {self.grid.shape}"
            )
        if self.values.dtype != np.uint16:
            raise ValueError(f"coefficients are kept as uint16, not {self.values.dtype}")
        self.values.flags.writeable = False

    @classmethod
    def from_coefficients(
        cls, level: int, gate: int, grid: Grid, coefficients: npt.NDArray[np.generic]
    ) -> AttentionMap:
        """A map of `coefficients` (z, y, x) in [0, 1], quantised to steps of 1/65535."""
        scaled = np.clip(coefficients.astype(np.float32), 0.0, 1.0) * np.float32(COEFFICIENT_STEPS)
        return cls(level, gate, grid, np.rint(scaled).astype(np.uint16, order="C"))

    @property
    def name(self) -> str:
        """What a reader sees: "level 3, gate 1"."""
        return f"level {self.level}, gate {self.gate}"

    @property
    def coefficients(self) -> npt.NDArray[np.float32]:
        """The coefficients as float32 (z, y, x) in [0, 1], a new array."""
        return self.values.astype(np.float32) / np.float32(COEFFICIENT_STEPS)

    @cached_property
    def sd(self) -> float:
        """Standard deviation of the coefficients over the map."""
        return float(self.values.std(dtype=np.float64)) / COEFFICIENT_STEPS

    @property
    def hardly_varies(self) -> bool:
        """True if the map is too even to show where the model looks."""
        return self.sd < HARDLY_VARIES_SD

    def at_mm(self, points_lps: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Coefficients (…) at LPS points (…, 3) in mm: trilinear between voxel centres, NaN outside the map.

        The map reaches to the outer faces of its voxels; in the outer half voxel the nearest centres count.
        """
        index = self.grid.to_voxel(points_lps)
        shape = np.asarray(self.grid.shape)
        # A point on the face itself is inside, whatever the last bit of the affine says.
        inside = ((index >= -0.5 - 1e-9) & (index <= shape - 0.5 + 1e-9)).all(axis=-1)
        index = np.clip(np.where(np.isfinite(index), index, 0.0), 0.0, shape - 1)
        low = np.minimum(index.astype(np.intp), np.maximum(shape - 2, 0))
        high = np.minimum(low + 1, shape - 1)
        share = index - low
        found = np.zeros(index.shape[:-1])
        for corner in np.ndindex(2, 2, 2):
            at = [np.where(side, high[..., axis], low[..., axis]) for axis, side in enumerate(corner)]
            weight = np.prod(np.where(corner, share, 1.0 - share), axis=-1)
            found = found + weight * self.values[at[0], at[1], at[2]]
        return np.where(inside, found / COEFFICIENT_STEPS, np.nan).astype(np.float32)
