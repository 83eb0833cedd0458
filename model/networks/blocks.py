"""The parts of the Attention U-Net, each under the name the paper gives it; how they are wired is not here, and what a
whole network offers is in `network`.

Oktay et al. 2018, "Attention U-Net: Learning Where to Look for the Pancreas" (arXiv 1804.03999); Schlemper et al.
2019 (Medical Image Analysis 53) writes the same gate. Where to find what the paper says in section 2.1:

    gating signal g                                              GatingSignal
    eq. 1  q_att = psi^T sigma_1(W_x^T x + W_g^T g + b_g) + b_psi    AttentionGate.q_att (theta is W_x, phi is W_g)
    eq. 2  alpha = sigma_2(q_att)                                AttentionGate.coefficients
    x_hat = alpha · x                                            AttentionGate.x_hat
    grid resampling of the coefficients (trilinear)              resize
    deep supervision                                             Output

sigma_1 is the ReLU, sigma_2 the sigmoid. Where the authors' code differs from the paper's text, ours follows the
code: W_x is a 2³ convolution with stride 2 and no bias (text: 1³), so alpha lives on a grid half as fine as x's;
x_hat passes W (1³, BatchNorm) and then combine (1³, BatchNorm, ReLU), which no equation shows; the text starts the
gates open, the code leaves psi's bias as torch makes it (docs/decisions/0009); "deep supervision" is one loss on
side heads that a 1³ convolution fuses; and the counts are 6.21 million parameters with one gate a skip and 6.47
with two, where the text prints 6.40. One departure is ours: every resize keeps true voxel grids
(`align_corners=False`, docs/decisions/0008), where the authors' torch aligned corners.

Tensors are (batch, channel, [z,] y, x).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.networks.config import NetworkConfig
from model.networks.interventions import GateName, GateStatistics, Moments

_NORMALISATIONS = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_POOLINGS = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_INTERPOLATIONS = {2: "bilinear", 3: "trilinear"}


Choose = Callable[[GateName, Tensor], Tensor]
"""(level, gate) and its own alpha -> the alpha to weigh its skip by."""


def unchanged(name: GateName, alpha: Tensor) -> Tensor:
    """The gate's own alpha."""
    return alpha


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Linear interpolation of `x` to spatial `size`: the paper's grid resampling, voxel borders kept."""
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


def transposed_convolution(inputs: int, outputs: int, stride: tuple[int, ...]) -> nn.Module:
    """A transposed convolution with bias whose kernel is its stride, so that it tiles the finer grid."""
    if len(stride) == 2:
        return nn.ConvTranspose2d(inputs, outputs, (stride[0], stride[1]), (stride[0], stride[1]))
    z, y, x = stride
    return nn.ConvTranspose3d(inputs, outputs, (z, y, x), (z, y, x))


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
    """Decoder step: the coarser feature brought to the skip's grid, concatenated after it, then a `ConvBlock`.

    The published network interpolates. An option of ours, "transposed", learns a convolution instead, with the
    stride for its kernel and the skip's number of channels for its output.
    """

    def __init__(self, config: NetworkConfig, level: int) -> None:
        super().__init__()
        skip, coarser = config.widths[level - 1], config.widths[level]
        transposed = config.upsampling == "transposed"
        self.up = transposed_convolution(coarser, skip, config.stride(level)) if transposed else None
        self.convs = ConvBlock(config, level, skip + (skip if transposed else coarser), skip)

    def forward(self, skip: Tensor, coarser: Tensor) -> Tensor:
        """The decoder feature on the grid of `skip`."""
        up = resize(coarser, skip.shape[2:]) if self.up is None else self.up(coarser)
        result: Tensor = self.convs(torch.cat([skip, up], dim=1))
        return result


class GatingSignal(nn.Sequential):
    """The gating signal g of the deepest skip: ReLU(BN(1³ convolution of the bottleneck))."""

    def __init__(self, dims: int, inputs: int, outputs: int) -> None:
        super().__init__(
            pointwise(dims, inputs, outputs), _NORMALISATIONS[dims](outputs), nn.ReLU(inplace=True)
        )


class AttentionGate(nn.Module):
    """One additive gate (Oktay 2018, eq. 1 and 2, and figure 2); its output is W(x_hat).

    theta strides like the pooling below the skip, so alpha lives on the next coarser grid; F_int is the skip's
    own number of channels. theta is the paper's W_x, phi its W_g with the bias b_g, psi holds b_psi.
    """

    def __init__(self, config: NetworkConfig, level: int, gating_channels: int) -> None:
        super().__init__()
        dims, skip, stride = config.dims, config.widths[level - 1], config.stride(level)
        self.theta = strided(skip, stride)
        self.phi = pointwise(dims, gating_channels, skip)
        self.psi = pointwise(dims, skip, 1)
        self.W = nn.Sequential(pointwise(dims, skip, skip), _NORMALISATIONS[dims](skip))

    def q_att(self, x: Tensor, g: Tensor) -> Tensor:
        """Eq. 1: psi^T ReLU(theta x + phi g + b_g) + b_psi, of shape (batch, 1, [z,] y, x) on theta's grid."""
        theta_x = self.theta(x)
        phi_g = resize(self.phi(g), theta_x.shape[2:])
        q: Tensor = self.psi(functional.relu(theta_x + phi_g))
        return q

    def coefficients(self, x: Tensor, g: Tensor) -> Tensor:
        """Eq. 2: alpha = sigmoid(q_att) of skip `x` under gating `g`, in [0, 1]."""
        return torch.sigmoid(self.q_att(x, g))

    def x_hat(self, x: Tensor, alpha: Tensor) -> Tensor:
        """`alpha` · `x`, with `alpha` resampled to the grid of `x`."""
        return resize(alpha, x.shape[2:]) * x

    def weigh(self, x: Tensor, alpha: Tensor, moments: Moments | None = None) -> Tensor:
        """W(x_hat); with `moments` in the place of the running statistics of W's BatchNorm, where given."""
        if moments is not None:
            return normalised(self.W, self.x_hat(x, alpha), moments)
        weighed: Tensor = self.W(self.x_hat(x, alpha))
        return weighed

    def forward(self, x: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
        """The weighed skip and the alpha that weighed it."""
        alpha = self.coefficients(x, g)
        return self.weigh(x, alpha), alpha


class GatedSkip(nn.Module):
    """The gates of one skip and `combine`, which fuses their outputs: 1³ convolution, BatchNorm, ReLU."""

    def __init__(self, config: NetworkConfig, level: int, gating_channels: int, gates: int) -> None:
        super().__init__()
        width = config.widths[level - 1]
        self.level = level
        self.gates = nn.ModuleList(AttentionGate(config, level, gating_channels) for _ in range(gates))
        self.combine = nn.Sequential(
            pointwise(config.dims, gates * width, width),
            _NORMALISATIONS[config.dims](width),
            nn.ReLU(inplace=True),
        )

    def gate(self, number: int) -> AttentionGate:
        """The gate of that number, from 1."""
        return cast(AttentionGate, self.gates[number - 1])

    def weighed(self, x: Tensor, alphas: Sequence[Tensor], statistics: GateStatistics | None) -> Tensor:
        """The outputs of all gates on skip `x` beside each other, what `combine` is given."""
        known = {} if statistics is None else statistics.weighed
        outputs = [
            self.gate(number).weigh(x, alpha, known.get((self.level, number)))
            for number, alpha in enumerate(alphas, start=1)
        ]
        return torch.cat(outputs, dim=1)

    def forward(
        self, x: Tensor, g: Tensor, choose: Choose = unchanged, statistics: GateStatistics | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """The skip `x` as every gate weighed it, fused, and the alpha that `choose` made of each gate's own."""
        alphas = [
            choose((self.level, number), self.gate(number).coefficients(x, g))
            for number in range(1, len(self.gates) + 1)
        ]
        if statistics is not None and (moments := statistics.combined.get(self.level)) is not None:
            return normalised(self.combine, self.weighed(x, alphas, statistics), moments), alphas
        return self.combine(self.weighed(x, alphas, statistics)), alphas


def normalised(block: nn.Sequential, x: Tensor, moments: Moments) -> Tensor:
    """`block` (convolution, BatchNorm, …) of `x`, with `moments` for the running statistics of its BatchNorm.

    Raises:
        ValueError: if its BatchNorm was folded away.
    """
    norm = batch_norm_of(block)
    x = functional.batch_norm(
        block[0](x), moments.mean, moments.variance, norm.weight, norm.bias, training=False, eps=norm.eps
    )
    for module in list(block)[2:]:
        x = module(x)
    return x


def batch_norm_of(block: nn.Sequential) -> nn.BatchNorm2d | nn.BatchNorm3d:
    """The BatchNorm of `block`, behind its convolution; ValueError if it was folded away."""
    if len(block) < 2 or not isinstance(norm := block[1], (nn.BatchNorm2d, nn.BatchNorm3d)):
        raise ValueError(
            "The BatchNorms of this network are folded into its convolutions; re-estimated statistics need them apart."
        )
    return norm


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

    A transposed convolution, which is ours, keeps the mean square of its input, as interpolation about does.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            nn.init.kaiming_normal_(module.weight, a=0, mode="fan_in")
        elif isinstance(module, (nn.ConvTranspose2d, nn.ConvTranspose3d)):
            # With its stride for its kernel, an output voxel sees one input voxel.
            nn.init.normal_(module.weight, 0.0, module.in_channels**-0.5)
        elif isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
    if psi_bias_start is None:
        return
    for module in network.modules():
        if isinstance(module, AttentionGate) and module.psi.bias is not None:
            nn.init.constant_(module.psi.bias, psi_bias_start)
