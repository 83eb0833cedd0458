"""Times a training step of the networks of the registry against each other, taking turns: what a gate costs.

Run it as `PYTHONPATH=. python tests/bench/step_time.py [REPEATS]` on a machine that does nothing else. Two patches
of 32×48×32, widths 16 to 128, three classes, as the hippocampus recipe has them; forward, loss, backward, AdamW.
"""

from __future__ import annotations

import sys
import time
from statistics import median

import torch

from model.networks import build
from model.training.losses import DiceCrossEntropy

NAMES = ("unet", "attention-unet", "attention-unet-multi")


def main(repeats: int) -> None:
    """Prints the median time of a step of each network, and its ratio to the plain one's."""
    torch.manual_seed(0)
    x = torch.randn(2, 1, 32, 48, 32).contiguous(memory_format=torch.channels_last_3d)
    target = torch.randint(0, 3, (2, 32, 48, 32))
    loss_of = DiceCrossEntropy((1.0, 1.0, 1.0))
    networks = {
        name: build(name, widths=(16, 32, 64, 128), classes=3).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        for name in NAMES
    }
    optimizers = {name: torch.optim.AdamW(network.parameters()) for name, network in networks.items()}
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    for turn in range(repeats + 1):
        for name, network in networks.items():
            began = time.perf_counter()
            loss = loss_of(network(x), target)
            optimizers[name].zero_grad()
            loss.backward()
            optimizers[name].step()
            if turn > 0:
                seconds[name].append(time.perf_counter() - began)
    print(f"{torch.get_num_threads()} threads, medians of {repeats}")
    for name in NAMES:
        print(
            f"{name:20}  {median(seconds[name]):.3f} s  {median(seconds[name]) / median(seconds['unet']):.3f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
