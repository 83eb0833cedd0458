"""The networks against the paper: sizes, wiring, and geometry of the coefficients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.networks import NAMES, build
from model.networks.blocks import AttentionGate
from model.networks.config import NetworkConfig
from model.networks.interventions import Constant
from model.networks.network import SegmentationNetwork
from tests.model.networks_made_small import noise, tiny
from tests.model.straight_line import Weights, attention_unet_of_four_scales

GATED = ("attention-unet", "attention-unet-multi")


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "count"),
    [("unet", 5_888_004), ("attention-unet", 6_214_151), ("attention-unet-multi", 6_473_322)],
)
def test_a_network_of_the_published_widths_has_as_many_parameters_as_the_authors_code(
    name: str, count: int
) -> None:
    assert parameters(build(name, widths=(16, 32, 64, 128, 256), classes=4, gating_channels=256)) == count


@pytest.mark.parametrize(
    ("name", "count"),
    # Per step and pair of channels (fine f, coarse c): the transposed convolution brings 8 f c + f, the block
    # behind it takes f channels instead of c. With widths doubling that is 8 · 2 f² + f − 27 f² = f − 11 f².
    [("unet", 5_888_004 + 240 - 11 * 21_760), ("attention-unet", 6_214_151 + 240 - 11 * 21_760)],
)
def test_transposed_convolutions_change_the_count_by_what_they_bring_and_save(name: str, count: int) -> None:
    assert parameters(build(name, upsampling="transposed")) == count


def test_a_plain_head_has_976_parameters_fewer_than_the_fused_side_heads() -> None:
    assert (
        parameters(build("attention-unet")) - parameters(build("attention-unet", deep_supervision=False))
        == 976
    )


def test_the_wider_unet_is_at_least_as_large_as_the_gated_one_and_hardly_larger() -> None:
    assert 1.0 <= parameters(build("unet-wide")) / parameters(build("attention-unet")) < 1.02


@pytest.mark.parametrize("deep_supervision", [True, False])
@pytest.mark.parametrize(("name", "gates"), [("attention-unet", 1), ("attention-unet-multi", 2)])
def test_logits_and_alphas_agree_with_the_equations_written_out_in_numpy(
    name: str, gates: int, deep_supervision: bool
) -> None:
    network, x = tiny(name, deep_supervision=deep_supervision), noise(1, 1, 8, 16, 8)
    weights = Weights({key: value.numpy() for key, value in network.state_dict().items()})

    with torch.no_grad():
        logits, coefficients = network.forward_with_attention(x)
    expected, alphas = attention_unet_of_four_scales(x[0].numpy(), weights, gates, deep_supervision)

    np.testing.assert_allclose(logits[0].numpy(), expected, atol=1e-10)
    assert [(c.level, c.gate) for c in coefficients] == [
        (lvl, g) for lvl in (2, 3) for g in range(1, gates + 1)
    ]
    for found, alpha in zip(coefficients, alphas, strict=True):
        assert alpha.std() > 1e-3
        np.testing.assert_allclose(found.alpha[0].numpy(), alpha, atol=1e-10)


def test_a_gate_gives_the_coefficients_computed_by_hand() -> None:
    gate = AttentionGate(NetworkConfig(widths=(1, 1, 1)), level=1, gating_channels=1).double().eval()
    with torch.no_grad():
        gate.theta.weight.fill_(0.25)
        gate.phi.weight.fill_(2.0)
        gate.phi.bias.fill_(-1.0)
        gate.psi.weight.fill_(0.5)
        gate.psi.bias.fill_(-1.0)
        gate.W[0].weight.fill_(3.0)
        gate.W[0].bias.fill_(0.0)
        nn.init.ones_(gate.W[1].weight)
    # The left half of x sums to 8 · 1 and the right half to 8 · 0.5; g is 0 and 1 there.
    x = torch.tensor([1.0, 1.0, 0.5, 0.5], dtype=torch.float64).expand(1, 1, 2, 2, 4)
    g = torch.tensor([0.0, 1.0], dtype=torch.float64).view(1, 1, 1, 1, 2)

    with torch.no_grad():
        weighed, alpha = gate(x, g)

    # theta x + phi g: 0.25 · 8 + (0 − 1) = 1 and 0.25 · 4 + (2 − 1) = 2; q: 0.5 · 1 − 1 and 0.5 · 2 − 1.
    left, right = 1 / (1 + math.exp(0.5)), 0.5
    np.testing.assert_allclose(alpha.numpy().ravel(), [left, right], atol=1e-12)
    # Linear without aligned corners: quarters between the two voxels, the ends repeated.
    fine = np.array([left, 0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right, right])
    expected = 3 * fine * [1, 1, 0.5, 0.5] / math.sqrt(1 + 1e-5)
    np.testing.assert_allclose(weighed.numpy(), np.broadcast_to(expected, (1, 1, 2, 2, 4)), atol=1e-12)


def test_forcing_alpha_to_one_equals_a_psi_that_always_says_one() -> None:
    network, x = tiny("attention-unet-multi"), noise(1, 1, 8, 8, 8)
    everywhere = {(level, gate): Constant(1.0) for level in (2, 3) for gate in (1, 2)}

    with torch.no_grad():
        forced, coefficients = network.intervene(x, everywhere)
        untouched = network(x)
        for module in network.modules():
            if isinstance(module, AttentionGate):
                module.psi.weight.zero_()
                module.psi.bias.fill_(40.0)
        open_gates = network(x)

    assert all(bool((c.alpha == 1).all()) for c in coefficients)
    torch.testing.assert_close(forced, open_gates, atol=1e-5, rtol=0)
    assert float((untouched - forced).abs().max()) > 1e-3


@pytest.mark.parametrize("name", GATED)
def test_the_gradient_reaches_theta_phi_and_psi_of_every_gate(name: str) -> None:
    network = tiny(name).train()
    network(noise(2, 1, 16, 16, 16)).square().mean().backward()
    gates = [module for module in network.modules() if isinstance(module, AttentionGate)]
    assert len(gates) == 2 * (1 if name == "attention-unet" else 2)
    for gate in gates:
        for part in (gate.theta, gate.phi, gate.psi):
            assert part.weight.grad is not None
            assert float(part.weight.grad.abs().max()) > 0


def test_a_shift_of_16_voxels_shifts_alpha_by_1_2_and_4_voxels_at_levels_4_3_and_2() -> None:
    network = tiny(widths=(2, 2, 3, 3, 4))
    strip = noise(1, 1, 16, 16, 400)
    with torch.no_grad():
        here = network.forward_with_attention(strip[..., 16:])[1]
        there = network.forward_with_attention(strip[..., :384])[1]

    for level, shift in ((4, 1), (3, 2), (2, 4)):
        a = next(c.alpha for c in here if c.level == level)
        b = next(c.alpha for c in there if c.level == level)
        middle = slice(a.shape[-1] * 3 // 8, a.shape[-1] * 5 // 8)
        moved = slice(middle.start + shift, middle.stop + shift)
        assert float(a[..., middle].std()) > 1e-5
        torch.testing.assert_close(a[..., middle], b[..., moved], atol=1e-9, rtol=0)


@pytest.mark.parametrize("upsampling", ["trilinear", "transposed"])
@pytest.mark.parametrize("name", NAMES)
def test_every_registered_network_keeps_the_contract(name: str, upsampling: str) -> None:
    network, x = tiny(name, upsampling=upsampling), noise(2, 1, 13, 9, 21)
    with torch.no_grad():
        logits, coefficients = network.forward_with_attention(x)
        again = network(x)

    assert logits.shape == (2, 3, 13, 9, 21)
    assert torch.equal(logits, again)
    assert network.coarsest_stride == 8
    assert tuple(sorted({c.level for c in coefficients})) == network.gated_levels
    assert network.gated_levels == ((2, 3) if name in GATED else ())
    for c in coefficients:
        size = tuple(-(-n // 2**c.level) for n in (13, 9, 21))
        assert c.alpha.shape == (2, 1, *size)
        assert 0 <= float(c.alpha.min()) < float(c.alpha.max()) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_weights_put_into_another_instance_give_the_same_logits(name: str) -> None:
    one, other, x = tiny(name, seed=1), tiny(name, seed=2), noise(1, 1, 8, 8, 8)
    assert not torch.equal(one(x), other(x))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))


class LogitsAndAlphas(nn.Module):
    """Both results of a network as plain tensors."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        logits, coefficients = self.network.forward_with_attention(x)
        return logits, *(c.alpha for c in coefficients)


@pytest.mark.parametrize("name", NAMES)
def test_an_exported_graph_gives_the_same_logits_and_coefficients(name: str) -> None:
    """torch.export: the network is one graph without Python, which another input of that size goes through."""
    network = LogitsAndAlphas(tiny(name, widths=(2, 3, 4), classes=2)).eval()
    with torch.no_grad():
        graph = torch.export.export(network, (noise(1, 1, 7, 8, 10),)).module()
        x = noise(1, 1, 7, 8, 10, seed=2)
        expected, found = network(x), graph(x)
    assert len(found) == len(expected) == 1 + {"attention-unet": 1, "attention-unet-multi": 2}.get(name, 0)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_what_is_padded_inside_does_not_move_the_voxels_that_were_there() -> None:
    network, x = tiny(), noise(1, 1, 16, 16, 21)
    grown = torch.cat([x, x[..., -1:].expand(1, 1, 16, 16, 3)], dim=-1)
    with torch.no_grad():
        torch.testing.assert_close(network(x), network(grown)[..., :21], atol=1e-12, rtol=0)


def test_a_network_of_two_dimensions_or_other_strides_has_its_alphas_where_the_strides_say() -> None:
    flat = tiny(dims=2)
    with torch.no_grad():
        logits, coefficients = flat.forward_with_attention(noise(1, 1, 24, 16))
    assert logits.shape == (1, 3, 24, 16)
    assert [tuple(c.alpha.shape[2:]) for c in coefficients] == [(6, 4), (3, 2)]

    thick = tiny(
        strides=((1, 2, 2), (2, 2, 2), (1, 2, 2)), kernels=((1, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))
    )
    with torch.no_grad():
        logits, coefficients = thick.forward_with_attention(noise(1, 1, 5, 16, 16))
    assert logits.shape == (1, 3, 5, 16, 16)
    assert [tuple(c.alpha.shape[2:]) for c in coefficients] == [(3, 4, 4), (3, 2, 2)]


@torch.no_grad()
def test_a_psi_bias_start_opens_the_gates() -> None:
    x = noise(1, 1, 16, 16, 16)
    closed, opened = (tiny(psi_bias_start=bias, seed=3).forward_with_attention(x)[1] for bias in (-3.0, 3.0))
    for shut, wide in zip(closed, opened, strict=True):
        assert float(shut.alpha.mean()) < float(wide.alpha.mean())


@pytest.mark.parametrize(
    "options",
    [
        {"name": "resnet"},
        {"widths": (8,)},
        {"widths": (8, 16)},
        {"dims": 4},
        {"classes": 1},
        {"strides": ((2, 2, 2),)},
        {"kernels": ((2, 2, 2),) * 5},
        {"strides": ((0, 2, 2),) * 4},
        {"gating_channels": 0},
        {"upsampling": "nearest"},
    ],
)
def test_a_configuration_that_makes_no_network_is_refused(options: dict[str, object]) -> None:
    settings: dict[str, object] = {"name": "attention-unet"} | options
    with pytest.raises(ValueError, match=r"\w"):
        build(**settings)  # type: ignore[arg-type]
