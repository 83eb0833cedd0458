"""The segmentation networks by name: what a bundle or a training run asks for, and nothing about scans or files.

This package file stays free of torch, so that a bundle can be described without loading it; the modules
beside it (`blocks`, `attention_unet`, `unet`, `registry`, `interventions`, `reestimation`) are torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.networks.config import Upsampling
    from model.networks.network import SegmentationNetwork

NAMES = ("unet", "attention-unet", "attention-unet-multi", "unet-wide")
PUBLISHED_WIDTHS = (16, 32, 64, 128, 256)


def build(
    name: str,
    *,
    widths: Sequence[int] = PUBLISHED_WIDTHS,
    classes: int = 4,
    channels: int = 1,
    deep_supervision: bool = True,
    gating_channels: int | None = None,
    dims: int = 3,
    psi_bias_start: float | None = None,
    strides: Sequence[Sequence[int]] | None = None,
    kernels: Sequence[Sequence[int]] | None = None,
    upsampling: Upsampling = "trilinear",
) -> SegmentationNetwork:
    """A freshly initialised network of the registry.

    Args:
        name: one of `NAMES`.
        widths: channels per scale, finest first; one pooling between neighbours.
        classes: number of output channels, background included.
        channels: number of input channels.
        deep_supervision: fuse one side head per decoder scale (the published output) instead of a plain 1³ head.
        gating_channels: channels of the gating signal made from the bottleneck; None takes the bottleneck's own.
        dims: 2 or 3.
        psi_bias_start: initial bias of every psi; None leaves torch's default.
        strides: per pooling, its stride along (z,) y, x; None is 2 everywhere.
        kernels: per scale, the kernel of its convolutions along (z,) y, x; None is 3 everywhere.
        upsampling: how the decoder doubles its grid: "trilinear" as published (bilinear in 2-D), or "transposed",
            an option of ours: a learnt transposed convolution whose kernel is its stride. A bundle does not say
            which, so a network with transposed convolutions cannot be shipped as one.

    Raises:
        ValueError: for an unknown name or a configuration that makes no network.
    """
    from model.networks.config import NetworkConfig
    from model.networks.registry import build_network

    config = NetworkConfig(
        widths=tuple(widths),
        classes=classes,
        channels=channels,
        deep_supervision=deep_supervision,
        gating_channels=gating_channels,
        dims=dims,
        psi_bias_start=psi_bias_start,
        strides=None if strides is None else tuple(tuple(stride) for stride in strides),
        kernels=None if kernels is None else tuple(tuple(kernel) for kernel in kernels),
        upsampling=upsampling,
    )
    return build_network(name, config)
