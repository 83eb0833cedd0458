"""Sampling along the axes of a picture: which source rows and columns each device pixel takes, in what share.

Views follow voxel axes, so sampling is separable: rows once, columns once. Arrays in, arrays out; nothing
here knows what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IndexArray = npt.NDArray[np.intp]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class AxisSamples:
    """For a run of device pixels along one axis, what to take from the source.

    Attributes:
        start: first device pixel that lies over the source; `stop` is the first one that no longer does.
        low: source index before each pixel's centre; `high` the one after it, equal at the edge.
        weight: the share of `high`, 0–1.
        nearest: the source index whose voxel holds the pixel's centre.
    """

    start: int
    stop: int
    low: IndexArray
    high: IndexArray
    weight: Float32Array
    nearest: IndexArray

    @property
    def size(self) -> int:
        """How many device pixels lie over the source."""
        return self.stop - self.start

    def part(self, start: int, stop: int) -> AxisSamples:
        """The samples of the device pixels `start` to `stop` alone; both must lie over the source."""
        cut = slice(start - self.start, stop - self.start)
        return AxisSamples(start, stop, self.low[cut], self.high[cut], self.weight[cut], self.nearest[cut])


def axis_samples(places: FloatArray, count: int) -> AxisSamples:
    """How to sample `count` source voxels at rising `places` (continuous indices, voxel centres at integers).

    A voxel covers half an index to either side of its centre; places beyond the first and last are left out.
    """
    start = int(np.searchsorted(places, -0.5, side="left"))
    stop = max(start, int(np.searchsorted(places, count - 0.5, side="left")))
    inside = places[start:stop]
    nearest = np.floor(inside + 0.5).astype(np.intp)
    kept = np.clip(inside, 0.0, count - 1.0)
    low = np.floor(kept).astype(np.intp)
    weight = (kept - low).astype(np.float32)
    return AxisSamples(start, stop, low, np.minimum(low + 1, count - 1), weight, nearest)


def sample_linear(source: Float32Array, rows: AxisSamples, columns: AxisSamples) -> Float32Array:
    """The source (rows, columns) at every pixel of `rows` × `columns`, interpolated linearly both ways."""
    across = source.take(rows.low, axis=0)
    step = source.take(rows.high, axis=0)
    step -= across
    step *= rows.weight[:, None]
    across += step
    picture = across.take(columns.low, axis=1)
    step = across.take(columns.high, axis=1)
    step -= picture
    step *= columns.weight
    picture += step
    return picture


def sample_nearest(
    source: npt.NDArray[Scalar], rows: AxisSamples, columns: AxisSamples
) -> npt.NDArray[Scalar]:
    """The source's value whose voxel holds each pixel's centre."""
    return source.take(rows.nearest, axis=0).take(columns.nearest, axis=1)


def sample_trilinear(values: npt.NDArray[np.generic], places: FloatArray) -> Float32Array:
    """Values (z, y, x) at continuous indices (…, 3), between eight voxels; NaN outside all voxels.

    For the rare map whose axes are not parallel to the view's; `sample_linear` is an order faster.
    """
    shape = np.asarray(values.shape)
    inside = ((places >= -0.5) & (places < shape - 0.5)).all(axis=-1)
    kept = np.clip(places, 0.0, shape - 1.0)
    low = np.floor(kept).astype(np.intp)
    high = np.minimum(low + 1, shape - 1)
    weight = kept - low
    total = np.zeros(places.shape[:-1])
    for corner in np.ndindex(2, 2, 2):
        index = tuple((high if bit else low)[..., axis] for axis, bit in enumerate(corner))
        share = np.ones(places.shape[:-1])
        for axis, bit in enumerate(corner):
            share *= weight[..., axis] if bit else 1.0 - weight[..., axis]
        total += values[index] * share
    return np.where(inside, total, np.nan).astype(np.float32)
