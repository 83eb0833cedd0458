"""The container of the phantom: skin, fat, wall muscles, cavities, diaphragm, lungs and heart; no viscera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from model.phantoms.anatomy import Habitus, Tissue
from model.phantoms.shapes import Canvas, Frame, ellipsoid, join, spline, tube
from model.phantoms.texture import Field, smooth_field

# Half a circle of directions, from the spine (0°) over the side (90°) to the navel (180°).
_ANGLES = np.deg2rad([0, 18, 30, 45, 65, 90, 115, 140, 160, 180])


@dataclass(frozen=True)
class Torso:
    """Distance fields (mm, negative inside) that organs are fitted to; `depth` is 0 at the skin, 1 inside."""

    skin: Field
    flesh: Field
    cavity: Field
    below_diaphragm: Field
    lung_wall: Field
    depth: Field
    wall_radius: NDArray[np.float64]


def _ellipse(half_width: float, half_depth: float) -> NDArray[np.float64]:
    """Radius of a slightly squared ellipse in each direction of `_ANGLES`."""
    side, front = np.sin(_ANGLES), np.cos(_ANGLES)
    return np.asarray((np.abs(side / half_width) ** 2.3 + np.abs(front / half_depth) ** 2.3) ** (-1 / 2.3))


def _lookup(angle: Field, radius: NDArray[np.float64]) -> Field:
    """Radius at every `angle` by a fine table: smooth (cubic) between the given directions."""
    fine = CubicSpline(_ANGLES, radius, bc_type=((1, 0.0), (1, 0.0)))(np.linspace(0, np.pi, 1024))
    table: Field = fine.astype(np.float32)
    return table[(angle * np.float32(1023 / np.pi)).astype(np.int32)]


def build_torso(rng: np.random.Generator, canvas: Canvas, tissue: Tissue, habitus: Habitus) -> Torso:
    """Draw the container on the canvas, which starts as air, and return its distance fields."""
    frame = canvas.frame
    x, y, z = frame.x, frame.y, frame.z
    # The chest narrows upwards, the flanks are narrowest at the waist, the hips widen again.
    level = np.linspace(-220, 220, 441)
    waist = rng.uniform(0.02, 0.07)
    profile = 1 - waist * np.exp(-(((level + 55) / 45) ** 2)) + 0.05 * np.exp(-(((level + 165) / 50) ** 2))
    profile -= 0.10 / (1 + np.exp(-(level - 150) / 25))
    shrink = (1 / profile).astype(np.float32)[np.clip(z + np.float32(220), 0, 440).astype(np.int32)]
    px, py = x * shrink, y * shrink
    rho = np.sqrt(px * px + py * py) + np.float32(1e-3)
    angle = np.arctan2(np.abs(px), py)

    skin_r = _ellipse(habitus.half_width, habitus.half_depth)
    skin_r[0] -= 4  # the groove over the spine
    fat = np.interp(
        _ANGLES,
        np.deg2rad([0, 50, 90, 130, 180]),
        [habitus.fat_back * 0.5, habitus.fat_back, habitus.fat_side, habitus.fat_side, habitus.fat_front],
    )
    flesh_r = skin_r - fat
    wall = 12 * habitus.muscle_bulk
    cavity_r = np.minimum(flesh_r - wall, [58, 62, 74, 999, 999, 999, 999, 999, 999, 999])
    cavity_r[3] = min(cavity_r[3], 94.0)
    lung_r = flesh_r - np.array([38, 26, 17, 15, 14, 14, 14, 15, 16, 18])
    skin = rho - _lookup(angle, skin_r)
    flesh = rho - _lookup(angle, flesh_r)
    # Less fat over the ribs than over the belly.
    flesh -= np.float32(0.25 * habitus.fat_front) / (1 + np.exp(np.clip((np.float32(60) - z) / 25, -30, 30)))
    cavity = rho - _lookup(angle, cavity_r)
    lung_radius = _lookup(angle, lung_r)
    lung = rho - lung_radius

    everything = (slice(None), slice(None), slice(None))
    cloud = smooth_field(rng, frame.shape, frame.spacing_mm, 14.0)
    canvas.paint(everything, skin, tissue.muscle - 10.0, claim=False)
    canvas.paint(everything, skin + np.float32(1.8), tissue.fat + 6 * cloud, claim=False)
    canvas.paint(everything, flesh, tissue.muscle + 4 * cloud, claim=False)
    # Two thin planes of fat part the three flat muscles at the side.
    sheet = np.minimum(
        np.abs(flesh + np.float32(wall * 0.38)), np.abs(flesh + np.float32(wall * 0.70))
    ) - np.float32(0.1)
    sheet = np.maximum(sheet, np.abs(np.abs(angle - np.float32(1.75))) * 80 - np.float32(52))
    canvas.paint(everything, sheet, tissue.muscle - 75.0, claim=False)
    strands = smooth_field(rng, frame.shape, frame.spacing_mm, 7.0)
    canvas.paint(everything, np.maximum(cavity, z - np.float32(110)), tissue.fat + 7 * strands, claim=False)

    below = _diaphragm(rng, frame, rho, lung_radius, angle)
    _paint_chest(rng, canvas, tissue, lung, cavity, below, cloud)
    canvas.taken[...] = np.minimum(-cavity, -below) - np.float32(0.5)
    depth = np.clip(-skin / np.float32(90), 0, 1)
    return Torso(skin, flesh, cavity, below, lung, depth, cavity_r)


def _diaphragm(rng: np.random.Generator, frame: Frame, rho: Field, lung_radius: Field, angle: Field) -> Field:
    """Distance to the diaphragm, negative below it: two domes, the right one higher, steep at the wall."""
    top = rng.normal(88, 6)
    right, left = rng.uniform(8, 18), rng.uniform(2, 12)
    dome = np.float32(top) + np.float32(right) * np.exp(
        -(((frame.x + 62) / 45) ** 2) - ((frame.y - 2) / 60) ** 2
    )
    dome += np.float32(left) * np.exp(-(((frame.x - 66) / 42) ** 2) - ((frame.y - 4) / 60) ** 2)
    drop = np.interp(np.linspace(0, np.pi, 1024), np.deg2rad([0, 40, 90, 135, 180]), [100, 100, 88, 50, 30])
    fall = drop.astype(np.float32)[(angle * np.float32(1023 / np.pi)).astype(np.int32)]
    u = np.minimum(rho / lung_radius, np.float32(1.1))
    u2 = u * u
    u8 = (u2 * u2) * (u2 * u2)
    height = frame.z - dome + fall * u8 * u2
    slope = fall * 10 * u8 * u / lung_radius
    return np.asarray(height / np.sqrt(1 + slope * slope), dtype=np.float32)


def _paint_chest(
    rng: np.random.Generator,
    canvas: Canvas,
    tissue: Tissue,
    lung: Field,
    cavity: Field,
    below: Field,
    cloud: Field,
) -> None:
    """The muscle sheet of the diaphragm, lungs with vessels, the mediastinum and the heart."""
    frame = canvas.frame
    x, y, z = frame.x, frame.y, frame.z
    everything = (slice(None), slice(None), slice(None))
    chest = np.maximum(lung, -below)
    canvas.paint(
        everything,
        np.maximum(np.maximum(lung, cavity - 3), np.abs(below) - np.float32(1.6)),
        tissue.muscle,
        claim=False,
    )
    # Mediastinum: a curtain of fat from breastbone to spine, bulging left for the heart.
    bulge = 30 * np.exp(-(((y + 28) / 42) ** 2))
    curtain = np.abs(x - (np.float32(6) + bulge * np.float32(0.45))) - (np.float32(15) + bulge)
    air = np.maximum(chest + np.float32(1.2), -curtain)
    # A little air never reaches the bottom of the recess behind the diaphragm.
    floor = np.float32(rng.uniform(-5, 32))
    air = np.maximum(air, floor - z)
    canvas.paint(everything, np.maximum(chest, -z + floor), tissue.fat + 8 * cloud, claim=False)
    depend = (y - np.float32(60)) * np.float32(1.1)
    canvas.paint(
        everything, air, np.float32(rng.normal(-852, 12)) + 14 * cloud + np.clip(depend, -40, 60), claim=False
    )
    _paint_lung_vessels(rng, canvas, tissue, air)
    _paint_heart(rng, canvas, tissue, chest, cloud)


def _paint_lung_vessels(rng: np.random.Generator, canvas: Canvas, tissue: Tissue, air: Field) -> None:
    """Vessels that fan out from each hilum down to the lung bases."""
    frame = canvas.frame
    for side in (-1, 1):
        hilum = np.array([side * 38.0, 12.0, 158.0])
        for _ in range(11):
            end = np.array([side * rng.uniform(50, 118), rng.uniform(-50, 75), rng.uniform(45, 120)])
            middle = (hilum + end) / 2 + rng.normal(0, 9, 3)
            curve = spline(np.vstack([hilum, middle, end]), 3.0)
            line = tube(frame, curve, np.linspace(3.4, 0.9, len(curve)), margin=3)
            canvas.paint(line.box, np.maximum(line.distance, air[line.box] - 1), tissue.muscle, claim=False)


def _paint_heart(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, chest: Field, cloud: Field
) -> None:
    """Four chambers in their walls, turned to the left, resting on the diaphragm, in pericardial fat."""
    frame = canvas.frame
    box = frame.box((-75, -95, 60), (110, 60, 200))
    axis = np.array([0.68, -0.56, -0.47]) + rng.normal(0, 0.06, 3)
    axis /= np.linalg.norm(axis)
    across = np.cross(axis, [0.3, 0.3, 1.0])
    across /= np.linalg.norm(across)
    turn = np.stack([axis, across, np.cross(axis, across)])
    s = rng.uniform(0.92, 1.08)
    base = np.array([24.0, -26.0, 132.0]) + rng.normal(0, 4, 3)

    def chamber(offset: tuple[float, float, float], radii: tuple[float, float, float]) -> Field:
        r = (radii[0] * s, radii[1] * s, radii[2] * s)
        return ellipsoid(frame, box, base + np.array(offset) * s, r, turn)

    left_v = chamber((22, 2, -10), (46, 27, 27))
    right_v = chamber((-4, -24, -10), (42, 20, 30))
    right_a = chamber((-36, -2, 2), (26, 25, 30))
    left_a = chamber((-4, 30, 14), (24, 20, 30))
    wall = join(join(left_v, right_v, 10), join(right_a, left_a, 10), 10)
    limit = chest[box] + np.float32(2)
    canvas.paint(
        box, np.maximum(wall - np.float32(5) - 1.5 * cloud[box], limit), tissue.fat + 10, claim=False
    )
    canvas.paint(box, np.maximum(wall, limit + 2), tissue.heart_wall, claim=False)
    right_blood = (tissue.aorta + tissue.cava_high) / 2
    for field_, thick, hu in (
        (left_v, 10, tissue.aorta),
        (right_v, 4, right_blood),
        (right_a, 3, right_blood),
        (left_a, 3, tissue.aorta),
    ):
        canvas.paint(
            box, np.maximum(field_ + np.float32(thick) + 0.8 * cloud[box], limit + 4), hu, claim=False
        )
