"""Toy scans for trainings of seconds: a bright ball and a dark cube in noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.bundle import BundleLabel
from model.grid import Grid
from model.scan_io import write_labels, write_scan
from model.training.config import Augmentation, TrainConfig
from model.volume import Volume

SHAPE = (18, 20, 22)
BALL = BundleLabel(1, "ball", (200, 60, 60))
CUBE = BundleLabel(3, "cube", (60, 60, 200))
STILL = Augmentation(affine_share=0, elastic_share=0, intensity_share=0)


def toy_training(data: Path, out: Path, **changes: object) -> TrainConfig:
    """A training of seconds on a folder of toys, changed as the test asks."""
    settings: dict[str, object] = {
        "labels": (BALL, CUBE),
        "widths": (4, 6, 8),
        "patch": (16, 16, 16),
        "batch": 2,
        "warm_up": 4,
        "ema": 0.8,
        "augmentation": Augmentation(affine_share=0.3, elastic_share=0.3, flip_axes=(2,)),
        "threads": 1,
        "validations": 2,
    }
    return TrainConfig(data=str(data), out=out, name="toy", **(settings | changes))  # type: ignore[arg-type]


def toy(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright ball (label 1) and a dark cube (label 3) somewhere in noise."""
    random = np.random.default_rng(seed)
    z, y, x = np.indices(SHAPE)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    cz, cy, cx = random.integers(5, 8), random.integers(6, 14), random.integers(6, 16)
    labels[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= 16] = 1
    labels[12:16, cy - 3 : cy + 3, cx - 3 : cx + 3] = 3
    values = random.normal(0, 10, SHAPE) + 60 * (labels == 1) - 60 * (labels == 3)
    return values.astype(np.float32), labels


def write_toy(
    folder: Path, count: int, *, images: str = "images", labels: str = "labels", suffix: str = ""
) -> Path:
    (folder / images).mkdir(parents=True)
    (folder / labels).mkdir()
    for number in range(count):
        values, mask = toy(number)
        grid = Grid(SHAPE)
        write_scan(folder / images / f"case_{number}{suffix}.nii.gz", Volume(values, grid))
        write_labels(folder / labels / f"case_{number}.nii.gz", mask, grid)
    return folder
