"""Which name makes which network; the networks themselves are in `attention_unet` and `unet`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from model.networks import NAMES
from model.networks.attention_unet import AttentionUNet
from model.networks.config import NetworkConfig
from model.networks.network import SegmentationNetwork
from model.networks.unet import UNet

# 16..256 becomes 16, 33, 66, 132, 264: 6.26 million parameters, as many as the gated network's 6.21 million,
# so that a gain of the gates cannot be put down to size.
_WIDER = 1.03


def _single(config: NetworkConfig) -> AttentionUNet:
    return AttentionUNet(config, gates=1)


def _multi(config: NetworkConfig) -> AttentionUNet:
    return AttentionUNet(config, gates=2)


def _wide(config: NetworkConfig) -> UNet:
    return UNet(replace(config, widths=tuple(round(width * _WIDER) for width in config.widths)))


_MAKERS: dict[str, Callable[[NetworkConfig], SegmentationNetwork]] = dict(
    zip(NAMES, (UNet, _single, _multi, _wide), strict=True)
)


def build_network(name: str, config: NetworkConfig) -> SegmentationNetwork:
    """The network registered as `name`, freshly initialised from torch's random state.

    Raises:
        ValueError: if the name is not registered.
    """
    if name not in _MAKERS:
        raise ValueError(f"There is no network '{name}'; choose one of {', '.join(NAMES)}.")
    return _MAKERS[name](config)
