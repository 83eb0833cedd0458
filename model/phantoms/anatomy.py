"""What is drawn about one phantom patient before any voxel: traits, tissue HU and habitus; no geometry.

HU and their spread follow docs/phantoms.md, which cites the literature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class PhantomTraits:
    """What was drawn for one phantom, for captions and for searching seeds."""

    phase: Literal["none", "arterial", "pancreatic", "portal"]
    """Contrast phase in words; `phase_position` is the number behind it."""
    phase_position: float
    """0 late arterial … 1 portal venous; meaningless without contrast."""
    missing_kidney: Literal["", "left", "right"]
    oral_contrast: bool
    fatty_liver: bool
    pancreas_form: Literal["oblique", "horizontal", "sigmoid", "horseshoe"]
    pancreas_ml: float
    vein_follows_pancreas: bool
    """Whether the splenic vein runs in its usual place behind the pancreas."""
    scale: float


@dataclass(frozen=True)
class Tissue:
    """Mean HU of each tissue of one patient."""

    fat: float
    muscle: float
    liver: float
    spleen: float
    pancreas: float
    cortex: float
    medulla: float
    aorta: float
    cava_low: float
    cava_high: float
    portal: float
    hepatic_vein: float
    bowel_wall: float
    marrow: float
    heart_wall: float


@dataclass(frozen=True)
class Habitus:
    """Build of the body in mm: skin half axes and the thickness of subcutaneous fat."""

    half_width: float
    half_depth: float
    fat_side: float
    fat_front: float
    fat_back: float
    muscle_bulk: float


def draw_traits(rng: np.random.Generator) -> PhantomTraits:
    """Draw the traits of one patient."""
    contrast = rng.uniform() >= 0.10
    position = float(rng.uniform())
    named: Literal["arterial", "pancreatic", "portal"] = (
        "arterial" if position < 0.25 else "pancreatic" if position < 0.6 else "portal"
    )
    missing = rng.uniform()
    form = rng.choice(4, p=[0.5, 0.2, 0.15, 0.15])
    volume = float(np.clip(np.exp(rng.normal(np.log(72), 0.25)), 45, 106))
    return PhantomTraits(
        phase=named if contrast else "none",
        phase_position=position,
        missing_kidney="left" if missing < 0.03 else "right" if missing < 0.06 else "",
        oral_contrast=bool(rng.uniform() < 0.22),
        fatty_liver=bool(rng.uniform() < 0.15),
        pancreas_form=("oblique", "horizontal", "sigmoid", "horseshoe")[int(form)],
        pancreas_ml=volume,
        vein_follows_pancreas=bool(rng.uniform() < 0.6),
        scale=float(rng.uniform(0.90, 1.07)),
    )


def draw_tissue(rng: np.random.Generator, traits: PhantomTraits) -> Tissue:
    """Draw mean HU; with contrast a continuous mix of late arterial (0) and portal venous (1)."""
    p = traits.phase_position

    def mix(early: float, late: float, plain: float, sd: float) -> float:
        mean = plain if traits.phase == "none" else early + (late - early) * p
        return float(mean + rng.normal(0, sd))

    liver = mix(78, 112, 57, 5) - (26 if traits.fatty_liver else 0)
    aorta = mix(290, 150, 42, 12 if traits.phase != "none" else 3)
    return Tissue(
        fat=float(rng.normal(-104, 4)),
        muscle=mix(60, 64, 55, 4),
        liver=liver,
        spleen=mix(126, 120, 49, 6),
        pancreas=mix(112, 92, 40, 7),
        cortex=mix(200, 172, 34, 9 if traits.phase != "none" else 2),
        medulla=mix(85, 158, 31, 8 if traits.phase != "none" else 2),
        aorta=aorta,
        cava_low=mix(58, 104, 41, 8),
        cava_high=mix(118, 132, 42, 8),
        portal=mix(105, 168, 41, 9 if traits.phase != "none" else 3),
        hepatic_vein=liver + (mix(-8, 38, -8, 6)),
        bowel_wall=mix(88, 76, 38, 7),
        marrow=float(rng.normal(150, 30)),
        heart_wall=mix(100, 104, 46, 6),
    )


def draw_habitus(rng: np.random.Generator) -> Habitus:
    """Draw the build: from slim (8 mm of fat) to stout (38 mm)."""
    stout = float(rng.uniform())
    return Habitus(
        half_width=float(143 + 20 * stout + rng.normal(0, 5)),
        half_depth=float(106 + 15 * stout + rng.normal(0, 3.5)),
        fat_side=float(8 + 16 * stout + rng.uniform(0, 5)),
        fat_front=float(8 + 18 * stout + rng.uniform(0, 8)),
        fat_back=float(9 + 16 * stout + rng.uniform(0, 8)),
        muscle_bulk=float(rng.uniform(0.85, 1.15)),
    )
