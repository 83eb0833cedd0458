"""Smooth random fields, grain and the last steps of a phantom scan (blur, noise, whole HU); no anatomy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]

# About the SD of a 3-D cubic B-spline over white control values; fields are divided by it.
_SPLINE_SD = 0.69**3


def _spline_weights(length: int, step: float, phase: float) -> NDArray[np.float32]:
    """Cubic B-spline weights, shape (length, controls), of points 0..length-1 over controls `step` apart."""
    position = np.arange(length) / step + phase
    count = int(np.floor(position[-1])) + 4
    cell = np.floor(position).astype(int)
    t = position - cell
    weights = np.zeros((length, count))
    rows = np.arange(length)
    weights[rows, cell] = (1 - t) ** 3 / 6
    weights[rows, cell + 1] = (3 * t**3 - 6 * t**2 + 4) / 6
    weights[rows, cell + 2] = (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6
    weights[rows, cell + 3] = t**3 / 6
    return weights.astype(np.float32)


def smooth_field(
    rng: np.random.Generator, shape: tuple[int, int, int], spacing_mm: float, scale_mm: float
) -> Field:
    """A smooth random field (z, y, x) of mean 0 and SD of about 1, its control points `scale_mm` apart.

    Built by three plain sums rather than BLAS, whose rounding differs from machine to machine.
    """
    step = max(scale_mm / spacing_mm, 1.0)
    matrices = [_spline_weights(n, step, float(rng.uniform())) for n in shape]
    field = rng.standard_normal(tuple(m.shape[1] for m in matrices), dtype=np.float32) / np.float32(
        _SPLINE_SD
    )
    field = np.einsum("za,abc->zbc", matrices[0], field, optimize=False)
    field = np.einsum("yb,zbc->zyc", matrices[1], field, optimize=False)
    return np.ascontiguousarray(
        np.einsum("xc,zyc->zyx", matrices[2], field, optimize=False), dtype=np.float32
    )


def grain(rng: np.random.Generator, shape: tuple[int, int, int]) -> Field:
    """Band-passed white noise of SD 1 : reconstructed CT noise has little power at low frequency."""
    white = rng.standard_normal(shape, dtype=np.float32)
    fine = ndimage.gaussian_filter(white, (0.35, 0.6, 0.6), truncate=2.5)
    fine -= ndimage.gaussian_filter(white, (0.8, 1.8, 1.8), truncate=2.0)
    fine /= np.float32(fine.std())
    return np.asarray(fine, dtype=np.float32)


def finish(
    rng: np.random.Generator, values: Field, blur_voxels: float, noise_sd: float, middle: Field
) -> NDArray[np.int16]:
    """Blur, add noise and round to int16 HU.

    Args:
        rng: of the noise.
        values: HU (z, y, x).
        blur_voxels: SD of the point spread.
        noise_sd: noise in HU in the middle of the body.
        middle: 0..1, how deep inside the body a voxel lies; noise grows with it.
    """
    blurred = ndimage.gaussian_filter(values, blur_voxels, truncate=3.0)
    # Air outside has little noise after the logarithm's floor; the middle of the body has most.
    blurred += grain(rng, values.shape) * (np.float32(noise_sd) * (0.45 + 0.55 * middle))
    whole: NDArray[np.int16] = np.rint(np.clip(blurred, -1024, 3000)).astype(np.int16)
    return whole
