"""How fast a training learns at a step, what it averages, and at which steps it does what is done now and then."""

from __future__ import annotations

import math

import torch
from torch import nn

from model.training.config import TrainConfig


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up over `warm_up` steps, then half a cosine to zero at the last step."""
    if step < config.warm_up:
        return config.learning_rate * (step + 1) / config.warm_up
    part = (step - config.warm_up) / max(1, config.steps - config.warm_up)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * part))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move every floating value of `average`, running statistics included, towards `network`'s."""
    current = network.state_dict()
    for name, kept in average.state_dict().items():
        if kept.is_floating_point():
            kept.lerp_(current[name].to(kept.dtype), 1 - decay)
        else:
            kept.copy_(current[name])


def spread(steps: int, points: int) -> tuple[int, ...]:
    """`points` step numbers from 0 to `steps`, evenly apart."""
    return tuple(sorted({round(steps * i / max(1, points - 1)) for i in range(points)}))
