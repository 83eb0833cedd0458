"""How far the mean position alone finds the pancreas of the phantoms: it must not be learnable by heart.

Run from the project's root: `python tests/soak/phantom_prior.py [seeds]`. Exits 1 when a bound is broken.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from model.phantoms import make_abdomen

POSITION_BOUND = 0.40
WITH_GREY_BOUND = 0.50
GREY_WINDOW_HU = 25


def best_dice(masks: list[np.ndarray], allowed: list[np.ndarray] | None = None) -> float:
    """Best mean Dice over thresholds of the mean mask; `allowed`, if given, says which voxels may count."""
    mean = np.mean([m.astype(np.float32) for m in masks], axis=0)
    best = 0.0
    for threshold in np.linspace(0.02, 0.9, 45):
        guess = mean >= threshold
        scores = []
        for i, mask in enumerate(masks):
            found = guess & allowed[i] if allowed is not None else guess
            scores.append(2 * (found & mask).sum() / max(found.sum() + mask.sum(), 1))
        best = max(best, float(np.mean(scores)))
    return best


def main() -> int:
    """Print the two figures and volumes over the seeds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    masks, greys, volumes, seconds = [], [], [], []
    for seed in range(count):
        start = time.perf_counter()
        phantom = make_abdomen(seed)
        seconds.append(time.perf_counter() - start)
        mask = phantom.labels == 1
        true_hu = float(np.median(phantom.values[mask]))
        masks.append(mask)
        greys.append(np.abs(phantom.values - true_hu) <= GREY_WINDOW_HU)
        millilitres = np.prod(phantom.spacing) / 1000
        volumes.append([int((phantom.labels == k).sum()) * millilitres for k in range(1, 5)])
    table = np.array(volumes)
    for i, name in enumerate(("pancreas", "liver", "spleen", "kidneys")):
        column = table[:, i]
        print(f"{name}: median {np.median(column):.0f} mL, {column.min():.0f} to {column.max():.0f}")
    position, grey = best_dice(masks), best_dice(masks, greys)
    print(f"seconds each: median {np.median(seconds):.2f}, max {max(seconds):.2f}")
    print(f"pancreas Dice from position alone {position:.3f} (bound {POSITION_BOUND})")
    print(f"pancreas Dice with the true HU ±{GREY_WINDOW_HU} {grey:.3f} (bound {WITH_GREY_BOUND})")
    return 0 if position <= POSITION_BOUND and grey <= WITH_GREY_BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
