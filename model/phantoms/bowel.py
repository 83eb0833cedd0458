"""Hollow organs: stomach, duodenum, colon, small bowel, with wall, contents and gas; none is labelled."""

# ruff: noqa: RUF005  (sums of a point and an offset, not joined lists)
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.phantoms.anatomy import PhantomTraits, Tissue
from model.phantoms.shapes import Canvas, Points, Tube, spline, tube
from model.phantoms.texture import Field, smooth_field
from model.phantoms.torso import Torso

GAS = -960.0


@dataclass(frozen=True)
class Filling:
    """What a hollow organ holds: fluid in HU, gas in front (0..1 of the depth), wall in mm."""

    hu: float | Field
    gas: float
    wall_mm: float
    wall_hu: float


def _paint_hollow(canvas: Canvas, piece: Tube, outline: Field, filling: Filling) -> None:
    """Wall and contents of a tube cut back to `outline`."""
    box = piece.box
    canvas.paint(box, outline, filling.wall_hu)
    lumen = outline + np.float32(filling.wall_mm)
    _fill(canvas, piece, lumen, filling.hu, filling.gas)


def paint_stomach(
    rng: np.random.Generator,
    canvas: Canvas,
    tissue: Tissue,
    traits: PhantomTraits,
    torso: Torso,
    course: Points,
) -> None:
    """Oesophagus; fundus under the left dome, body, antrum in front of the pancreas, pylorus."""
    frame = canvas.frame
    gullet = spline(np.array([[2.0, 14, 210], [4, 10, 130], [10, 2, 86], [24, -2, 72]]), 4.0)
    line = tube(frame, gullet, np.full(len(gullet), 7.0))
    canvas.paint(line.box, line.distance, tissue.muscle)
    sag = rng.normal(0, 14)
    path = np.array(
        [
            [52, 26, 74],
            [58, 6, 72],
            [62, -26, 50],
            [50, -56, 22 + sag * 0.4],
            [18, -64, 4 + sag],
            [-18, -54, 4 + sag * 0.5],
            [-40, -38, 8],
        ],
        dtype=float,
    )
    path += rng.normal(0, [5, 4, 5], path.shape)
    fill = rng.uniform(0.75, 1.15)
    radii = np.array([24, 31, 29, 24, 19, 14, 8.0]) * np.array([fill, fill, fill, fill, fill**0.7, 1, 1])
    curve = spline(np.column_stack([path, radii]), 4.0)
    piece = tube(frame, curve[:, :3], np.maximum(curve[:, 3], 5), flat_yz=(1.05, 1.0))
    folds = smooth_field(rng, frame.shape, frame.spacing_mm, 8.0)[piece.box]
    wall = np.maximum(torso.cavity[piece.box], torso.below_diaphragm[piece.box]) + np.float32(1.5)
    outline = canvas.free(piece.box, np.maximum(piece.distance + 0.6 * folds, wall), rng.uniform(0.3, 1.8))
    thick = rng.uniform(3.5, 5.5)
    hu: float | Field = float(rng.normal(14, 10))
    kind = rng.uniform()
    if traits.oral_contrast:
        hu = float(rng.uniform(160, 330))
    elif kind < 0.4:
        mash = smooth_field(rng, frame.shape, frame.spacing_mm, 7.0)[piece.box]
        hu = float(rng.normal(38, 8)) + 16 * mash - 130 * np.clip(mash - 1.3, 0, 1)
    canvas.paint(piece.box, outline, tissue.bowel_wall)
    # Rugae: the wall's inner face is folded, less so in the antrum.
    rugae = np.float32(2.4) * np.clip(folds, -0.8, 1.6) * np.clip(1.3 - piece.along, 0.2, 1)
    _fill(canvas, piece, outline + np.float32(thick) + rugae, hu, float(rng.choice([0, 0.18, 0.3, 0.45])))


def _fill(canvas: Canvas, piece: Tube, lumen: Field, hu: float | Field, gas: float) -> None:
    """Contents and, above a level that stays flat in the scanner, gas (`gas` of the depth)."""
    canvas.paint(piece.box, lumen, hu, claim=False)
    if gas > 0 and (lumen < 0).any():
        y = canvas.frame.world[1][:, piece.box[1], :]
        rows = np.broadcast_to(y, lumen.shape)[lumen < 0]
        level = np.float32(rows.min() + (rows.max() - rows.min()) * gas)
        canvas.paint(piece.box, np.maximum(lumen, y - level), GAS, claim=False)


def paint_duodenum(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, traits: PhantomTraits, course: Points
) -> None:
    """The C round the pancreatic head, across in front of cava and aorta, up to the flexure."""
    low, head, high, neck = course[0], course[1], course[2], course[3]
    path = np.array(
        [
            [-38, -38, 8],
            high + [-14, -12, 9],
            high + [-24, -2, 6],
            head + [-25, 3, -2],
            low + [-22, 6, -8],
            low + [-10, 8, -22],
            [-14, -8, low[2] - 24],
            [12, -10, low[2] - 20],
            neck + [38, 14, -28],
            neck + [44, 4, -18],
        ],
        dtype=float,
    )
    path += rng.normal(0, [2, 2, 2.5], path.shape)
    curve = spline(path, 3.0)
    size = rng.uniform(0.85, 1.12)
    along = np.linspace(0, 1, len(curve))
    beads = 1 + 0.12 * np.sin(2 * np.pi * along * rng.uniform(4, 7) + rng.uniform(0, 6))
    radii = 12.0 * size * beads * np.interp(along, [0, 0.1, 0.5, 1], [0.8, 1, 1, 0.9])
    cuts = sorted(rng.uniform(0.15, 0.85, 2))
    start = 0.0
    for stop in (*cuts, 1.0):
        some = (along >= start - 0.02) & (along <= stop + 0.02)
        start = stop
        if some.sum() < 3:
            continue
        piece = tube(canvas.frame, curve[some], radii[some])
        outline = canvas.free(piece.box, piece.distance, rng.uniform(-0.4, 1.2))
        _paint_hollow(canvas, piece, outline, _loop_filling(rng, tissue, traits, 0.10))


def _loop_filling(
    rng: np.random.Generator, tissue: Tissue, traits: PhantomTraits, gas_chance: float
) -> Filling:
    """More than half of the loops are collapsed and as grey as the pancreas (−4 ± 9 HU)."""
    kind = rng.uniform()
    if traits.oral_contrast and kind < 0.45:
        return Filling(float(rng.uniform(150, 340)), 0.0, rng.uniform(2.0, 3.2), tissue.bowel_wall)
    if kind < 0.60:
        hu = tissue.pancreas - 4 + float(rng.normal(0, 9))
        return Filling(hu - float(rng.uniform(0, 6)), 0.0, 3.5, hu)
    if kind < 1 - gas_chance:
        return Filling(
            float(rng.normal(22, 12)), 0.0, rng.uniform(2.0, 3.6), tissue.bowel_wall + float(rng.normal(4, 8))
        )
    return Filling(float(rng.normal(20, 10)), float(rng.uniform(0.25, 0.7)), 2.2, tissue.bowel_wall)


def paint_colon(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, traits: PhantomTraits, torso: Torso
) -> None:
    """Caecum to descending colon in pieces with haustra; faeces, gas with a level, or collapsed."""
    frame = canvas.frame
    sag = rng.normal(-66, 16)
    up = np.array(
        [[-92, -6, -150], [-98, 4, -112], [-96, 14, -72], [-90, 6, -42], [-84, -22, -40]], dtype=float
    )
    across = np.array(
        [
            [-82, -36, -42],
            [-48, -66, (sag - 40) / 2],
            [0, -76, sag],
            [48, -68, (sag + 10) / 2],
            [82, -42, 4],
            [96, -12, 18],
        ],
        dtype=float,
    )
    down = np.array(
        [[98, -4, 18], [103, 14, -8], [103, 20, -60], [100, 14, -105], [92, 4, -150]], dtype=float
    )
    lump = smooth_field(rng, frame.shape, frame.spacing_mm, 6.0)
    for path, size in ((up, 24.0), (across, 19.0), (down, 14.5)):
        path = path + rng.normal(0, 5, path.shape)
        curve = spline(path, 3.0)
        along = np.linspace(0, 1, len(curve))
        phase, pouches = rng.uniform(0, 6), rng.uniform(5.0, 7.5)
        width = size * rng.uniform(0.78, 1.12)
        # Haustra: pouches parted by sharp folds.
        pouch = (
            0.84 + 0.18 * np.abs(np.sin(np.pi * along * pouches + phase)) + 0.04 * np.sin(31 * along + phase)
        )
        breaks = np.sort(rng.uniform(0.25, 0.75, 1))
        start = 0.0
        for stop in (*breaks, 1.0):
            some = (along >= start - 0.02) & (along <= stop + 0.02)
            start = stop
            kind = rng.uniform()
            slack = 0.62 if kind > 0.85 else 1.0
            piece = tube(frame, curve[some], (width * pouch * slack)[some])
            wall = torso.cavity[piece.box] + np.float32(1.5)
            outline = canvas.free(piece.box, np.maximum(piece.distance, wall), rng.uniform(0.4, 2.2))
            texture = lump[piece.box]
            if kind < 0.55:
                hu: float | Field = (
                    float(rng.normal(20, 25)) + 40 * texture - 480 * np.clip(texture - 0.55, 0, 1)
                )
                gas = float(rng.choice([0, 0, 0.2, 0.35]))
            elif kind < 0.85:
                hu, gas = float(rng.normal(15, 15)), float(rng.uniform(0.55, 1.0))
            else:
                hu, gas = tissue.pancreas - 4 + float(rng.normal(0, 9)), 0.0
            _paint_hollow(canvas, piece, outline, Filling(hu, gas, 2.2, tissue.bowel_wall - 8))


def paint_small_bowel(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, traits: PhantomTraits, torso: Torso
) -> None:
    """34 to 49 loops: jejunum at the upper left, also beside the pancreas, ileum below and to the right."""
    frame = canvas.frame
    count = int(rng.integers(34, 50))
    for placed in range(count):
        if placed < count // 4:
            centre = np.array([rng.uniform(20, 88), rng.uniform(-62, 8), rng.uniform(-45, 8)])
        else:
            centre = np.array([rng.uniform(-86, 90), rng.uniform(-80, 12), rng.uniform(-150, -28)])
        heading = rng.normal(0, [1, 0.7, 0.8])
        heading /= np.linalg.norm(heading) + 1e-6
        bend = np.cross(heading, rng.normal(0, 1, 3))
        bend /= np.linalg.norm(bend) + 1e-6
        half, arch = rng.uniform(20, 38), rng.uniform(8, 26)
        path = np.stack(
            [centre + heading * half * t + bend * arch * (t * t - 0.5) for t in (-1.0, -0.5, 0.0, 0.5, 1.0)]
        )
        path += rng.normal(0, 3, path.shape)
        radius = rng.uniform(8.0, 12.5)
        curve = spline(path, 3.5)
        ripple = 1 + 0.07 * np.sin(np.arange(len(curve)) * rng.uniform(0.8, 1.6))
        piece = tube(frame, curve, radius * ripple)
        wall = np.maximum(torso.cavity[piece.box], torso.below_diaphragm[piece.box]) + np.float32(2)
        outline = canvas.free(piece.box, np.maximum(piece.distance, wall), rng.uniform(-0.4, 2.0))
        _paint_hollow(canvas, piece, outline, _loop_filling(rng, tissue, traits, 0.12))
