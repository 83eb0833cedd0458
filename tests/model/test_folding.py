"""A folded network says what the network says, for every one of the registry, and takes interventions alike."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from model.networks import NAMES, build
from model.networks.folding import FoldedConvolution, fold, to_bfloat16
from model.networks.interventions import Constant, GateStatistics, Moments
from model.networks.network import SegmentationNetwork

VARIANTS: dict[str, dict[str, object]] = {
    "as published": {},
    "one plain head": {"deep_supervision": False},
    "two scales of channels": {"channels": 2, "gating_channels": 5},
    "anisotropic": {"strides": [(1, 2, 2), (2, 2, 2)], "kernels": [(1, 3, 3), (3, 3, 3), (3, 3, 3)]},
    "transposed": {"upsampling": "transposed"},
}


def trained(name: str, **options: object) -> SegmentationNetwork:
    """A small network in eval mode whose BatchNorms say something."""
    torch.manual_seed(11)
    network = build(name, widths=(4, 6, 8), classes=3, **options)  # type: ignore[arg-type]
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
            for values in (module.running_mean, module.weight.data, module.bias.data):
                assert isinstance(values, Tensor)
                values.uniform_(-0.6, 0.9)
            assert isinstance(module.running_var, Tensor)
            module.running_var.uniform_(0.4, 1.7)
    return network.eval()


def folded(network: SegmentationNetwork) -> SegmentationNetwork:
    other = copy.deepcopy(network)
    fold(other)
    return other


def furthest(a: Tensor, b: Tensor) -> float:
    """The largest difference, as a part of the largest value."""
    assert a.shape == b.shape
    return float((a - b).abs().max() / b.abs().max())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_folding_changes_rounding_only(name: str, variant: str) -> None:
    options = VARIANTS[variant]
    network = trained(name, **options).double()
    x = torch.randn(2, int(str(options.get("channels", 1))), 9, 14, 11).double()
    with torch.inference_mode():
        wanted, alphas = network.forward_with_attention(x)
        found, found_alphas = folded(network).forward_with_attention(x)
    assert furthest(found, wanted) < 1e-12
    assert len(found_alphas) == len(alphas)
    for mine, theirs in zip(found_alphas, alphas, strict=True):
        assert (mine.level, mine.gate) == (theirs.level, theirs.gate)
        assert furthest(mine.alpha, theirs.alpha) < 1e-12


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last_3d])
def test_in_single_precision_it_agrees_in_either_memory_format(memory: torch.memory_format) -> None:
    """The way through oneDNN, which double precision does not take."""
    network = trained("attention-unet-multi")
    x = torch.randn(1, 1, 16, 12, 20)
    with torch.inference_mode():
        wanted, alphas = network.forward_with_attention(x)
        found, found_alphas = folded(network).forward_with_attention(x.to(memory_format=memory))
    assert furthest(found, wanted) < 1e-5
    for mine, theirs in zip(found_alphas, alphas, strict=True):
        assert furthest(mine.alpha, theirs.alpha) < 1e-5


def test_two_dimensions_fold_alike() -> None:
    network = trained("attention-unet", dims=2)
    x = torch.randn(1, 1, 21, 18)
    with torch.inference_mode():
        assert furthest(folded(network)(x), network(x)) < 1e-5


def test_an_input_is_left_as_it_was() -> None:
    """Sums are made in place; what the caller handed over is not such a place."""
    x = torch.randn(1, 1, 12, 12, 12)
    before = x.clone()
    with torch.inference_mode():
        network = folded(trained("attention-unet"))
        first = network(x)
        assert torch.equal(x, before)
        assert torch.equal(network(x), first)


@pytest.mark.parametrize("name", ["attention-unet", "attention-unet-multi"])
def test_an_intervention_on_a_folded_network_does_the_same(name: str) -> None:
    network = trained(name).double()
    x = torch.randn(1, 1, 12, 12, 12).double()
    with torch.inference_mode():
        wanted, _ = network.intervene(x, {(2, 1): Constant(0.25)})
        other = folded(network)
        found, _ = other.intervene(other.encode(x), {(2, 1): Constant(0.25)})
        untouched = other(x)
    assert furthest(found, wanted) < 1e-12
    assert furthest(untouched, wanted) > 1e-4


def test_statistics_of_a_batch_norm_that_is_folded_are_refused_in_a_sentence() -> None:
    network = folded(trained("attention-unet"))
    moments = Moments(torch.zeros(6), torch.ones(6))
    with pytest.raises(ValueError, match="folded into its convolutions"):
        network.intervene(
            torch.randn(1, 1, 12, 12, 12),
            {(2, 1): Constant(0.25)},
            statistics=GateStatistics({(2, 1): moments}, {2: moments}),
        )


def test_no_batch_norm_and_no_plain_convolution_is_left() -> None:
    network = folded(trained("attention-unet-multi"))
    kinds = (nn.BatchNorm3d, nn.Conv3d, nn.ReLU)
    assert not [module for module in network.modules() if isinstance(module, kinds)]


def test_a_network_in_training_is_refused() -> None:
    with pytest.raises(ValueError, match="eval mode"):
        fold(trained("unet").train())


def test_bfloat16_spares_psi_and_the_output() -> None:
    network = folded(trained("attention-unet"))
    to_bfloat16(network)
    named = dict(network.named_modules())
    single = [
        name
        for name, module in named.items()
        if isinstance(module, FoldedConvolution) and module.weight.dtype == torch.float32
    ]
    assert single == ["gated_skips.0.gates.0.psi"]
    assert {parameter.dtype for parameter in named["output"].parameters()} == {torch.float32}
    logits, alphas = network.forward_with_attention(torch.randn(1, 1, 12, 12, 12))
    assert (logits.dtype, alphas[0].alpha.dtype) == (torch.float32, torch.float32)
