"""Makes a trained network faster without changing what it says: linear algebra on its weights, done once at loading.

What is linear with nothing between is multiplied together, what would only be copied is not made, and ReLU runs
inside the convolution before it where oneDNN offers that. Answers differ from the network's own by rounding.
Needs torch and `blocks` alone. What else makes a prediction fast (windows, threads, precision) is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model.networks.blocks import AttentionGate, Convolution, GatedSkip, Output, UpBlock, resize

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose2d, nn.ConvTranspose3d)
_NORMALISATIONS = (nn.BatchNorm2d, nn.BatchNorm3d)


def fold(network: nn.Module) -> None:
    """Replace the parts of `network` by faster ones that say the same, in place.

    The network must be in eval mode: there BatchNorm is linear. What it offers stays as it was: coefficients,
    interventions on gates, inputs of any size. Its parameters have other names and shapes afterwards, so it can
    be neither trained nor saved.
    """
    if network.training:
        raise ValueError("Only a network in eval mode can be folded: in training BatchNorm is not linear.")
    with torch.no_grad():
        for module in list(network.modules()):
            if isinstance(module, nn.Sequential):
                _fold_sequence(module)
        for module in list(network.modules()):
            if isinstance(module, GatedSkip):
                _merge_into_combine(module)
        _replace_parts(network)


def to_bfloat16(network: nn.Module) -> None:
    """Let a folded network compute in bfloat16, in place, but for psi and the output, which stay in float32.

    Coefficients and logits so keep their resolution; what is rounded are the features between.
    """
    precise: set[nn.Module] = {gate.psi for gate in network.modules() if isinstance(gate, AttentionGate)}
    for module in network.modules():
        if isinstance(module, (FoldedConvolution, *_TRANSPOSED)) and module not in precise:
            module.to(torch.bfloat16)


class FoldedConvolution(nn.Module):
    """A convolution with what follows it: adding `onto`, and ReLU where it has one.

    On a CPU in float32 (bfloat16 where the processor has it) all of it is one call of oneDNN, which neither
    copies channels-last features nor falls back to torch's own slower loops for 1³ kernels and one channel.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        stride: Sequence[int],
        padding: Sequence[int],
        *,
        relu: bool,
    ) -> None:
        """`weight` (output, input, [z,] y, x) and `bias` of a convolution without groups or dilation."""
        super().__init__()
        known = weight.new_zeros(len(weight)) if bias is None else bias
        self.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
        self.bias = nn.Parameter(known.detach().clone(), requires_grad=False)
        self.stride, self.padding, self.relu = [*stride], [*padding], relu

    def forward(self, x: Tensor, onto: Tensor | None = None) -> Tensor:
        """The result for `x`, added to `onto` before ReLU; `onto` is overwritten."""
        x = x.to(self.weight.dtype)
        if _fuses(x):
            one, after = [1] * len(self.stride), "relu" if self.relu else None
            shared = (x, self.weight, self.bias, self.padding, self.stride, one, 1)
            if onto is None:
                fused: Tensor = torch.ops.mkldnn._convolution_pointwise(*shared, after or "none", [], "")
            else:
                fused = torch.ops.mkldnn._convolution_pointwise_.binary(
                    onto, *shared, "add", 1.0, after, [], ""
                )
            return fused
        convolve = functional.conv2d if len(self.stride) == 2 else functional.conv3d
        result = convolve(x, self.weight, self.bias, self.stride, self.padding)
        if onto is not None:
            result += onto
        return result.relu_() if self.relu else result


class FoldedUpBlock(nn.Module):
    """`UpBlock` without its concatenation: a convolution of two things side by side is the sum of two."""

    def __init__(self, source: UpBlock) -> None:
        super().__init__()
        first, second = (part for part in source.convs if isinstance(part, FoldedConvolution))
        self.up = source.up
        of_skip, of_coarser = first.weight.tensor_split([second.weight.shape[0]], dim=1)
        self.of_skip = FoldedConvolution(of_skip, first.bias, first.stride, first.padding, relu=False)
        self.of_coarser = FoldedConvolution(of_coarser, None, first.stride, first.padding, relu=first.relu)
        self.second = second

    def forward(self, skip: Tensor, coarser: Tensor) -> Tensor:
        """The decoder feature on the grid of `skip`."""
        begun = self.of_skip(skip)
        up = resize(coarser, skip.shape[2:]) if self.up is None else self.up(coarser)
        result: Tensor = self.second(self.of_coarser(up, onto=begun))
        return result


class FoldedOutput(nn.Module):
    """`Output` with its fusing convolution applied where it is cheap: at each scale, before the resize.

    Linear interpolation commutes with a 1³ convolution, so no side head is resized, concatenated and fused on
    the full grid. Interpolation is a product with a matrix per axis, and the last axis of all scales is one
    product that also adds them up. A constant stays itself, so all of the bias goes in at the coarsest scale.
    """

    def __init__(self, source: Output) -> None:
        super().__init__()
        heads = [cast("Convolution", head) for head in source.heads]
        flat = [head.weight.flatten(1) for head in heads]
        biases = [cast(Tensor, head.bias) for head in heads]
        if isinstance(source.fuse, _CONVOLUTIONS):
            parts = source.fuse.weight.flatten(1).split([len(weight) for weight in flat], dim=1)
            bias = cast(Tensor, source.fuse.bias) + torch.cat(parts, dim=1) @ torch.cat(biases)
            flat = [part @ weight for part, weight in zip(parts, flat, strict=True)]
        else:
            bias = biases[0]
        self.weights = nn.ParameterList(nn.Parameter(weight.clone(), requires_grad=False) for weight in flat)
        self.bias = nn.Parameter(bias.clone(), requires_grad=False)

    def forward(self, decoded: Sequence[Tensor]) -> Tensor:
        """Logits on the finest grid; `decoded` holds decoder features, finest first."""
        batches = [
            self._of_one([feature[number] for feature in decoded]) for number in range(len(decoded[0]))
        ]
        return torch.stack(batches) if len(batches) > 1 else batches[0][None]

    def _of_one(self, decoded: Sequence[Tensor]) -> Tensor:
        """Logits (class, [z,] y, x) of features (channel, [z,] y, x)."""
        finest, size = decoded[0].to(self.bias.dtype).flatten(1), decoded[0].shape[1:]
        if len(self.weights) == 1:
            return torch.addmm(self.bias[:, None], self.weights[0], finest).view(-1, *size)
        parts, columns = [], []
        for number, (weight, feature) in enumerate(zip(self.weights, decoded, strict=False)):
            if number == 0:
                continue
            answer = weight @ feature.to(weight.dtype).flatten(1)
            if number == len(self.weights) - 1:
                answer = answer + self.bias[:, None]
            answer = answer.view(-1, *feature.shape[1:])
            for axis, length in enumerate(size[:-1], start=1):
                answer = _stretch(answer, axis, length)
            parts.append(answer)
            columns.append(_interpolation(feature.shape[-1], size[-1], answer).T)
        coarser: Tensor = torch.cat(parts, dim=-1) @ torch.cat(columns)
        return torch.addmm(coarser.flatten(1), self.weights[0], finest).view(-1, *size)


def _fold_sequence(block: nn.Sequential) -> None:
    """Multiply every BatchNorm into the convolution before it, and let that do the ReLU that follows."""
    for index in range(len(block) - 1):
        first, second = block[index], block[index + 1]
        if not (isinstance(first, _CONVOLUTIONS) and isinstance(second, _NORMALISATIONS)):
            continue
        third = block[index + 2] if index + 2 < len(block) else None
        relu = isinstance(third, nn.ReLU)
        block[index] = _folded(fuse_conv_bn_eval(first, second), relu=relu)
        block[index + 1] = nn.Identity()
        if relu:
            block[index + 2] = nn.Identity()


def _merge_into_combine(skip: GatedSkip) -> None:
    """W of every gate and `combine` are linear with nothing between: combine takes W's part as well."""
    combine = cast("FoldedConvolution", skip.combine[0])
    shape = combine.weight.shape
    gates = [cast("AttentionGate", gate) for gate in skip.gates]
    parts = combine.weight.flatten(1).chunk(len(gates), dim=1)
    merged = []
    for gate, part in zip(gates, parts, strict=True):
        weigh = cast("FoldedConvolution", gate.W[0])
        merged.append(part @ weigh.weight.flatten(1))
        combine.bias.add_(part @ weigh.bias)
        # What asks for W's own BatchNorm is so told that it is folded.
        gate.W = nn.Sequential(nn.Identity(), nn.Identity())
    combine.weight.copy_(torch.cat(merged, dim=1).view(shape))


def _replace_parts(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, UpBlock):
            setattr(module, name, FoldedUpBlock(child))
        elif isinstance(child, Output):
            setattr(module, name, FoldedOutput(child))
        elif isinstance(child, _CONVOLUTIONS):
            setattr(module, name, _folded(child, relu=False))
        else:
            _replace_parts(child)


def _folded(source: Convolution, *, relu: bool) -> FoldedConvolution:
    padding = cast("tuple[int, ...]", source.padding)  # a word only where somebody asks for "same"
    return FoldedConvolution(source.weight, source.bias, source.stride, padding, relu=relu)


def _fuses(x: Tensor) -> bool:
    """Whether oneDNN takes the whole convolution of `x` in one call."""
    if x.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    return x.dtype == torch.float32 or (
        x.dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    )


def _interpolation(length: int, wanted: int, like: Tensor) -> Tensor:
    """The matrix (wanted, length) that interpolates along one axis as `resize` does."""
    unit = torch.eye(length, dtype=like.dtype, device=like.device)[None]
    columns: Tensor = functional.interpolate(unit, size=wanted, mode="linear", align_corners=False)[0]
    return columns.T


def _stretch(x: Tensor, axis: int, wanted: int) -> Tensor:
    """`x` interpolated along one axis."""
    matrix = _interpolation(x.shape[axis], wanted, x)
    stretched: Tensor = torch.tensordot(matrix, x, dims=([1], [axis]))
    return torch.movedim(stretched, 0, axis)
