"""The great vessels, and the course of the pancreas that they follow; no organ is filled here."""

# ruff: noqa: RUF005  (sums of a point and an offset, not joined lists)
from __future__ import annotations

import numpy as np

from model.phantoms.anatomy import PhantomTraits, Tissue
from model.phantoms.shapes import Canvas, Points, spline, tube
from model.phantoms.texture import Field

# Head low, head, head high, neck, body, body, tail, tip: x, y, z in mm, the four common forms.
_FORMS: dict[str, list[tuple[float, float, float]]] = {
    "oblique": [
        (-36, -6, -32),
        (-36, -11, -16),
        (-30, -18, -4),
        (-9, -30, 4),
        (14, -33, 15),
        (41, -21, 24),
        (67, 6, 32),
        (84, 25, 40),
    ],
    "horizontal": [
        (-36, -6, -30),
        (-37, -11, -14),
        (-31, -19, -2),
        (-9, -31, 4),
        (14, -33, 6),
        (41, -20, 7),
        (68, 7, 12),
        (84, 26, 20),
    ],
    "sigmoid": [
        (-36, -6, -32),
        (-36, -12, -15),
        (-29, -20, -2),
        (-9, -31, 9),
        (14, -32, 22),
        (41, -20, 23),
        (66, 6, 14),
        (84, 25, 15),
    ],
    "horseshoe": [
        (-36, -6, -30),
        (-36, -12, -13),
        (-30, -20, 2),
        (-10, -31, 14),
        (14, -33, 22),
        (41, -20, 19),
        (64, 8, 5),
        (74, 27, -9),
    ],
}


def pancreas_course(rng: np.random.Generator, traits: PhantomTraits) -> Points:
    """Eight control points (x, y, z mm) from the lower head to the tip of the tail, moved at random."""
    course = np.array(_FORMS[traits.pancreas_form], dtype=float)
    along = np.linspace(0, 1, len(course))
    course += rng.normal(0, [4.5, 3, 7])
    # The tail is the freest part; the neck is held by the vein.
    swing = rng.normal(0, [4, 7, 12])
    course += np.outer(np.clip(along - 0.35, 0, 1) ** 1.2 * 1.5, swing)
    course += rng.normal(0, [2.2, 3.0, 3.2], course.shape)
    return course


def _line(
    canvas: Canvas,
    points: list[list[float]] | Points,
    radii: list[float],
    hu: float | Field,
    claim: bool = True,
    flat_yz: tuple[float, float] = (1.0, 1.0),
) -> None:
    control = np.asarray(points, dtype=float)
    curve = spline(control, 2.5)
    r = np.interp(np.linspace(0, 1, len(curve)), np.linspace(0, 1, len(radii)), radii)
    line = tube(canvas.frame, curve, r, flat_yz, margin=6 if claim else 3)
    canvas.paint(line.box, line.distance, hu, claim=claim)


def paint_great_vessels(
    rng: np.random.Generator, canvas: Canvas, tissue: Tissue, traits: PhantomTraits, course: Points
) -> None:
    """Aorta, cava, coeliac trunk, mesenteric vessels, portal and splenic vein."""
    j = rng.normal(0, 2.5, (4, 3))
    a = rng.uniform(8.2, 11.0)
    fork = -92 + rng.normal(0, 7)
    aorta = np.array([[14, 26, 210], [12, 22, 120], [7, 12, 45], [4, 9, -20], [3, 11, fork]], dtype=float)
    aorta[:, 0] += j[0, 0]
    _line(canvas, aorta, [a * 1.2, a * 1.12, a, a * 0.9, a * 0.82], tissue.aorta)
    for side in (-1, 1):
        x = aorta[-1, 0]
        _line(
            canvas,
            [[x + side * 4, 11, fork], [x + side * 22, 12, fork - 30], [x + side * 42, 4, fork - 75]],
            [6.2, 5.5, 5],
            tissue.aorta - 4,
        )
        _line(
            canvas,
            [
                [x - 16 + side * 5, 16, fork - 10],
                [x - 2 + side * 24, 20, fork - 40],
                [x + side * 44, 12, fork - 80],
            ],
            [7, 6.5, 6],
            tissue.cava_low,
        )
    c = rng.uniform(8.5, 11.5)
    _line(
        canvas,
        [[-16, 14, fork - 8], [-21, 9, -45], [-22, 8, -22]],
        [c, c * 0.9, c],
        tissue.cava_low,
        flat_yz=(1.2, 1.0),
    )
    _line(
        canvas,
        [[-22, 8, -22], [-22, 7, 15], [-23, 4, 55], [-20, -2, 92], [-18, -6, 118]],
        [c, c, c, c * 1.1, c * 1.1],
        tissue.cava_high,
        flat_yz=(1.15, 1.0),
    )
    x0 = float(np.interp(20, aorta[::-1, 2], aorta[::-1, 0]))
    _line(canvas, [[x0, 3, 30], [x0, -8, 31], [x0 + 1, -14, 33]], [4, 3.6, 3.4], tissue.aorta - 6)
    _line(
        canvas,
        [[x0, -13, 33], [x0 - 14, -19, 31], [x0 - 26, -24, 36], [x0 - 32, -26, 46]],
        [3, 2.6, 2.3, 2],
        tissue.aorta - 14,
    )
    neck, mid, tail, tip = course[3], course[4], course[6], course[7]
    sma_y = neck[1] + 19
    _line(
        canvas,
        [[x0, 2, 18], [x0, -7, 15], [x0 - 1, sma_y, -2], [x0 + 2, sma_y - 5, -45], [x0 - 4, sma_y - 14, -90]],
        [4, 3.8, 3.6, 3.2, 2.4],
        tissue.aorta - 8,
    )
    # The splenic artery winds along the upper border.
    over = np.array(
        [[x0, -13, 33], mid + [0, 4, 14], course[5] + [0, 5, 16], tail + [0, 4, 15], tip + [12, 4, 10]]
    )
    over += rng.normal(0, 3, over.shape)
    _line(canvas, over, [2.8, 2.5, 2.2, 2.0], tissue.aorta - 16)
    confluence = neck + [3, 13, 4]
    _line(
        canvas,
        [
            [x0 - 16, neck[1] + 5, -92],
            [confluence[0] - 2, neck[1] + 14, -42],
            list(confluence + [0, 1, -18]),
            list(confluence),
        ],
        [4.5, 5.2, 5.6, 6],
        tissue.portal - 6,
    )
    _line(
        canvas,
        [list(confluence), list(confluence + [-9, -2, 15]), [-30, -14, 33], [-40, -12, 44]],
        [6.6, 6.8, 6.4, 6],
        tissue.portal,
    )
    back = np.array(
        [confluence, mid + [0, 12, 1], course[5] + [-4, 11, 2], tail + [-4, 11, 2], tip + [8, 8, 6]]
    )
    if not traits.vein_follows_pancreas:
        back[1:4] += rng.normal(0, 1, 3) * [0, 2, 9] + [0, rng.uniform(1, 7), rng.choice([-8.0, 6.0])]
    back[1:] += rng.normal(0, 2.0, (4, 3))
    hu = tissue.portal - 3 if rng.uniform() < 0.8 else tissue.pancreas + rng.normal(0, 6)
    _line(canvas, back, [5.0, 4.4, 4.0, 3.4], hu)


def paint_renal_vessels(canvas: Canvas, tissue: Tissue, hilum: Points, side: int) -> None:
    """Artery and vein of one kidney, from `hilum` (x, y, z mm); `side` is −1 right, +1 left."""
    hx, hy, hz = hilum
    _line(
        canvas,
        [[4, 9, hz + 6], [side * 18, 16, hz + 4], [hx * 0.75, hy - 4, hz + 2], [hx, hy, hz + 1]],
        [2.8, 2.6, 2.5, 2.2],
        tissue.aorta - 12,
    )
    start = [-20.0, 6.0, hz + 6] if side < 0 else [-14.0, -2.0, hz + 8]
    bend = [side * 30, 6, hz + 4] if side < 0 else [10, -5, hz + 7]
    _line(
        canvas,
        [start, bend, [hx * 0.8, hy - 10, hz], [hx, hy - 3, hz - 2]],
        [4.8, 4.4, 4.2, 3.8],
        tissue.cava_high + 12,
    )


def paint_mesenteric_twigs(rng: np.random.Generator, canvas: Canvas, tissue: Tissue, course: Points) -> None:
    """Small arteries and veins in the mesenteric fat; later bowel draws over their ends."""
    root = course[3] + [4, 12, -22]
    for i in range(26):
        low = root + [rng.normal(0, 5), rng.normal(-4, 4), -rng.uniform(0, 75)]
        end = np.array([rng.uniform(-85, 90), rng.uniform(-75, 5), rng.uniform(-125, -15)])
        middle = (low + end) / 2 + rng.normal(0, 8, 3)
        hu = tissue.portal - 15 if i % 2 else tissue.aorta - 35
        _line(canvas, np.vstack([low, middle, end]), [2.2, 1.5, 0.9], hu, claim=False)
