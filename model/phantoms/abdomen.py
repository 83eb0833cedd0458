"""Seeded abdominal CT-like volumes with exact labels, for demo, tests and training; never a person.

`make_abdomen` draws one phantom. The parts: `anatomy` (what is drawn about the patient), `torso`, `skeleton`,
`vessels`, `organs`, `bowel` (where it lies), `shapes` and `texture` (how it is painted).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.phantoms.anatomy import PhantomTraits, draw_habitus, draw_tissue, draw_traits
from model.phantoms.bowel import paint_colon, paint_duodenum, paint_small_bowel, paint_stomach
from model.phantoms.organs import paint_gallbladder, paint_kidneys, paint_liver, paint_pancreas, paint_spleen
from model.phantoms.shapes import FAR_MM, Canvas, Frame, make_frame
from model.phantoms.skeleton import paint_skeleton
from model.phantoms.texture import finish
from model.phantoms.torso import build_torso
from model.phantoms.vessels import paint_great_vessels, paint_mesenteric_twigs, pancreas_course

ABDOMEN_LABELS: tuple[tuple[int, str], ...] = ((1, "pancreas"), (2, "liver"), (3, "spleen"), (4, "kidneys"))

WARP_SD_MM = 10.0
_STREAMS = 16


@dataclass(frozen=True)
class AbdomenPhantom:
    """One synthetic scan.

    Attributes:
        seed: what it was drawn from; equal seeds give equal voxels.
        values: int16 HU, axes z (to superior), y (to posterior), x (to the patient's left).
        labels: uint8, `ABDOMEN_LABELS`, same axes.
        spacing: millimetres along z, y, x.
        origin: LPS millimetres (x, y, z) of voxel (0, 0, 0); the direction is the identity.
        traits: what was drawn for this patient.
    """

    seed: int
    values: NDArray[np.int16]
    labels: NDArray[np.uint8]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    traits: PhantomTraits


def make_abdomen(
    seed: int, shape: tuple[int, int, int] = (96, 128, 128), spacing_mm: float = 3.0
) -> AbdomenPhantom:
    """Draw the phantom of `seed`.

    Args:
        seed: not negative.
        shape: voxels along z, y, x; the body is laid about the middle, so a small shape shows a part of it.
        spacing_mm: edge of a voxel.

    Returns:
        Values in HU and exact labels. Every part draws from its own random stream, so that a
        change in one organ does not move another.

    Raises:
        ValueError: a negative seed, an empty shape or a spacing that is not positive.
    """
    if seed < 0 or min(shape) < 1 or not spacing_mm > 0:
        raise ValueError(
            "make_abdomen needs seed >= 0, a shape of at least 1 and a spacing above 0, "
            f"not {seed}, {shape}, {spacing_mm}."
        )
    streams = [np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(_STREAMS)]
    (
        r_traits,
        r_frame,
        r_torso,
        r_bones,
        r_course,
        r_vessels,
        r_kidneys,
        r_pancreas,
        r_spleen,
        r_gallbladder,
        r_liver,
        r_stomach,
        r_duodenum,
        r_colon,
        r_bowel,
        r_finish,
    ) = streams
    traits = draw_traits(r_traits)
    tissue = draw_tissue(r_traits, traits)
    habitus = draw_habitus(r_traits)
    frame = make_frame(r_frame, shape, spacing_mm, traits.scale, WARP_SD_MM)
    canvas = Canvas(
        frame,
        np.full(shape, -1000, np.float32),
        np.zeros(shape, np.uint8),
        np.full(shape, FAR_MM, np.float32),
    )

    torso = build_torso(r_torso, canvas, tissue, habitus)
    paint_skeleton(r_bones, canvas, tissue, habitus, torso)
    course = pancreas_course(r_course, traits)
    paint_great_vessels(r_vessels, canvas, tissue, traits, course)
    paint_mesenteric_twigs(r_vessels, canvas, tissue, course)
    paint_kidneys(r_kidneys, canvas, tissue, traits)
    paint_pancreas(r_pancreas, canvas, tissue, traits, course)
    paint_gallbladder(r_gallbladder, canvas, tissue)
    paint_spleen(r_spleen, canvas, tissue, traits, torso)
    paint_liver(r_liver, canvas, tissue, traits, torso)
    paint_stomach(r_stomach, canvas, tissue, traits, torso, course)
    paint_duodenum(r_duodenum, canvas, tissue, traits, course)
    paint_colon(r_colon, canvas, tissue, traits, torso)
    paint_small_bowel(r_bowel, canvas, tissue, traits, torso)
    _paint_table(canvas, frame, habitus.half_depth)

    values = finish(
        r_finish,
        canvas.values,
        float(r_finish.uniform(0.3, 0.5)),
        float(r_finish.uniform(11, 22)),
        torso.depth,
    )
    half = [(n - 1) / 2 * spacing_mm for n in shape]
    return AbdomenPhantom(
        seed=seed,
        values=values,
        labels=canvas.labels,
        spacing=(spacing_mm, spacing_mm, spacing_mm),
        origin=(-half[2], -half[1], -half[0]),
        traits=traits,
    )


def _paint_table(canvas: Canvas, frame: Frame, half_depth: float) -> None:
    """The scanner's table: a thin hollow curve behind the patient, fixed in the scanner."""
    _, y, x = frame.world
    sheet = np.abs(y - np.float32(half_depth * 1.05 + 22) + np.float32(0.0006) * x * x) - np.float32(1.7)
    sheet = np.maximum(sheet, np.abs(x) - np.float32(175))
    outside = canvas.values < -900
    everywhere = np.broadcast_to(sheet, frame.shape)
    alpha = np.clip(np.float32(0.5) - everywhere / np.float32(frame.spacing_mm), 0, 1) * outside
    canvas.values += alpha * (np.float32(20) - canvas.values)
