"""The solid organs: pancreas, kidneys, adrenals, spleen, gallbladder and liver, with their labels."""

# ruff: noqa: RUF005  (sums of a point and an offset, not joined lists)
from __future__ import annotations

import numpy as np

from model.phantoms.anatomy import PhantomTraits, Tissue
from model.phantoms.shapes import Box, Canvas, Points, carve, ellipsoid, join, spline, tube
from model.phantoms.texture import Field, smooth_field
from model.phantoms.torso import Torso
from model.phantoms.vessels import paint_renal_vessels

PANCREAS, LIVER, SPLEEN, KIDNEYS = 1, 2, 3, 4


def _axes(long_axis: Points, front: Points) -> Points:
    """Three orthonormal rows: across, front (made square to the long axis), long."""
    k = long_axis / np.linalg.norm(long_axis)
    f = front - k * (front @ k)
    f = f / np.linalg.norm(f)
    return np.stack([np.cross(f, k), f, k])


def paint_kidneys(rng: np.random.Generator, canvas: Canvas, tissue: Tissue, traits: PhantomTraits) -> None:
    """Cortex, pyramids, sinus fat with collecting system, hilar vessels, adrenals; one may be missing."""
    frame = canvas.frame
    for side, name in ((-1, "right"), (1, "left")):
        draw = rng.spawn(1)[0]
        centre = np.array([side * 60.0, 40.0, -22.0 if side < 0 else -10.0]) + draw.normal(0, [4, 4, 9])
        size = draw.normal(1.0, 0.07)
        _paint_adrenal(draw, canvas, tissue, centre, side)
        if traits.missing_kidney == name:
            continue
        long_axis = np.array([side * -0.26, 0.16, 1.0]) + draw.normal(0, 0.06, 3)
        hilum_way = np.array([-side * 0.80, -0.60, 0.0])
        turn = _axes(long_axis, hilum_way)
        box = frame.box((centre - 66).tolist(), (centre + 66).tolist())
        body = ellipsoid(frame, box, centre, (27 * size, 30 * size, 56 * size), turn)
        hollow = ellipsoid(frame, box, centre + turn[1] * 22 * size, (10, 21 * size, 23 * size), turn)
        lobes = smooth_field(draw, frame.shape, frame.spacing_mm, 16.0)[box]
        outline = canvas.free(box, carve(body, hollow + 3, 5) + 0.7 * lobes, draw.uniform(0.3, 2.0))
        canvas.paint(box, outline, tissue.cortex + 4 * lobes, KIDNEYS)
        # Pyramids: wedges of medulla between columns of cortex, under a cortex of 7 mm.
        rel = [f[box] - np.float32(c) for f, c in zip((frame.x, frame.y, frame.z), centre, strict=True)]
        across, front, up = (sum(float(t[i]) * rel[i] for i in range(3)) for t in turn)
        wheel = np.cos(6.5 * np.arctan2(up, (front - 16) * 1.3) + draw.uniform(0, 6)) + 0.6 * np.cos(
            0.16 * across
        )
        pyramid = np.maximum(
            np.maximum(outline + np.float32(7.0), -(hollow - 1.5)), -2.2 * (wheel + np.float32(0.35))
        )
        canvas.paint(box, pyramid, tissue.medulla, claim=False)
        sinus = np.maximum(hollow - 2, outline - 2)
        canvas.paint(box, np.maximum(hollow + 1.0, body - 1) + 1.2 * lobes, tissue.fat + 25, claim=False)
        pelvis = ellipsoid(frame, box, centre + turn[1] * 16 * size, (4.5, 9, 10), turn)
        urine = 8.0 if traits.phase != "none" else 6.0
        canvas.paint(box, np.maximum(pelvis + 1.5 * lobes, sinus), urine, claim=False)
        paint_renal_vessels(canvas, tissue, centre + turn[1] * 20 * size, side)
        # A label of the parenchyma: what the sinus fat took over is no kidney.
        part = canvas.labels[box]
        part[(part == KIDNEYS) & (hollow < -1.5)] = 0
        ureter = centre + turn[1] * 27 + [0, 0, -12]
        path = spline(
            np.array([ureter, ureter + [-side * 4, 0, -40], [side * 34, 20, -100], [side * 32, 12, -150]]),
            3.0,
        )
        line = tube(frame, path, np.full(len(path), 2.0), margin=3)
        canvas.paint(line.box, line.distance, 15.0, claim=False)


def _paint_adrenal(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, kidney: Points, side: int
) -> None:
    """A thin inverted Y above and in front of the upper pole."""
    apex = kidney + [-side * 22.0, -17.0, 54.0]
    for x, y in ((-side * 3.0, 14.0), (side * 9.0, 11.0)):
        for fall in (-4.0, -12.0):
            path = spline(
                np.array([apex + [0, 0, fall], apex + [x * 0.5, y * 0.6, fall - 2], apex + [x, y, fall - 4]]),
                2.0,
            )
            limb = tube(canvas.frame, path, np.full(len(path), 2.4), margin=5)
            inside = canvas.free(limb.box, limb.distance, 0.5)
            canvas.paint(limb.box, inside, tissue.pancreas - 12 + rng.normal(0, 4))


def paint_pancreas(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, traits: PhantomTraits, course: Points
) -> None:
    """A lobulated curved gland along `course`, of the drawn volume wherever 3 mm more or less allow it."""
    frame = canvas.frame
    slim = rng.uniform(0.92, 1.08, 8)
    radii = np.array([11.0, 13.0, 12.0, 7.6, 8.8, 9.6, 9.6, 6.5]) * slim
    curve = spline(np.column_stack([course, radii]), 2.2)
    hook = np.vstack([course[0] + [0, 1, 4], course[0] + [12, 7, 1], course[3] + [-2, 25, -30]])
    uncus = spline(np.column_stack([hook, [9.5, 8.5, 5.5]]), 2.2)
    gland = tube(
        frame,
        np.vstack([curve[:, :3], uncus[:, :3]]),
        np.concatenate([curve[:, 3], uncus[:, 3]]),
        flat_yz=(1.08, 0.96),
        margin=9,
    )
    lobules = smooth_field(rng, frame.shape, frame.spacing_mm, 8.0)[gland.box]
    lobulated = rng.uniform(0.5, 1.7)
    distance = gland.distance + np.float32(lobulated) * lobules
    room = np.sort(distance[canvas.taken[gland.box] > 0.4], axis=None)
    wanted = int(traits.pancreas_ml * 1000 / frame.spacing_mm**3)
    grow = float(np.clip(-room[min(wanted, len(room) - 1)], -2.5, 3.0)) if len(room) else 0.0
    outline = canvas.free(gland.box, distance + np.float32(grow), 0.4)
    grain = smooth_field(rng, frame.shape, frame.spacing_mm, 6.0)[gland.box]
    # Fat between the lobules lowers the mean in many, more so with age.
    fatty = rng.uniform(0, 10) if rng.uniform() < 0.7 else rng.uniform(10, 22)
    hu = tissue.pancreas - np.float32(fatty) * np.clip(grain + 0.6, 0, 2.2) + 2.5 * lobules
    canvas.paint(gland.box, outline, hu, PANCREAS)
    if rng.uniform() < 0.4:
        duct = tube(
            frame,
            curve[len(curve) // 4 : -4, :3],
            np.full(len(curve) - len(curve) // 4 - 4, rng.uniform(0.8, 1.5)),
            margin=3,
        )
        canvas.paint(duct.box, np.maximum(duct.distance, _in_pancreas(canvas, duct.box)), 15.0, claim=False)


def _in_pancreas(canvas: Canvas, box: Box) -> Field:
    """−1 where the pancreas is labelled, else 3 mm: keeps the duct inside the gland."""
    return np.where(canvas.labels[box] == PANCREAS, np.float32(-3), np.float32(3))


def paint_spleen(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, traits: PhantomTraits, torso: Torso
) -> None:
    """A thick crescent under the left ribs, hollow towards stomach and kidney."""
    frame = canvas.frame
    size = float(np.clip(rng.normal(1.0, 0.09), 0.8, 1.25))
    centre = np.array([88.0, 36.0, 42.0]) + rng.normal(0, [3, 5, 9])
    turn = _axes(np.array([0.12, -0.42, 1.0]) + rng.normal(0, 0.10, 3), np.array([0.55, -0.85, 0.0]))
    box = frame.box((centre - 80).tolist(), (centre + 80).tolist())
    outer = ellipsoid(frame, box, centre, (43 * size, 54 * size, 62 * size), turn)
    hollow = ellipsoid(frame, box, centre + np.array([-50.0, -32.0, -6.0]), (36, 44, 66), turn)
    bumps = smooth_field(rng, frame.shape, frame.spacing_mm, 26.0)[box]
    shape = carve(outer, hollow + 2, 9) + 1.3 * bumps
    wall = np.maximum(torso.cavity[box], torso.below_diaphragm[box]) + np.float32(2.2)
    # The ribs and the diaphragm cut deep into some: let it swell, within reason, to the drawn volume.
    gap = _gap(rng, bumps)
    wanted = float(np.clip(np.exp(rng.normal(np.log(195), 0.3)), 95, 330)) * 1000 / frame.spacing_mm**3
    room = np.sort(shape[(canvas.taken[box] > gap) & (wall < 0)], axis=None)
    grow = float(np.clip(-room[min(int(wanted), len(room) - 1)], -1.0, 10.0)) if len(room) else 0.0
    outline = canvas.free(box, np.maximum(shape + np.float32(grow), wall), gap)
    moire = smooth_field(rng, frame.shape, frame.spacing_mm, 13.0)[box]
    early = 0.0 if traits.phase == "none" else max(0.0, 0.45 - traits.phase_position) * 55
    canvas.paint(box, outline, tissue.spleen + (1.5 + np.float32(early)) * moire, SPLEEN)


def _gap(rng: np.random.Generator, field: Field) -> Field:
    """A fat plane of −0.4 to 2.4 mm that changes smoothly from place to place."""
    gap = np.clip(np.float32(rng.uniform(0.2, 1.6)) + np.float32(0.7) * field, -0.4, 2.4)
    return np.asarray(gap, dtype=np.float32)


def paint_gallbladder(rng: np.random.Generator, canvas: Canvas, tissue: Tissue) -> None:
    """A pear under the liver, missing in one of nine (taken out)."""
    if rng.uniform() < 0.11:
        return
    base = np.array([-50.0, -44.0, 0.0]) + rng.normal(0, [5, 6, 8])
    path = np.array(
        [[-34.0, -22.0, 26.0], (base + [-34, -22, 26]) / 2 + [-3, 2, 4], base, base + [-4, -17, -14]]
    )
    curve = spline(path, 3.0)
    r = np.interp(np.linspace(0, 1, len(curve)), [0, 0.2, 0.7, 1], [2.5, 5, 12, 10.5]) * rng.uniform(0.7, 1.2)
    pear = tube(canvas.frame, curve, r)
    outline = canvas.free(pear.box, pear.distance, 0.6)
    canvas.paint(pear.box, outline, tissue.bowel_wall)
    canvas.paint(pear.box, outline + np.float32(1.6), float(rng.normal(9, 4)), claim=False)


def paint_liver(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, traits: PhantomTraits, torso: Torso
) -> None:
    """Right and left lobe under the diaphragm, caudate, hilum, a bent fissure, hepatic and portal veins."""
    frame = canvas.frame
    s = float(np.clip(rng.normal(1.0, 0.06), 0.86, 1.15))
    move = rng.normal(0, [3, 3, 5])
    box = frame.box((-150, -120, -95), (115, 95, 130))
    x, y, z = (f[box] for f in (frame.x, frame.y, frame.z))
    bumps = smooth_field(rng, frame.shape, frame.spacing_mm, 34.0)[box]
    tongue = rng.normal(0, 9)
    right = ellipsoid(frame, box, np.array([-80.0, 2.0, 38.0]) + move, (76 * s, 90 * s, 94 * s + tongue))
    left_reach = rng.normal(0, 10)
    left = ellipsoid(
        frame,
        box,
        np.array([-4.0 + left_reach / 2, -48.0, 62.0]) + move,
        (76 * s + left_reach / 2, 46 * s, 40 * s),
        _axes(np.array([-0.18, -0.22, 1.0]), np.array([0.25, 1.0, 0.2])),
    )
    whole = join(right, left, 26)
    # The visceral surface: a hollow that rises from the right kidney to the stomach bed on the left.
    hollow = ellipsoid(
        frame,
        box,
        np.array([16.0, 24.0, -26.0]) + move * 0.5,
        (70, 64, 68),
        _axes(np.array([-0.35, 0.1, 1.0]), np.array([0.0, 1.0, 0.0])),
    )
    whole = carve(whole, hollow + 3 * bumps, 16)
    caudate = ellipsoid(frame, box, np.array([-14.0, -4.0, 52.0]) + move, (13 * s, 17 * s, 24 * s))
    whole = join(whole, caudate, 8) + 1.4 * bumps
    # Fissure for the round ligament: a bent, tapering cleft, not a straight cut.
    wave = smooth_field(rng, frame.shape, frame.spacing_mm, 19.0)[box]
    cleft_x = np.float32(rng.normal(6, 5)) - 0.42 * (y + 50) + 6.0 * wave + 0.12 * (z - 40)
    deep = (z - np.float32(rng.normal(44, 8))) * np.float32(0.16)
    cleft = np.abs(x - cleft_x) - np.clip(2.0 - deep + 0.8 * bumps, -4, 3.0)
    cleft = np.maximum(cleft, y + np.float32(30) + 7 * bumps)
    whole = carve(whole, cleft, 4)
    gate = spline(np.array([[-12.0, -20, 36], [-36, -14, 40], [-56, -8, 40]]) + move * 0.5, 3.0)
    hilum = tube(frame, gate, np.full(len(gate), 5.5))
    wall = np.maximum(torso.cavity[box], torso.below_diaphragm[box]) + np.float32(1.2)
    # Narrower than elsewhere: a wide one would draw a dark ring round the upper pole of the kidney.
    gap = np.clip(np.float32(rng.uniform(-0.2, 0.9)) + np.float32(0.6) * bumps, -0.6, 1.5)
    outline = canvas.free(box, np.maximum(whole, wall), gap)
    canvas.paint(box, outline, tissue.liver + 2.0 * wave, LIVER)
    part = canvas.values[hilum.box]
    alpha = np.clip(0.5 - hilum.distance / frame.spacing_mm, 0, 1) * (canvas.labels[hilum.box] == LIVER)
    part += alpha * (tissue.fat + 50 - part)
    canvas.labels[hilum.box][(hilum.distance < 0) & (canvas.labels[hilum.box] == LIVER)] = 0
    inside = np.full(frame.shape, 9, np.float32)
    inside[box] = outline
    _paint_liver_vessels(rng, canvas, tissue, inside, move)


def _paint_liver_vessels(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, inside: Field, move: Points
) -> None:
    frame = canvas.frame
    trunk = np.array([-20.0, -2.0, 82.0])
    ends = ((-104, 22, 45), (-66, -42, 42), (22, -58, 66), (-88, -10, 22))
    for end in ends:
        target = np.array(end, float) + move + rng.normal(0, 8, 3)
        path = spline(np.vstack([trunk, trunk * 0.55 + target * 0.45 + [0, 0, 10], target]), 3.0)
        line = tube(frame, path, np.linspace(4.8, 1.2, len(path)), margin=3)
        canvas.paint(
            line.box, np.maximum(line.distance, inside[line.box] + 1), tissue.hepatic_vein, claim=False
        )
    gate = np.array([-40.0, -12.0, 42.0]) + move * 0.5
    for end in (
        (-92, 30, 10),
        (-98, -34, 28),
        (-72, 8, 70),
        (-60, -50, 14),
        (0, -52, 58),
        (26, -60, 50),
        (-108, 0, 58),
    ):
        target = np.array(end, float) + move + rng.normal(0, 9, 3)
        path = spline(np.vstack([gate, (gate + target) / 2 + rng.normal(0, 6, 3), target]), 3.0)
        line = tube(frame, path, np.linspace(4.6, 1.0, len(path)), margin=3)
        canvas.paint(
            line.box, np.maximum(line.distance, inside[line.box] + 1), tissue.portal - 8, claim=False
        )
    for _ in range(int(rng.choice([0, 0, 0, 1, 1, 2, 3]))):
        spot = np.array([rng.uniform(-115, -20), rng.uniform(-60, 50), rng.uniform(10, 80)])
        line = tube(frame, np.vstack([spot, spot + 1]), np.full(2, rng.uniform(4, 11)), margin=4)
        canvas.paint(
            line.box, np.maximum(line.distance, inside[line.box] + 2), float(rng.normal(8, 6)), claim=False
        )
