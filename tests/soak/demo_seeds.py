"""Finds the demo's scans: seeds on which the shipped model shows a trait worth seeing.

    PYTHONPATH=. python tests/soak/demo_seeds.py [FIRST] [COUNT]

Prints one line a seed and, at the end, the best seed for each trait of `app.controllers.demo.DEMO_CASES`:

* easy: the highest pancreas Dice;
* leak: the largest volume wrongly taken that touches the true pancreas;
* missed tail: the lowest recall in the third of the pancreas that lies furthest to the patient's left;
* neighbour: the largest separate piece wrongly taken for pancreas.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from app.controllers.models import find_model
from app.controllers.phantoms import phantom_volume
from model.inference import predict
from model.metrics import dice

PANCREAS = 1


@dataclass(frozen=True)
class Trait:
    """What the model does on one seed: Dice, mL that leak, recall of the tail, mL of the largest stray piece."""

    seed: int
    dice: float
    leak_ml: float
    tail_recall: float
    stray_ml: float


def look_at(seed: int) -> Trait:
    volume, truth = phantom_volume(seed)
    found = predict(volume, find_model("phantom-abdomen")).labels == PANCREAS
    real = truth == PANCREAS
    ml = volume.grid.voxel_mm3 / 1000
    wrong, count = ndimage.label(found & ~real)
    beside = ndimage.binary_dilation(real, iterations=2)
    touching = set(np.unique(wrong[beside])) - {0}
    sizes = np.bincount(wrong.ravel(), minlength=count + 1)
    leak = max((int(sizes[piece]) for piece in touching), default=0)
    stray = max((int(sizes[piece]) for piece in range(1, count + 1) if piece not in touching), default=0)
    left = np.quantile(np.nonzero(real)[2], 2 / 3)
    tail = real & (np.arange(real.shape[2]) >= left)
    recall = float((found & tail).sum() / max(1, tail.sum()))
    return Trait(seed, dice(found, real), leak * ml, recall, stray * ml)


def main() -> int:
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    traits = []
    for seed in range(first, first + count):
        found = look_at(seed)
        traits.append(found)
        print(
            f"{found.seed}  Dice {found.dice:.3f}  leak {found.leak_ml:5.1f} mL  "
            f"tail recall {found.tail_recall:.2f}  stray {found.stray_ml:5.1f} mL",
            flush=True,
        )
    print("easy       ", max(traits, key=lambda t: t.dice))
    print("leak       ", max(traits, key=lambda t: t.leak_ml))
    print("missed tail", min(traits, key=lambda t: t.tail_recall))
    print("neighbour  ", max(traits, key=lambda t: t.stray_ml))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
