"""How far a prediction in bfloat16 moves the masks of real scans: their Dice with the masks in float32.

Run it as `PYTHONPATH=. python tests/soak/precision_on_real_scans.py DATA [COUNT]` with the hippocampus data. A
processor without bfloat16 computes the same numbers slowly (a quarter of a minute a scan).
"""

from __future__ import annotations

import sys
from unittest import mock

import numpy as np

from model import devices
from model.bundle import read_bundle
from model.evaluation import held_back
from model.inference import predict
from model.metrics import dice
from model.training.data import read_case
from resources import models_folder


def main(data: str, count: int) -> None:
    """Prints mean and lowest Dice of each label over the first `count` scans that the training kept back."""
    bundle = read_bundle(models_folder() / "hippocampus-t1")
    scores = []
    for file in held_back(data, bundle.seed)[:count]:
        volume, _ = read_case(file)
        masks = []
        for precision in ("float32", "bfloat16"):
            with mock.patch.object(devices, "precision", lambda device, precision=precision: precision):
                masks.append(predict(volume, bundle, device="cpu").labels)
        scores.append([dice(masks[0] == label.value, masks[1] == label.value) for label in bundle.labels])
    for index, label in enumerate(bundle.labels):
        values = np.array(scores)[:, index]
        print(f"{label.name}: mean {values.mean():.4f}, lowest {values.min():.4f}, {len(values)} scans")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10)
