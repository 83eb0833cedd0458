"""Small volumes known in closed form, for tests of geometry: landmarks and letters; no anatomy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LETTERS: dict[str, tuple[str, ...]] = {
    "A": ("01110", "10001", "10001", "11111", "10001", "10001", "10001"),
    "P": ("11110", "10001", "10001", "11110", "10000", "10000", "10000"),
    "L": ("10000", "10000", "10000", "10000", "10000", "10000", "11111"),
    "R": ("11110", "10001", "10001", "11110", "10100", "10010", "10001"),
    "S": ("01111", "10000", "10000", "01110", "00001", "00001", "11110"),
    "I": ("11111", "00100", "00100", "00100", "00100", "00100", "11111"),
}
STAMP_VALUE = 1000
LANDMARK_SIGMA_VOXELS = 1.2


def landmark_phantom(
    shape: tuple[int, int, int], seed: int, count: int = 8
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Isolated Gaussian blobs on zero, with centres between voxels.

    A blob's centre of mass within 5 voxels of it is its centre to about 1e-4 voxel. Blobs differ in
    brightness, so that a swapped or mirrored axis cannot pass unseen.

    Args:
        shape: voxels along z, y, x; at least 14 along each.
        seed: of the places.
        count: how many blobs are wanted; fewer are made where no more fit 14 voxels apart.

    Returns:
        The volume (z, y, x) and the centres, shape (n, 3), in voxel indices z, y, x; n is at least 1.

    Raises:
        ValueError: a shape too small for one blob.
    """
    margin = 6.5
    if min(shape) < 14:
        raise ValueError(f"A landmark phantom needs at least 14 voxels along each axis, not {shape}.")
    rng = np.random.Generator(np.random.PCG64(seed))
    centres: list[NDArray[np.float64]] = []
    for _ in range(60 * count):
        centre = rng.uniform(margin, np.array(shape) - 1 - margin)
        if all(np.abs(centre - other).max() >= 14 for other in centres):
            centres.append(centre)
        if len(centres) == count:
            break
    volume = np.zeros(shape, np.float64)
    for number, centre in enumerate(centres):
        z, y, x = (
            np.exp(-0.5 * ((np.arange(n) - c) / LANDMARK_SIGMA_VOXELS) ** 2)
            for n, c in zip(shape, centre, strict=True)
        )
        volume += (500 + 100 * number) * z[:, None, None] * y[:, None] * x
    return volume.astype(np.float32), np.array(centres)


def orientation_stamp(shape: tuple[int, int, int]) -> NDArray[np.uint16]:
    """The letters A P L R S I as voxels just inside the face they name, on zero.

    Axes are z (to superior), y (to posterior), x (to the patient's left). Each letter is upright in the
    radiological view of its plane (the patient's right at the left of the picture): A, P, L and R in
    the middle axial slice, S and I in the middle coronal slice. Letters are 7 rows by 5 columns, three
    slices thick.

    Args:
        shape: voxels along z, y, x; at least 32 along each.

    Raises:
        ValueError: a shape too small for the letters.
    """
    if min(shape) < 32:
        raise ValueError(f"An orientation stamp needs at least 32 voxels along each axis, not {shape}.")
    volume = np.zeros(shape, np.uint16)
    nz, ny, nx = shape
    glyph = {
        name: np.array([[int(c) for c in row] for row in rows], np.uint16) * STAMP_VALUE
        for name, rows in _LETTERS.items()
    }
    z, y, x = nz // 2, ny // 2, nx // 2
    axial = {"A": (2, x - 2), "P": (ny - 9, x - 2), "R": (y - 3, 2), "L": (y - 3, nx - 7)}
    for name, (row, column) in axial.items():
        volume[z - 1 : z + 2, row : row + 7, column : column + 5] = glyph[name]
    for name, top in (("S", nz - 3), ("I", 8)):
        # Rows of the picture run downwards, z runs upwards.
        volume[top - 6 : top + 1, y - 1 : y + 2, x - 2 : x + 3] = glyph[name][::-1, None, :]
    return volume
