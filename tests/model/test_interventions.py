"""Interventions on gates: what stands in for a coefficient, where, and what of the network sees it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.grid import Box
from model.networks.attention_unet import AttentionUNet
from model.networks.blocks import crop, resize
from model.networks.interventions import Constant, Given, Mean, Replacement, Shuffle
from model.networks.network import GateCoefficients
from model.networks.reestimation import reestimate
from tests.model.networks_made_small import noise, tiny

# Odd sizes: level 2 sees 4 × 3 × 6 coefficients and level 3 2 × 2 × 3, of 4 × 4 × 6 and 2 × 2 × 3 padded ones.
ODD = (1, 1, 13, 9, 21)


def gated(name: str = "attention-unet", **options: object) -> AttentionUNet:
    network = tiny(name, **options)  # type: ignore[arg-type]
    assert isinstance(network, AttentionUNet)
    return network.requires_grad_(False)


def alpha_of(coefficients: tuple[GateCoefficients, ...], level: int, gate: int = 1) -> Tensor:
    return next(c.alpha for c in coefficients if (c.level, c.gate) == (level, gate))


@pytest.mark.parametrize("name", ["attention-unet", "attention-unet-multi", "unet"])
def test_decoding_what_was_encoded_gives_bit_for_bit_what_one_call_gives(name: str) -> None:
    network, x = tiny(name), noise(*ODD)
    encoded = network.encode(x)
    network.decode(encoded)
    (logits, coefficients), (again, others) = network.forward_with_attention(x), network.decode(encoded)

    assert torch.equal(logits, again)
    assert all(torch.equal(a.alpha, b.alpha) for a, b in zip(coefficients, others, strict=True))
    if name != "unet":
        forced, _ = network.intervene(x, {(3, 1): Constant(0.0)})
        assert torch.equal(forced, network.intervene(encoded, {(3, 1): Constant(0.0)})[0])
        assert not torch.equal(forced, logits)


def test_the_total_effect_of_a_deep_gate_reaches_the_gates_above_it_and_the_direct_effect_none() -> None:
    network, x = gated("attention-unet-multi"), noise(*ODD)
    logits, plain = network.forward_with_attention(x)
    closed = {(3, 1): Constant(0.0)}

    total_logits, total = network.intervene(x, closed)
    direct_logits, direct = network.intervene(x, closed, effect="direct")

    for found in (total, direct):
        assert float(alpha_of(found, 3).abs().max()) == 0.0
        assert torch.equal(alpha_of(found, 3, gate=2), alpha_of(plain, 3, gate=2))
    for gate in (1, 2):
        assert not torch.equal(alpha_of(total, 2, gate), alpha_of(plain, 2, gate))
        assert torch.equal(alpha_of(direct, 2, gate), alpha_of(plain, 2, gate))
    assert len({float(found.abs().sum()) for found in (logits, total_logits, direct_logits)}) == 3


def test_the_direct_effect_of_one_gate_is_the_total_effect_with_all_others_given_back() -> None:
    network, x = gated(), noise(1, 1, 16, 16, 16)
    own = alpha_of(network.forward_with_attention(x)[1], 2)

    direct, _ = network.intervene(x, {(3, 1): Mean()}, effect="direct")
    given, _ = network.intervene(x, {(3, 1): Mean(), (2, 1): Given(own)})

    torch.testing.assert_close(direct, given, atol=1e-12, rtol=0)


def test_at_the_finest_gate_total_and_direct_effect_are_the_same() -> None:
    network, x = gated(), noise(*ODD)
    (total, _), (direct, _) = (
        network.intervene(x, {(2, 1): Mean()}, effect="total"),
        network.intervene(x, {(2, 1): Mean()}, effect="direct"),
    )
    assert torch.equal(total, direct)


def test_the_mean_of_a_gate_that_was_changed_below_is_its_new_mean_or_its_old_one() -> None:
    network, x = gated(), noise(*ODD)
    both = {(3, 1): Constant(0.0), (2, 1): Mean()}
    plain = alpha_of(network.forward_with_attention(x)[1], 2)
    after = alpha_of(network.intervene(x, {(3, 1): Constant(0.0)})[1], 2)

    total = alpha_of(network.intervene(x, both)[1], 2)
    direct = alpha_of(network.intervene(x, both, effect="direct")[1], 2)

    torch.testing.assert_close(total, after.mean().expand_as(total), atol=1e-12, rtol=0)
    torch.testing.assert_close(direct, plain.mean().expand_as(direct), atol=1e-12, rtol=0)
    assert abs(float(after.mean() - plain.mean())) > 1e-4


def test_mean_and_shuffle_count_what_is_visible_and_not_what_is_padded() -> None:
    network, x = gated(), noise(2, 1, *ODD[2:])
    own = alpha_of(network.forward_with_attention(x)[1], 2)

    mean = alpha_of(network.intervene(x, {(2, 1): Mean()})[1], 2)
    shuffled = alpha_of(network.intervene(x, {(2, 1): Shuffle(seed=3)})[1], 2)

    assert own.shape == mean.shape == shuffled.shape == (2, 1, 4, 3, 6)
    for item in range(2):
        torch.testing.assert_close(mean[item], own[item].mean().expand_as(own[item]), atol=1e-12, rtol=0)
        assert torch.equal(shuffled[item].flatten().sort().values, own[item].flatten().sort().values)
        assert not torch.equal(shuffled[item], own[item])
    assert abs(float(mean[0].mean() - mean[1].mean())) > 1e-6
    # One permutation for the whole batch: where the first item's largest coefficient went, so did the second's.
    went = shuffled[0].flatten().argmax()
    assert float(shuffled[1].flatten()[went]) == float(own[1].flatten()[own[0].flatten().argmax()])


def test_a_shuffle_is_the_same_with_the_same_seed_and_another_with_another() -> None:
    network, x = gated(), noise(1, 1, 16, 16, 16)
    one, again, other = (alpha_of(network.intervene(x, {(2, 1): Shuffle(seed)})[1], 2) for seed in (5, 5, 6))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_giving_a_gate_its_own_coefficients_back_changes_nothing() -> None:
    network, x = gated("attention-unet-multi"), noise(1, 1, 16, 8, 16)
    logits, plain = network.forward_with_attention(x)
    for shaped in (lambda alpha: alpha, lambda alpha: alpha[0, 0]):
        same = {(c.level, c.gate): Given(shaped(c.alpha)) for c in plain}
        assert torch.equal(network.intervene(x, same)[0], logits)


def test_what_is_padded_repeats_the_edge_of_a_given_map() -> None:
    """9 voxels leave 3 coefficients of 4 along y: the decoder must see the third one twice."""
    network, x = gated(), noise(*ODD)
    given = torch.rand(4, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    applied = network.coefficients(network.encode(x), {(2, 1): Given(given)})[2][0]
    assert applied.shape == (1, 1, 4, 4, 6)
    assert torch.equal(applied[0, 0, :, :3], given)
    assert torch.equal(applied[0, 0, :, 3], given[:, 2])


@pytest.mark.parametrize(
    "replacement", [Constant, Mean, Shuffle, Given], ids=["constant", "mean", "shuffle", "given"]
)
def test_a_region_leaves_the_coefficients_outside_it_alone(replacement: type[Replacement]) -> None:
    network, x = gated(), noise(*ODD)
    box = Box((1, 0, 2), (3, 2, 5))
    inside = torch.zeros(4, 3, 6, dtype=torch.bool)
    inside[box.slices] = True
    own = network.coefficients(network.encode(x))[2][0]
    first: dict[type, object] = {Constant: 1.0, Shuffle: 1, Given: torch.full((4, 3, 6), 0.5).double()}

    for region in (box, inside):
        wanted = replacement(*([first[replacement]] if replacement in first else []), region=region)  # type: ignore[arg-type]
        found = network.coefficients(network.encode(x), {(2, 1): wanted})[2][0]
        visible, before = found[0, 0, :, :3], own[0, 0, :, :3]
        assert torch.equal(visible[~inside], before[~inside])
        assert not torch.equal(visible[inside], before[inside])
        # The padded row repeats an edge outside the region, so it stays what it was.
        assert torch.equal(found[0, 0, :, 3], own[0, 0, :, 3])
        if replacement is Mean:
            assert float(visible[inside].std()) < 1e-12
            assert float(visible[inside][0]) == pytest.approx(float(before[inside].mean()), abs=1e-12)
        if replacement is Shuffle:
            assert torch.equal(visible[inside].sort().values, before[inside].sort().values)


def test_interventions_work_in_two_dimensions_and_with_anisotropic_strides() -> None:
    flat, x = gated(dims=2), noise(1, 1, 21, 13)
    inside = torch.zeros(6, 4, dtype=torch.bool)
    inside[:2] = True
    half = alpha_of(flat.intervene(x, {(2, 1): Constant(0.0, region=inside)}, effect="direct")[1], 2)
    assert float(half[0, 0, :2].max()) == 0.0 < float(half[0, 0, 2:].min())

    strides = ((1, 2, 2), (2, 2, 2), (1, 2, 2))
    for deep_supervision in (True, False):
        thick = gated(
            strides=strides, kernels=((1, 3, 3), *((3, 3, 3),) * 3), deep_supervision=deep_supervision
        )
        logits, found = thick.intervene(noise(1, 1, 5, 15, 16), {(2, 1): Shuffle(), (3, 1): Mean()})
        assert logits.shape == (1, 3, 5, 15, 16)
        assert [tuple(c.alpha.shape[2:]) for c in found] == [(3, 4, 4), (3, 2, 2)]


def test_statistics_measured_behind_a_changed_gate_are_those_of_what_it_gives_over_all_volumes() -> None:
    network, closed = gated("attention-unet-multi"), {(2, 1): Constant(0.25)}
    volumes = [noise(1, 1, 16, 8, 8, seed=4), 3 * noise(2, 1, 9, 9, 9, seed=5)]
    before = {name: value.clone() for name, value in network.state_dict().items()}

    statistics = reestimate(network, volumes, closed)

    assert set(statistics.weighed) == {(2, 1)}
    assert set(statistics.combined) == {2}
    skip, values = network.gated_skip(2), []
    for x in volumes:
        feature = network.encode(x).features[1]
        seen = tuple(-(-n // 2) for n in x.shape[2:])
        values.append(
            skip.gate(1).W[0](0.25 * feature)[..., : seen[0], : seen[1], : seen[2]].transpose(0, 1).flatten(1)
        )
    joined = torch.cat(values, dim=1)
    moments = statistics.weighed[2, 1]
    torch.testing.assert_close(moments.mean, joined.mean(1), atol=1e-10, rtol=0)
    torch.testing.assert_close(moments.variance, joined.var(1), atol=1e-10, rtol=1e-10)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_with_measured_statistics_combine_is_given_what_has_the_mean_and_variance_they_say() -> None:
    network, x, closed = gated(), noise(2, 1, *ODD[2:]), {(3, 1): Constant(1.0), (2, 1): Mean()}
    encoded = network.encode(x)
    statistics = reestimate(network, [encoded], closed)

    alphas = network.coefficients(encoded, closed, statistics=statistics)
    for level in (2, 3):
        skip = network.gated_skip(level)
        padded = skip.combine[0](skip.weighed(encoded.features[level - 1], alphas[level], statistics))
        given = crop(padded, network.config.visible(ODD[2:], level))
        joined, moments = given.transpose(0, 1).flatten(1), statistics.combined[level]
        torch.testing.assert_close(moments.mean, joined.mean(1), atol=1e-10, rtol=0)
        torch.testing.assert_close(moments.variance, joined.var(1), atol=1e-10, rtol=1e-10)

    (with_them, _), (without, _) = (
        network.intervene(x, closed, statistics=statistics),
        network.intervene(x, closed),
    )
    assert float((with_them - without).abs().max()) > 1e-3


def test_measured_statistics_take_the_scale_of_a_constant_gate_away() -> None:
    """alpha 1 and alpha 0.1 differ by scale alone, which the BatchNorm of W divides out (but for its epsilon)."""
    network, x = gated(), noise(1, 1, 16, 16, 16)
    plain, measured = [], []
    for value in (1.0, 0.1):
        changed = {(2, 1): Constant(value)}
        plain.append(network.intervene(x, changed)[0])
        measured.append(network.intervene(x, changed, statistics=reestimate(network, [x], changed))[0])
    assert float((measured[0] - measured[1]).abs().max()) < 0.05 * float((plain[0] - plain[1]).abs().max())


def test_the_direct_effect_with_measured_statistics_keeps_the_networks_own_coefficients() -> None:
    network, x, closed = gated(), noise(*ODD), {(3, 1): Constant(0.0)}
    own = alpha_of(network.forward_with_attention(x)[1], 2)
    statistics = reestimate(network, [x], closed, effect="direct")
    found = network.intervene(x, closed, effect="direct", statistics=statistics)[1]
    assert torch.equal(alpha_of(found, 2), own)


def test_a_gradient_passes_through_a_replacement_to_what_it_was_made_of() -> None:
    network, x = gated(), noise(*ODD).requires_grad_()
    given = torch.full((2, 2, 3), 0.5, dtype=torch.float64, requires_grad=True)
    network.intervene(x, {(3, 1): Given(given), (2, 1): Mean()})[0].square().sum().backward()
    assert given.grad is not None
    assert float(given.grad.abs().min()) > 0


def test_the_alpha_a_replacement_gives_is_the_one_that_weighs_the_skip() -> None:
    network, x = gated(), noise(1, 1, 16, 16, 16)
    encoded = network.encode(x)
    given = torch.rand(4, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(8))
    skip, feature = network.gated_skip(2), encoded.features[1]
    wanted = skip.gate(1).W(resize(given[None, None], feature.shape[2:]) * feature)
    torch.testing.assert_close(skip.weighed(feature, [given[None, None]], None), wanted)


@pytest.mark.parametrize(
    ("name", "interventions", "words"),
    [
        ("attention-unet", {(1, 1): Constant(1.0)}, r"no gate \(1, 1\)"),
        ("attention-unet", {(2, 2): Constant(1.0)}, r"no gate \(2, 2\)"),
        ("unet", {(2, 1): Constant(1.0)}, r"plain U-Net has no gate \(2, 1\)"),
        ("attention-unet", {(2, 1): Given(torch.ones(4, 4, 6))}, r"shape \(4, 4, 6\).* \(1, 1, 4, 3, 6\)"),
        ("attention-unet", {(2, 1): Mean(torch.ones(4, 3, 6))}, "boolean mask"),
        ("attention-unet", {(2, 1): Mean(torch.ones(4, 4, 6, dtype=torch.bool))}, "boolean mask"),
        ("attention-unet", {(2, 1): Mean(torch.zeros(4, 3, 6, dtype=torch.bool))}, "no voxel"),
        ("attention-unet", {(2, 1): Mean(Box((9, 9, 9), (12, 12, 12)))}, "no voxel"),
    ],
)
def test_an_intervention_that_makes_no_sense_is_refused_in_a_sentence(
    name: str, interventions: dict[tuple[int, int], Replacement], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        tiny(name).intervene(noise(*ODD), interventions)


def test_coefficients_outside_zero_and_one_an_unknown_effect_and_a_box_in_2d_are_refused() -> None:
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="lies in"):
            Constant(wrong)
        with pytest.raises(ValueError, match="lies in"):
            Given(torch.tensor([0.5, wrong]))
    with pytest.raises(ValueError, match="no effect 'indirect'"):
        gated().intervene(noise(*ODD), {(2, 1): Mean()}, effect="indirect")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="three axes"):
        gated(dims=2).intervene(noise(1, 1, 16, 16), {(2, 1): Mean(Box((0, 0, 0), (1, 1, 1)))})


def test_statistics_are_refused_where_they_cannot_be_measured() -> None:
    network, closed, x = gated(), {(2, 1): Constant(0.0)}, noise(1, 1, 16, 16, 16)
    with pytest.raises(ValueError, match="at least one volume"):
        reestimate(network, [], closed)
    with pytest.raises(ValueError, match="plain U-Net"):
        reestimate(tiny("unet"), [x], closed)
    with pytest.raises(ValueError, match="eval mode"):
        reestimate(gated().train(), [x], closed)
    network.gated_skip(2).gate(1).W[1] = torch.nn.Identity()
    with pytest.raises(ValueError, match="folded"):
        reestimate(network, [x], closed)
