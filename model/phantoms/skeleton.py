"""Spine, ribs, breastbone, pelvis and the muscles that lean on them."""

# ruff: noqa: RUF005  (sums of a point and an offset, not joined lists)
from __future__ import annotations

import numpy as np

from model.phantoms.anatomy import Habitus, Tissue
from model.phantoms.shapes import FAR_MM, Canvas, Points, ellipsoid, join, spline, tube
from model.phantoms.texture import smooth_field
from model.phantoms.torso import Torso

SPINE_Y = 36.0
"""How far behind the middle of the body (mm) the vertebral bodies' centres lie."""


def paint_skeleton(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, habitus: Habitus, torso: Torso
) -> None:
    """Draw muscles of the back first, then the bones over them."""
    _paint_muscles(rng, canvas, tissue, habitus, torso)
    _paint_spine(rng, canvas, tissue)
    _paint_ribs(rng, canvas, tissue, habitus, torso)
    _paint_pelvis(rng, canvas, tissue)


def _paint_muscles(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, habitus: Habitus, torso: Torso
) -> None:
    frame = canvas.frame
    bulk = habitus.muscle_bulk
    fat_seam = np.float32(1.6)
    streak = smooth_field(rng, frame.shape, frame.spacing_mm, 9.0)
    for side in (-1, 1):
        # Erector spinae: one broad mass of two bundles in a bed of fat beside the spinous processes.
        bundles = []
        for offset, radius in ((17, 17.5 * bulk), (37, 16.5 * bulk)):
            path = np.array(
                [
                    [side * offset * 0.85, 73, 170],
                    [side * offset, 73, 40],
                    [side * offset, 75, -60],
                    [side * offset * 0.8, 79, -170],
                ],
                dtype=float,
            )
            curve = spline(path, 6.0)
            thick = np.interp(np.linspace(0, 1, len(curve)), [0, 0.5, 0.8, 1], [0.8, 1, 1, 0.75]) * radius
            bundles.append(tube(frame, curve, thick, margin=9))
        low = [min(t.box[a].start for t in bundles) for a in range(3)]
        high = [max(t.box[a].stop for t in bundles) for a in range(3)]
        box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        both = [
            np.full(tuple(h - a for a, h in zip(low, high, strict=True)), FAR_MM, np.float32) for _ in bundles
        ]
        for field_, t in zip(both, bundles, strict=True):
            field_[tuple(slice(b.start - a, b.stop - a) for b, a in zip(t.box, low, strict=True))] = (
                t.distance
            )
        mass = np.maximum(join(both[0], both[1], 12), torso.skin[box] + np.float32(habitus.fat_back * 0.5))
        canvas.paint(box, mass - fat_seam, tissue.fat + 45, claim=False)
        canvas.paint(box, mass, tissue.muscle - 3 + 11 * streak[box], claim=False)
        path = np.array(
            [[side * 24, 40, 8], [side * 32, 40, -40], [side * 42, 34, -95], [side * 56, 14, -170]],
            dtype=float,
        )
        path += rng.normal(0, 2, path.shape)
        curve = spline(path, 5.0)
        line = tube(
            frame, curve, np.interp(np.linspace(0, 1, len(curve)), [0, 0.35, 0.7, 1], [6, 16, 22, 22]) * bulk
        )
        canvas.paint(line.box, line.distance, tissue.muscle + 4 * streak[line.box])
        path = np.array([[side * 62, 66, -5], [side * 68, 66, -50], [side * 76, 62, -105]], dtype=float)
        curve = spline(path, 5.0)
        line = tube(frame, curve, np.full(len(curve), 11.0 * bulk), flat_yz=(1.5, 1.0))
        canvas.paint(line.box, line.distance, tissue.muscle + 4 * streak[line.box])
        # Crus of the diaphragm.
        path = np.array([[side * 16, 20, 70], [side * 17, 18, 35], [side * 15, 22, -8]], dtype=float)
        curve = spline(path, 5.0)
        line = tube(frame, curve, np.linspace(4.0, 5.5, len(curve)))
        canvas.paint(line.box, line.distance, tissue.muscle)
        # Rectus abdominis: a flat band at the front of the cavity.
        box = frame.box((min(0, side * 75), -125, -200), (max(0, side * 75), 0, 90))
        centre = np.float32(side * 33)
        band = np.maximum(
            np.abs(frame.x[box] - centre) - np.float32(27),
            np.abs(torso.cavity[box] - 5) - np.float32(4.6 * bulk),
        )
        band = np.maximum(band, frame.y[box] + 20)
        canvas.paint(box, band - np.float32(1.2), tissue.fat + 60, claim=False)
        canvas.paint(box, band, tissue.muscle + 5 * streak[box], claim=False)


def _paint_spine(rng: np.random.Generator, canvas: Canvas, tissue: Tissue) -> None:
    """Vertebrae 33 mm apart: waisted bodies, discs, arch with canal, spinous and transverse processes."""
    frame = canvas.frame
    start = rng.uniform(-16, 16)
    box = frame.box((-34, 4, -220), (34, 112, 220))
    x, y, z = frame.x[box], frame.y[box], frame.z[box]
    trabecular = smooth_field(rng, frame.shape, frame.spacing_mm, 7.0)[box]
    cycle = (z - np.float32(start)) / 33
    within = np.abs(cycle - np.rint(cycle)) * 33  # 0 in the middle of a body, 16.5 in the middle of a disc
    waist = np.float32(2.2) * np.clip(1 - (within / 11) ** 2, 0, 1)
    round_ = np.sqrt((x / 21.5) ** 2 + ((y - np.float32(SPINE_Y)) / 16.5) ** 2)
    # The back of a body is flat or slightly hollow towards the canal.
    column = np.maximum((round_ - 1) * 18, y - np.float32(SPINE_Y + 13)) + waist
    column_all = np.maximum((round_ - 1) * 18, y - np.float32(SPINE_Y + 13))
    disc = np.maximum(column_all, np.float32(12.6) - within)
    body = np.maximum(column, within - np.float32(12.6))
    canvas.paint(box, disc, 85.0)
    canvas.paint(box, body, 430.0)
    canvas.paint(box, body + np.float32(2.6), tissue.marrow + 26 * trabecular)
    # Arch: a ring round the canal, open where the foramina let the nerves out.
    ring = np.sqrt((x / 1.15) ** 2 + (y - np.float32(SPINE_Y + 25)) ** 2)
    arch = np.maximum(
        np.abs(ring - np.float32(13.5)) - np.float32(3.2),
        np.abs((cycle - 0.12 - np.rint(cycle - 0.12)) * 33) - np.float32(9.5),
    )
    arch = np.maximum(arch, np.float32(SPINE_Y + 10) - y)
    canvas.paint(box, ring - np.float32(15), tissue.fat + 70, claim=False)
    canvas.paint(box, arch, 420.0)
    canvas.paint(box, np.maximum(ring - np.float32(10), np.float32(SPINE_Y + 14) - y), 18.0, claim=False)
    canvas.paint(box, ring - np.float32(5.0), 42.0, claim=False)
    for level in range(-7, 8):
        zc = start + 33 * level
        if abs(zc) > 190:
            continue
        tip = rng.normal(0, 1.5, 3)
        path = spline(
            np.array(
                [[0, SPINE_Y + 38, zc - 3], [0, SPINE_Y + 47, zc - 9], tip + [0, SPINE_Y + 58, zc - 13]]
            ),
            2.5,
        )
        line = tube(frame, path, np.full(len(path), 3.2), flat_yz=(1.0, 0.55))
        canvas.paint(line.box, line.distance, 400.0, claim=False)
        for side in (-1, 1):
            reach = rng.uniform(32, 42)
            tip = np.array([side * reach, SPINE_Y + 27 + rng.normal(0, 2), zc + rng.normal(0, 3)])
            path = spline(
                np.array([[side * 15, SPINE_Y + 22, zc + 1], [side * 24, SPINE_Y + 24, zc], tip]), 2.5
            )
            line = tube(frame, path, np.linspace(4.6, 2.6, len(path)))
            canvas.paint(line.box, line.distance, 380.0, claim=False)


def _rib_path(
    rng: np.random.Generator, radius: Points, side: int, head_z: float, end_deg: float, fall_mm: float
) -> Points:
    """A rib from its vertebra round the chest: body points (n, 3), `end_deg` counted from the spine."""
    degrees = np.linspace(12, end_deg, 60)
    angle = np.deg2rad(degrees)
    r = np.interp(angle, np.deg2rad([0, 18, 30, 45, 65, 90, 115, 140, 160, 180]), radius)
    swing = (degrees - 12) / 150
    z = (
        head_z
        + 5 * np.sin(np.pi * np.clip(swing * 3, 0, 1))
        - fall_mm * swing**1.1
        + rng.normal(0, 1.2) * np.sin(3 * angle)
    )
    return np.stack([side * r * np.sin(angle), r * np.cos(angle), z], 1)


def _paint_ribs(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, habitus: Habitus, torso: Torso
) -> None:
    """Ribs 5 to 12: each its own slope, length and thickness; cartilage in front; breastbone."""
    frame = canvas.frame
    shell = torso.wall_radius + np.array([16, 14, 11, 5, 5.5, 6, 6, 6, 6, 6])
    shell[:3] = [70, 74, 84]
    shift = rng.normal(0, 8)
    cartilage_hu = float(rng.uniform(90, 170))
    # Rib: height of its head, where it ends (degrees from the spine), how far it falls on the way.
    table = (
        (5, 262, 148, 165),
        (6, 233, 146, 168),
        (7, 203, 142, 170),
        (8, 172, 132, 172),
        (9, 140, 122, 168),
        (10, 108, 108, 158),
        (11, 72, 80, 135),
        (12, 38, 52, 118),
    )
    for number, head, end, fall in table:
        for side in (-1, 1):
            length = end + rng.normal(0, 4 if number < 11 else 8)
            # Higher ribs sit on a narrower cage.
            narrow = 1 - 0.035 * max(0.0, (10 - number)) * 0.6
            path = _rib_path(
                rng, shell * narrow, side, head + shift + rng.normal(0, 2.5), length, fall + rng.normal(0, 9)
            )
            thick = rng.uniform(0.88, 1.15) * (0.8 if number == 12 else 1.0)
            curve = spline(path[::3], 3.0)
            along = np.linspace(0, 1, len(curve))
            radii = 3.7 * thick * np.interp(along, [0, 0.1, 0.5, 0.95, 1], [0.75, 0.9, 1.0, 0.95, 0.8])
            bone = tube(frame, curve, radii, flat_yz=(1.0, 0.68), margin=4)
            canvas.paint(bone.box, bone.distance, rng.uniform(480, 640), claim=False)
            canvas.paint(bone.box, bone.distance + np.float32(2.4), rng.uniform(150, 280), claim=False)
            if number <= 10:
                r = float(np.hypot(path[-1, 0], path[-1, 1]))
                turn = np.deg2rad(np.linspace(length, 172 if number < 8 else 160, 5))
                rise = np.linspace(0, 1, 5) ** 1.5 * (70 if number >= 7 else 25)
                front = np.stack(
                    [side * r * np.sin(turn), r * 0.98 * np.cos(turn), path[-1, 2] - 4 + rise], 1
                )
                curve = spline(front, 3.0)
                soft = tube(frame, curve, np.full(len(curve), 4.2), margin=4)
                canvas.paint(
                    soft.box, np.maximum(soft.distance, torso.flesh[soft.box]), cartilage_hu, claim=False
                )
    front_y = -float(torso.wall_radius[-1]) - 6
    path = spline(
        np.array([[0, front_y * 0.96, 200.0], [0, front_y, 130.0], [0, front_y, rng.uniform(90, 105)]]), 3.0
    )
    for offset in (-6.0, 6.0):
        plate = tube(frame, path + [offset, 0, 0], np.full(len(path), 8.5), flat_yz=(1.6, 1.0), margin=4)
        canvas.paint(plate.box, plate.distance, 380.0, claim=False)
        canvas.paint(plate.box, plate.distance + np.float32(2.6), 170.0, claim=False)


def _paint_pelvis(rng: np.random.Generator, canvas: Canvas, tissue: Tissue) -> None:
    """The tops of the iliac wings, at the lower end of the volume."""
    frame = canvas.frame
    top = rng.uniform(-122, -108)
    for side in (-1, 1):
        box = frame.box((min(side * 30, side * 135), -40, -230), (max(side * 30, side * 135), 100, top + 20))
        centre = np.array([side * 82.0, 22.0, top - 55])
        blade = np.array([side * 0.80, 0.60, -0.38])
        blade /= np.linalg.norm(blade)
        along = np.array([side * 0.6, -0.8, 0.0])
        along -= blade * (along @ blade)
        along /= np.linalg.norm(along)
        plate = ellipsoid(
            frame, box, centre, (9.0, 58.0, 56.0), np.stack([blade, along, np.cross(blade, along)])
        )
        canvas.paint(box, plate - 7, tissue.muscle, claim=True)
        canvas.paint(box, plate, 520.0)
        canvas.paint(box, plate + np.float32(2.8), tissue.marrow)
