"""The parts of the Attention U-Net, each under the name the paper gives it; how they are wired is not here.

Oktay et al. 2018, "Attention U-Net: Learning Where to Look for the Pancreas" (arXiv 1804.03999), with the
details of the authors' code. Tensors are (batch, channel, [z,] y, x). Every resize keeps true voxel grids
(`align_corners=False`), where the authors' torch of 2018 aligned corners: so a shift of the scan is a shift of
every coefficient, and a coefficient has a place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

_NORMALISATIONS = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_POOLINGS = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_INTERPOLATIONS = {2: "bilinear", 3: "trilinear"}


class GateCoefficients(NamedTuple):
    """The attention coefficients one gate applied, on their own grid.

    `level` counts skips from 1, the finest (which no gate weighs); skip L has stride 2^(L-1) voxels of the
    input and its `alpha`, shape (batch, 1, [z,] y, x) in [0, 1], has stride 2^L. `gate` counts from 1.
    """

    level: int
    gate: int
    alpha: Tensor


GateIntervention = Mapping[tuple[int, int], "Tensor | float"]
"""(level, gate) -> what stands in for that gate's alpha: a constant, or a tensor that broadcasts to it."""


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that decides a network's shape; `model.networks.build` says what each field means."""

    widths: tuple[int, ...]
    classes: int = 4
    channels: int = 1
    deep_supervision: bool = True
    gating_channels: int | None = None
    dims: int = 3
    psi_bias_start: float | None = None
    strides: tuple[tuple[int, ...], ...] | None = None
    kernels: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        if self.dims not in _INTERPOLATIONS:
            raise ValueError(f"A network has 2 or 3 dimensions, not {self.dims}.")
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(f"Widths {self.widths} make no U-Net: give at least two positive widths.")
        if self.classes < 2 or self.channels < 1:
            raise ValueError(f"{self.channels} channels and {self.classes} classes make no network.")
        if self.strides is not None and len(self.strides) != len(self.widths) - 1:
            raise ValueError(
                f"{len(self.strides)} strides for {len(self.widths)} widths: give one per pooling."
            )
        if self.kernels is not None and len(self.kernels) != len(self.widths):
            raise ValueError(
                f"{len(self.kernels)} kernels for {len(self.widths)} widths: give one per scale."
            )
        if any(len(step) != self.dims for step in (*(self.strides or ()), *(self.kernels or ()))):
            raise ValueError(f"Strides and kernels need {self.dims} numbers each.")
        if any(size % 2 == 0 for kernel in self.kernels or () for size in kernel):
            raise ValueError("Kernels have odd sizes, or a convolution would move the grid.")

    def stride(self, level: int) -> tuple[int, ...]:
        """Stride of the pooling below scale `level` (from 1)."""
        return (2,) * self.dims if self.strides is None else self.strides[level - 1]

    def kernel(self, level: int) -> tuple[int, ...]:
        """Kernel of the convolutions at scale `level` (from 1)."""
        return (3,) * self.dims if self.kernels is None else self.kernels[level - 1]

    @property
    def total_stride(self) -> tuple[int, ...]:
        """Input voxels per bottleneck voxel, per axis."""
        total = [1] * self.dims
        for level in range(1, len(self.widths)):
            total = [t * s for t, s in zip(total, self.stride(level), strict=True)]
        return tuple(total)


class SegmentationNetwork(nn.Module):
    """What every registered network offers: logits and coefficients for an input of any size."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels per scale, finest first."""
        return self.config.widths

    @property
    def coarsest_stride(self) -> int:
        """Voxels of the input per voxel of the bottleneck, the largest over the axes."""
        return max(self.config.total_stride)

    @property
    def gated_levels(self) -> tuple[int, ...]:
        """The skip levels that a gate weighs, finest first."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Logits (batch, class, [z,] y, x) on the grid of `x` (batch, channel, [z,] y, x)."""
        return self.forward_with_attention(x)[0]

    def forward_with_attention(
        self, x: Tensor, interventions: GateIntervention | None = None
    ) -> tuple[Tensor, tuple[GateCoefficients, ...]]:
        """Logits, and the coefficients of every gate, finest level first.

        Args:
            x: (batch, channel, [z,] y, x), any size; it is padded at its far ends inside.
            interventions: per (level, gate) what stands in for that gate's alpha; the gates above it see the
                change (the total effect). A tensor must broadcast to alpha on the padded grid.

        Returns:
            Logits on the grid of `x`, and coefficients whose alpha of level L covers `x` with
            ceil(size / 2^L) voxels. Where a gate was intervened on, its alpha is the replacement.

        Raises:
            ValueError: for an intervention on a gate that does not exist.
        """
        raise NotImplementedError


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Linear interpolation of `x` to spatial `size`, voxel borders kept (no aligned corners)."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return functional.interpolate(x, size=tuple(size), mode=_INTERPOLATIONS[x.dim() - 2], align_corners=False)


def pad_to_multiple(x: Tensor, multiples: Sequence[int]) -> Tensor:
    """Repeat the last slices of `x` until every axis is a multiple of `multiples`.

    Only the far ends grow, so voxel 0 stays voxel 0 and coefficients keep their grid.
    """
    missing = [-size % multiple for size, multiple in zip(x.shape[2:], multiples, strict=True)]
    if not any(missing):
        return x
    return functional.pad(x, [side for extra in reversed(missing) for side in (0, extra)], mode="replicate")


def crop(x: Tensor, size: Sequence[int]) -> Tensor:
    """The first `size` voxels of `x` along each spatial axis."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return x[(slice(None), slice(None), *(slice(0, length) for length in size))]


Convolution = nn.Conv2d | nn.Conv3d


def convolution(inputs: int, outputs: int, kernel: tuple[int, ...]) -> Convolution:
    """A 2-D or 3-D convolution with bias that keeps the grid (its kernel has odd sizes)."""
    if len(kernel) == 2:
        return nn.Conv2d(inputs, outputs, (kernel[0], kernel[1]), padding=(kernel[0] // 2, kernel[1] // 2))
    z, y, x = kernel
    return nn.Conv3d(inputs, outputs, (z, y, x), padding=(z // 2, y // 2, x // 2))


def pointwise(dims: int, inputs: int, outputs: int) -> Convolution:
    """A 1³ convolution with bias."""
    return convolution(inputs, outputs, (1,) * dims)


def strided(channels: int, stride: tuple[int, ...]) -> Convolution:
    """A convolution without bias whose kernel is its stride: 2³ with stride 2 where the stride is 2."""
    if len(stride) == 2:
        return nn.Conv2d(channels, channels, (stride[0], stride[1]), (stride[0], stride[1]), bias=False)
    z, y, x = stride
    return nn.Conv3d(channels, channels, (z, y, x), (z, y, x), bias=False)


class ConvBlock(nn.Sequential):
    """Twice: 3³ convolution with bias, BatchNorm, ReLU."""

    def __init__(self, config: NetworkConfig, level: int, inputs: int, outputs: int) -> None:
        kernel, normalisation = config.kernel(level), _NORMALISATIONS[config.dims]
        super().__init__(
            convolution(inputs, outputs, kernel),
            normalisation(outputs),
            nn.ReLU(inplace=True),
            convolution(outputs, outputs, kernel),
            normalisation(outputs),
            nn.ReLU(inplace=True),
        )


class Encoder(nn.Module):
    """The contracting path: a `ConvBlock` per scale with max-pooling between; returns every scale, finest first."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        inputs = (config.channels, *config.widths[:-1])
        self.blocks = nn.ModuleList(
            ConvBlock(config, level, before, after)
            for level, (before, after) in enumerate(zip(inputs, config.widths, strict=True), start=1)
        )
        self.pools = nn.ModuleList(
            _POOLINGS[config.dims](config.stride(level)) for level in range(1, len(config.widths))
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every scale of `x`, finest first."""
        scales = [self.blocks[0](x)]
        for pooling, block in zip(self.pools, list(self.blocks)[1:], strict=True):
            scales.append(block(pooling(scales[-1])))
        return scales


class UpBlock(nn.Module):
    """Decoder step: the coarser feature resized to the skip's grid, concatenated after it, then a `ConvBlock`."""

    def __init__(self, config: NetworkConfig, level: int) -> None:
        super().__init__()
        skip, coarser = config.widths[level - 1], config.widths[level]
        self.convs = ConvBlock(config, level, skip + coarser, skip)

    def forward(self, skip: Tensor, coarser: Tensor) -> Tensor:
        """The decoder feature on the grid of `skip`."""
        result: Tensor = self.convs(torch.cat([skip, resize(coarser, skip.shape[2:])], dim=1))
        return result


class GatingSignal(nn.Sequential):
    """The gating signal g of the deepest skip: ReLU(BN(1³ convolution of the bottleneck))."""

    def __init__(self, dims: int, inputs: int, outputs: int) -> None:
        super().__init__(
            pointwise(dims, inputs, outputs), _NORMALISATIONS[dims](outputs), nn.ReLU(inplace=True)
        )


class AttentionGate(nn.Module):
    """One additive gate (Oktay 2018, eq. 1 and 2, and figure 2).

    q_att = psi^T ReLU(theta x + phi g + b) + b_psi, alpha = sigmoid(q_att), and the output is W(alpha * x).
    theta strides like the pooling below the skip, so alpha lives on the next coarser grid; F_int is the
    skip's own number of channels. b is the bias of phi.
    """

    def __init__(self, config: NetworkConfig, level: int, gating_channels: int) -> None:
        super().__init__()
        dims, skip, stride = config.dims, config.widths[level - 1], config.stride(level)
        self.theta = strided(skip, stride)
        self.phi = pointwise(dims, gating_channels, skip)
        self.psi = pointwise(dims, skip, 1)
        self.W = nn.Sequential(pointwise(dims, skip, skip), _NORMALISATIONS[dims](skip))

    def coefficients(self, x: Tensor, g: Tensor) -> Tensor:
        """Alpha of skip `x` under gating `g`: shape (batch, 1, [z,] y, x) on theta's grid, in [0, 1]."""
        theta_x = self.theta(x)
        phi_g = resize(self.phi(g), theta_x.shape[2:])
        q_att = self.psi(functional.relu(theta_x + phi_g))
        return torch.sigmoid(q_att)

    def forward(
        self, x: Tensor, g: Tensor, replacement: Tensor | float | None = None
    ) -> tuple[Tensor, Tensor]:
        """The weighed skip and the alpha that weighed it; a `replacement` takes the place of the gate's own alpha."""
        alpha = self.coefficients(x, g)
        if replacement is not None:
            alpha = torch.as_tensor(replacement, dtype=alpha.dtype, device=alpha.device).expand_as(alpha)
        return self.W(resize(alpha, x.shape[2:]) * x), alpha


class GatedSkip(nn.Module):
    """The gates of one skip and `combine`, which fuses their outputs: 1³ convolution, BatchNorm, ReLU."""

    def __init__(self, config: NetworkConfig, level: int, gating_channels: int, gates: int) -> None:
        super().__init__()
        width = config.widths[level - 1]
        self.gates = nn.ModuleList(AttentionGate(config, level, gating_channels) for _ in range(gates))
        self.combine = nn.Sequential(
            pointwise(config.dims, gates * width, width),
            _NORMALISATIONS[config.dims](width),
            nn.ReLU(inplace=True),
        )

    def forward(
        self, x: Tensor, g: Tensor, replacements: Sequence[Tensor | float | None]
    ) -> tuple[Tensor, list[Tensor]]:
        """The skip `x` as every gate weighed it, fused, and each gate's alpha."""
        weighed, alphas = zip(
            *(gate(x, g, replacement) for gate, replacement in zip(self.gates, replacements, strict=True)),
            strict=True,
        )
        return self.combine(torch.cat(weighed, dim=1)), list(alphas)


class Output(nn.Module):
    """From decoder features to logits: side heads of every scale resized, concatenated and fused ("deep
    supervision" of the authors' code, with one loss), or a plain 1³ head on the finest scale.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        scales = config.widths[:-1] if config.deep_supervision else config.widths[:1]
        self.heads = nn.ModuleList(pointwise(config.dims, width, config.classes) for width in scales)
        self.fuse = (
            pointwise(config.dims, config.classes * len(scales), config.classes)
            if config.deep_supervision
            else nn.Identity()
        )

    def forward(self, decoded: Sequence[Tensor]) -> Tensor:
        """Logits on the finest grid; `decoded` holds decoder features, finest first."""
        size = decoded[0].shape[2:]
        side = [resize(head(feature), size) for head, feature in zip(self.heads, decoded, strict=False)]
        logits: Tensor = self.fuse(torch.cat(side, dim=1))
        return logits


def initialise(network: nn.Module, psi_bias_start: float | None) -> None:
    """The authors' start: convolutions Kaiming normal (fan_in, a = 0), BatchNorm gamma N(1, 0.02) and beta 0;
    biases of convolutions stay as torch made them, but for psi's where `psi_bias_start` is given.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            nn.init.kaiming_normal_(module.weight, a=0, mode="fan_in")
        elif isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
    if psi_bias_start is None:
        return
    for module in network.modules():
        if isinstance(module, AttentionGate) and module.psi.bias is not None:
            nn.init.constant_(module.psi.bias, psi_bias_start)
