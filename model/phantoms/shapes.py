"""Where phantoms are drawn: warped body coordinates, distance fields of shapes, a canvas; no organs.

Body coordinates are millimetres about the middle of the volume: x to the patient's left, y to posterior, z to
superior (LPS). Arrays are z, y, x. A distance field is negative inside a shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline

from model.phantoms.texture import Field, smooth_field

Box = tuple[slice, slice, slice]
Points = NDArray[np.float64]
FAR_MM = np.float32(1e3)


@dataclass(frozen=True)
class Frame:
    """Body coordinates of every voxel: a tilted, scaled and smoothly warped scanner grid.

    `x`, `y`, `z` are body millimetres (z, y, x arrays); `world` are the scanner's three axes in mm about
    the middle of the volume, in the order z, y, x.
    """

    shape: tuple[int, int, int]
    spacing_mm: float
    world: tuple[Field, Field, Field]
    x: Field
    y: Field
    z: Field
    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    reach_mm: float

    def box(self, low_xyz: Sequence[float], high_xyz: Sequence[float]) -> Box:
        """The voxel box that surely holds the body box from `low_xyz` to `high_xyz` (mm)."""
        corners = np.array(
            [
                [(low_xyz, high_xyz)[i][0], (low_xyz, high_xyz)[j][1], (low_xyz, high_xyz)[k][2]]
                for i in (0, 1)
                for j in (0, 1)
                for k in (0, 1)
            ]
        )
        world = (corners - self.shift) @ np.linalg.inv(self.matrix).T
        return self.world_box(world.min(0) - self.reach_mm, world.max(0) + self.reach_mm)

    def world_box(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> Box:
        """The voxel box between two scanner points (x, y, z in mm), never empty."""
        slices = []
        for axis, length in enumerate(self.shape):
            first = float(self.world[axis].flat[0])
            a = int(np.floor((low[2 - axis] - first) / self.spacing_mm))
            b = int(np.ceil((high[2 - axis] - first) / self.spacing_mm)) + 1
            a = min(max(a, 0), length - 1)
            slices.append(slice(a, max(min(b, length), a + 1)))
        return slices[0], slices[1], slices[2]

    def to_world(self, body: Points) -> Points:
        """Scanner millimetres (n, 3: x, y, z) of body points, by fixed-point inversion of the warp."""
        inverse = np.linalg.inv(self.matrix).T
        start = (body - self.shift) @ inverse
        world = start
        first = np.array([float(axis.flat[0]) for axis in self.world])
        for _ in range(5):
            index = ((world[:, ::-1] - first) / self.spacing_mm).T
            now = np.stack(
                [
                    ndimage.map_coordinates(f, index, order=1, mode="nearest")
                    for f in (self.x, self.y, self.z)
                ],
                1,
            )
            # Past the edge the nearest warp goes on, while the linear part is the point's own.
            held = np.clip(index.T, 0, np.array(self.shape) - 1) * self.spacing_mm + first
            now += (world - held[:, ::-1]) @ self.matrix.T
            world = world + (body - now) @ inverse
        return world


def make_frame(
    rng: np.random.Generator, shape: tuple[int, int, int], spacing_mm: float, scale: float, warp_sd_mm: float
) -> Frame:
    """Draw a tilt (±6°), a shift and a smooth warp, weaker at spine and skin than among the viscera."""
    world = tuple(
        ((np.arange(n) - (n - 1) / 2) * spacing_mm)
        .astype(np.float32)
        .reshape(tuple(-1 if i == axis else 1 for i in range(3)))
        for axis, n in enumerate(shape)
    )
    tilt = np.deg2rad(np.clip(rng.normal(0, 2.6, 3), -6, 6))
    cx, cy, cz = np.cos(tilt)
    sx, sy, sz = np.sin(tilt)
    rotation = (
        np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1.0]])
        @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    )
    matrix = rotation / scale
    shift = np.array([rng.normal(0, 5), rng.normal(0, 4), rng.normal(0, 9)])
    wz, wy, wx = world
    inside = np.exp(-((wx / 105) ** 4) - ((wy + 18) / 62) ** 4).astype(np.float32)
    weight = np.float32(warp_sd_mm) * (np.float32(0.35) + np.float32(0.65) * inside)
    coordinates: list[Field] = []
    reach = 0.0
    for row in range(3):
        warp = smooth_field(rng, shape, spacing_mm, 78.0) * weight
        reach = max(reach, float(np.abs(warp).max()))
        a, b, c = (np.float32(v) for v in matrix[row])
        coordinates.append((a * wx + b * wy + c * wz + (warp + np.float32(shift[row]))).astype(np.float32))
    return Frame(
        shape,
        spacing_mm,
        (wz, wy, wx),
        coordinates[0],
        coordinates[1],
        coordinates[2],
        matrix,
        shift,
        reach * scale,
    )


@dataclass(frozen=True)
class Tube:
    """A distance field of a tube in a voxel box, with how far along (0..1) the nearest sample lies."""

    box: Box
    distance: Field
    along: Field


def spline(points: Points, step_mm: float) -> Points:
    """Points about `step_mm` apart on a smooth curve through control rows (x, y, z, …, e.g. a radius)."""
    chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1) + 1e-6)])
    curve = CubicSpline(chord, points, bc_type="natural")
    count = max(int(np.ceil(chord[-1] / step_mm)) + 1, 3)
    return np.asarray(curve(np.linspace(0, chord[-1], count)))


def tube(
    frame: Frame,
    points: Points,
    radii: NDArray[np.float64],
    flat_yz: tuple[float, float] = (1.0, 1.0),
    margin: float = 6.0,
) -> Tube:
    """Distance to a chain of balls at body `points` (n, 3) of `radii` (mm).

    `flat_yz` above 1 thins the tube along y or z. Outside `margin` mm of it the distance is `FAR_MM`.
    """
    world = frame.to_world(points)
    big = float(radii.max()) + margin
    box = frame.world_box(world.min(0) - big, world.max(0) + big)
    axes = [frame.world[a].ravel()[box[a]] for a in range(3)]
    distance = np.full(tuple(len(a) for a in axes), FAR_MM, np.float32)
    along = np.zeros_like(distance)
    firsts = [float(a[0]) for a in axes]
    last = max(len(world) - 1, 1)
    fy, fz = flat_yz
    for i, (px, py, pz) in enumerate(world):
        reach = radii[i] + margin
        part: list[slice] = []
        for axis, centre in enumerate((pz, py, px)):
            a = int((centre - reach - firsts[axis]) / frame.spacing_mm)
            b = int((centre + reach - firsts[axis]) / frame.spacing_mm) + 2
            part.append(slice(max(a, 0), max(b, 0)))
        z, y, x = (axes[a][part[a]] for a in range(3))
        if not (len(z) and len(y) and len(x)):
            continue
        squares = (((z - pz) * fz) ** 2)[:, None, None] + ((((y - py) * fy) ** 2)[:, None] + (x - px) ** 2)
        ball = np.sqrt(squares, dtype=np.float32) - np.float32(radii[i])
        where = (part[0], part[1], part[2])
        nearer = ball < distance[where]
        np.copyto(distance[where], ball, where=nearer)
        np.copyto(along[where], np.float32(i / last), where=nearer)
    return Tube(box, distance, along)


def ellipsoid(
    frame: Frame,
    box: Box,
    centre: Points,
    radii: tuple[float, float, float],
    turn: NDArray[np.float64] | None = None,
) -> Field:
    """Approximate distance (mm) to an ellipsoid with `radii` (x, y, z); rows of `turn` are its axes."""
    dx, dy, dz = (f[box] - np.float32(c) for f, c in zip((frame.x, frame.y, frame.z), centre, strict=True))
    if turn is not None:
        t = turn.astype(np.float32)
        dx, dy, dz = (t[i, 0] * dx + t[i, 1] * dy + t[i, 2] * dz for i in range(3))
    a, b, c = (np.float32(1 / r) for r in radii)
    dx, dy, dz = dx * a, dy * b, dz * c
    q = np.sqrt(dx * dx + dy * dy + dz * dz) + np.float32(1e-6)
    slope = np.sqrt((dx * a) ** 2 + (dy * b) ** 2 + (dz * c) ** 2) + np.float32(1e-6)
    return np.asarray(q * (q - 1) / slope, dtype=np.float32)


def join(a: Field, b: Field, round_mm: float) -> Field:
    """Union of two distance fields with the seam filled over `round_mm`."""
    h = np.maximum(np.float32(round_mm) - np.abs(a - b), 0) / np.float32(round_mm)
    return np.asarray(np.minimum(a, b) - h * h * np.float32(round_mm / 4), dtype=np.float32)


def carve(a: Field, b: Field, round_mm: float) -> Field:
    """Shape `a` without shape `b`, the new edge rounded over `round_mm`."""
    return -join(-a, b, round_mm)


@dataclass
class Canvas:
    """HU, labels and the running distance to what has been drawn; earlier organs push later ones back."""

    frame: Frame
    values: Field
    labels: NDArray[np.uint8]
    taken: Field = field(repr=False)

    def free(self, box: Box, distance: Field, gap_mm: float | Field) -> Field:
        """`distance` cut back so that it keeps `gap_mm` (a plane of fat) from what is drawn."""
        return np.asarray(np.maximum(distance, gap_mm - self.taken[box]), dtype=np.float32)

    def paint(
        self, box: Box, distance: Field, hu: float | Field, label: int | None = None, claim: bool = True
    ) -> None:
        """Paint softly over one voxel; `label` the inside; with `claim` push later organs back."""
        alpha = np.clip(np.float32(0.5) - distance * np.float32(1 / self.frame.spacing_mm), 0, 1)
        part = self.values[box]
        part += alpha * (hu - part)
        if label is not None:
            self.labels[box][distance < 0] = label
        if claim:
            np.minimum(self.taken[box], distance, out=self.taken[box])
