"""An attention map as one view cuts it: sampled on its own grid, where it lies in mm, never stretched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.core.planes import SliceFrame
from app.core.sampling import (
    AxisSamples,
    Float32Array,
    FloatArray,
    axis_samples,
    sample_linear,
    sample_trilinear,
)
from model.attention import COEFFICIENT_STEPS, AttentionMap
from model.grid import Grid

# A map is parallel to the view if, over the whole slice, it leaves its own row of voxels by less than this.
_PARALLEL_VOXELS = 1e-3

# From a stored coefficient to the 256 steps of the colour ramp.
_TO_STEPS = np.float32(255 / COEFFICIENT_STEPS)


@dataclass(frozen=True)
class AttentionPlane:
    """One slice through a map, ready to be sampled in bands of device pixels.

    Attributes:
        rows: device rows the map covers; `columns` likewise.
        plane: for a map parallel to the view the slice (rows, columns) on the map's own pixels, 0–255.
        oblique: for any other map its values and how device pixels map into it.
    """

    rows: AxisSamples
    columns: AxisSamples
    plane: Float32Array | None
    oblique: _Oblique | None = None

    def levels(
        self, row_start: int, row_stop: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_] | None]:
        """Attention × 255, rounded, of device rows `row_start` to `row_stop` over all `columns`.

        The second array marks the pixels the map covers; None where it covers them all.
        """
        if self.plane is not None:
            shown = sample_linear(self.plane, self.rows.part(row_start, row_stop), self.columns)
            shown += np.float32(0.5)
            return shown.astype(np.uint8), None
        assert self.oblique is not None
        shown = self.oblique.sample(row_start, row_stop, self.columns)
        covered = ~np.isnan(shown)
        return (np.where(covered, shown, 0.0) + 0.5).astype(np.uint8), covered


@dataclass(frozen=True)
class _Oblique:
    values: npt.NDArray[np.uint16]
    origin: FloatArray
    per_row: FloatArray
    per_column: FloatArray
    row_places: FloatArray
    column_places: FloatArray

    def sample(self, row_start: int, row_stop: int, columns: AxisSamples) -> Float32Array:
        down = self.row_places[row_start:row_stop, None, None] * self.per_row
        across = self.column_places[None, columns.start : columns.stop, None] * self.per_column
        return sample_trilinear(self.values, self.origin + down + across) * _TO_STEPS


def cut_attention(
    attention: AttentionMap,
    grid: Grid,
    frame: SliceFrame,
    slice_index: int,
    row_places: FloatArray,
    column_places: FloatArray,
    within: tuple[AxisSamples, AxisSamples],
) -> AttentionPlane | None:
    """The part of a map that a view shows; None where the slice does not meet the map.

    Args:
        attention: the map.
        grid: the scan's grid, on which `frame` lies.
        frame: the view.
        slice_index: the slice.
        row_places: the slice's row at each device row, rising.
        column_places: the slice's column at each device column, rising.
        within: device rows and columns that lie over the scan; nothing outside them is tinted.
    """
    corners = [frame.to_voxel(slice_index, row, column) for row, column in ((0, 0), (1, 0), (0, 1))]
    origin, one_down, one_across = attention.grid.to_voxel(grid.to_mm(corners))
    per_row, per_column = one_down - origin, one_across - origin
    row_axis, column_axis = int(np.abs(per_row).argmax()), int(np.abs(per_column).argmax())
    stray = np.abs(per_row) * frame.rows
    stray[row_axis] = 0.0
    stray_across = np.abs(per_column) * frame.columns
    stray_across[column_axis] = 0.0
    if row_axis == column_axis or max(stray.max(), stray_across.max()) > _PARALLEL_VOXELS:
        oblique = _Oblique(attention.values, origin, per_row, per_column, row_places, column_places)
        return AttentionPlane(*within, None, oblique)
    plane = _plane_at(attention.values, origin, row_axis, column_axis)
    if plane is None:
        return None
    rows, plane = _along(row_places, origin[row_axis], per_row[row_axis], plane)
    columns, turned = _along(column_places, origin[column_axis], per_column[column_axis], plane.T)
    top, bottom = max(rows.start, within[0].start), min(rows.stop, within[0].stop)
    left, right = max(columns.start, within[1].start), min(columns.stop, within[1].stop)
    if top >= bottom or left >= right:
        return None
    return AttentionPlane(rows.part(top, bottom), columns.part(left, right), np.ascontiguousarray(turned.T))


def _plane_at(
    values: npt.NDArray[np.uint16], origin: FloatArray, row_axis: int, column_axis: int
) -> Float32Array | None:
    """The map's plane (rows, columns) where the slice cuts it, 0–255, between its two nearest planes."""
    normal = 3 - row_axis - column_axis
    cut = axis_samples(np.array([origin[normal]]), values.shape[normal])
    if cut.size == 0:
        return None
    low = values.take(cut.low[0], axis=normal).astype(np.float32)
    high = values.take(cut.high[0], axis=normal).astype(np.float32)
    plane = low + (high - low) * cut.weight[0]
    plane *= _TO_STEPS
    return plane if row_axis < column_axis else np.transpose(plane)


def _along(
    places: FloatArray, origin: float, per_step: float, plane: Float32Array
) -> tuple[AxisSamples, Float32Array]:
    """Samples along the plane's first axis, and the plane, turned round where it runs against the view."""
    count = plane.shape[0]
    mapped = origin + per_step * places
    if per_step < 0:
        return axis_samples(count - 1 - mapped, count), plane[::-1]
    return axis_samples(mapped, count), plane
