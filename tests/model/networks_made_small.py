"""Small seeded networks and inputs in float64, for the tests of the networks and of interventions on them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.networks import build
from model.networks.network import SegmentationNetwork


def tiny(name: str = "attention-unet", *, seed: int = 0, **options: object) -> SegmentationNetwork:
    """A small network in float64 and eval mode whose BatchNorms do something."""
    torch.manual_seed(seed)
    settings: dict[str, object] = {"widths": (3, 4, 6, 8), "classes": 3} | options
    network = build(name, **settings).double()  # type: ignore[arg-type]
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
            module.running_mean.normal_(0, 0.2)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    return network.eval()


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
