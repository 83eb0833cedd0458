"""Small masks on anisotropic voxels, and what the tools should find in them worked out the long, obvious way."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy import ndimage

from app.core.tools.brush import Covered

SPACINGS = [(1.0, 1.0, 1.0), (5.0, 1.25, 0.8), (0.7, 2.0, 3.1), (1.3, 0.9, 4.0)]

spacings = st.sampled_from(SPACINGS)
axes = st.sampled_from([0, 1, 2])
shapes = st.tuples(*(st.integers(1, 9) for _ in range(3)))


@st.composite
def masks(draw: st.DrawFn, sizes: st.SearchStrategy[tuple[int, int, int]] = shapes) -> np.ndarray:
    """Sparse, dense, blocky, empty, full, one slice thin, at the border: whatever a seed and a share give."""
    shape = draw(sizes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = rng.random(shape) < draw(st.sampled_from([0.0, 0.02, 0.1, 0.4, 0.8, 1.0]))
    for _ in range(draw(st.integers(0, 3))):
        a, b = rng.integers(0, shape), rng.integers(0, shape)
        low, high = np.minimum(a, b), np.maximum(a, b) + 1
        mask[tuple(slice(i, j) for i, j in zip(low, high, strict=True))] = rng.random() < 0.7
    mask.flags.writeable = False  # a tool that writes to it raises
    return mask


def painted(covered: Covered | None, shape: tuple[int, ...]) -> np.ndarray:
    """What was found as a mask of the whole volume; None is nothing."""
    mask = np.zeros(shape, bool)
    if covered is not None:
        assert covered.mask.shape == covered.box.shape
        assert covered.mask.dtype == bool
        assert covered.mask.flags.writeable
        assert covered.box.clipped(shape) == covered.box
        mask[covered.box.slices] = covered.mask
    return mask


def replaced(covered: Covered | None, mask: np.ndarray) -> np.ndarray:
    """The mask with the new one in its box; None leaves it."""
    after = mask.copy()
    if covered is not None:
        after[covered.box.slices] = covered.mask
    return after


def near(shape: tuple[int, ...], radius_mm: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Whether the centres of two voxels lie at most `radius_mm` apart, for every pair of a volume (voxels, voxels)."""
    places = np.stack(np.indices(shape), -1).reshape(-1, 3) * np.array(spacing)
    squared = ((places[:, None] - places[None]) ** 2).sum(axis=-1)
    return squared <= radius_mm**2 * (1 + 1e-5)


def grown(mask: np.ndarray, radius_mm: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Every voxel with one of the mask at most `radius_mm` away."""
    return near(mask.shape, radius_mm, spacing)[:, mask.ravel()].any(axis=1).reshape(mask.shape)


def shrunk(mask: np.ndarray, radius_mm: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Every voxel with no background of the volume at most `radius_mm` away."""
    return ~grown(~mask, radius_mm, spacing)


def ball(radius_mm: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """The voxels whose centres lie at most `radius_mm` from that of the voxel in the middle."""
    reach = [int(radius_mm / mm) + 1 for mm in spacing]
    z, y, x = np.ogrid[tuple(slice(-n, n + 1) for n in reach)]
    squared = (z * spacing[0]) ** 2 + (y * spacing[1]) ** 2 + (x * spacing[2]) ** 2
    return squared <= radius_mm**2 * (1 + 1e-5)


def flooded(allowed: np.ndarray, seed: tuple[int, int, int], neighbourhood: np.ndarray) -> np.ndarray:
    """What is reached from a seed by growing one step at a time."""
    reached = np.zeros(allowed.shape, bool)
    reached[seed] = allowed[seed]
    while True:
        wider = ndimage.binary_dilation(reached, neighbourhood) & allowed
        if (wider == reached).all():
            return reached
        reached = wider
