"""A coefficient lies over the anatomy it weighs: landmarks in millimetres, and a gate known in closed form.

The network here passes intensities through its encoder unchanged, and its one gate opens where they are high:
alpha = sigmoid(STEEPNESS · (mean over 2³ of the maxima over 2³ voxels − OPEN_FROM)). So what alpha must be, and
where, is known without the network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from model.attention import AttentionMap
from model.backends import TorchBackend
from model.bundle import Bundle
from model.grid import Box, Grid
from model.inference import predict
from model.networks import build
from model.normalisation import Normalisation
from model.volume import DisplayHints, Volume

Describe = Callable[..., Bundle]

STEEPNESS, OPEN_FROM = 6.0, 0.5

# A rotation by 25° about one axis and then 10° about another; no axis of it is a patient axis.
_A, _B = np.deg2rad(25), np.deg2rad(10)
_TURN = np.array([[1, 0, 0], [0, np.cos(_A), -np.sin(_A)], [0, np.sin(_A), np.cos(_A)]]) @ np.array(
    [[np.cos(_B), -np.sin(_B), 0], [np.sin(_B), np.cos(_B), 0], [0, 0, 1]]
)
L, P, S = (tuple(float(v) for v in column) for column in _TURN.T)
MINUS_L = tuple(-v for v in L)

SHAPE = (45, 71, 58)
GRIDS = {
    "oblique": Grid(SHAPE, (2.5, 0.8, 1.1), (-40.0, 13.0, 7.5), (S, P, L)),
    "left-handed": Grid(SHAPE, (2.5, 0.8, 1.1), (40.0, 13.0, 7.5), (S, P, MINUS_L)),
    "coronal slices": Grid(SHAPE, (2.2, 1.0, 0.9), (30.0, 5.0, -60.0), (P, S, MINUS_L)),
}


def closed_form_network() -> TorchBackend:
    network = build("attention-unet", widths=(2, 2, 2), classes=3)
    assert isinstance(network, nn.Module)
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv3d):
                module.weight.zero_()
                if module.bias is not None:
                    module.bias.zero_()
                if name.startswith("encoder"):
                    module.weight[0, 0, 1, 1, 1] = 1.0
            elif isinstance(module, nn.BatchNorm3d):
                module.weight.fill_(1.0)
                module.bias.zero_()
                module.running_var.fill_(1.0 - module.eps)
        # Normalised intensities run from −1 to 1, what a ReLU passes from 0.
        first = network.get_submodule("encoder.blocks.0.0")
        assert isinstance(first, nn.Conv3d)
        assert first.bias is not None
        first.weight[0, 0, 1, 1, 1], first.bias[0] = 0.5, 0.5
        gate = network.get_submodule("gated_skips.0.gates.0")
        gate.theta.weight[0, 0] = 1 / 8  # type: ignore[union-attr, operator, index]
        gate.psi.weight[0, 0], gate.psi.bias[0] = STEEPNESS, -STEEPNESS * OPEN_FROM  # type: ignore[union-attr, index, operator]
    return TorchBackend(network, "cpu")


@pytest.fixture(scope="module")
def network() -> TorchBackend:
    """Gives the network whose gate is known in closed form."""
    return closed_form_network()


@pytest.fixture
def model(describe_model: Describe) -> Bundle:
    """Gives the description that goes with it; values from 0 to 1000 become 0 to 1 behind the first layer."""
    return describe_model(
        widths=(2, 2, 2), intensity=Normalisation("window", 0.0, 1000.0), window_size=(24, 32, 24)
    )


def landmark_scan(grid: Grid, landmark_mm: np.ndarray, width_mm: float = 5.0) -> Volume:
    """Dark but for a round, soft landmark, made from the distances in mm alone."""
    distance = np.linalg.norm(grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)) - landmark_mm, axis=-1)
    return Volume(
        (900 * np.exp(-0.5 * (distance / width_mm) ** 2)).astype(np.int16), grid, DisplayHints(modality="MR")
    )


def landmarks(grid: Grid, count: int, margin: float = 0.25) -> list[np.ndarray]:
    """Points in mm spread over the middle of `grid`, none of them on a voxel."""
    shares = np.random.default_rng(11).uniform(margin, 1 - margin, (count, 3))
    return [grid.to_mm(share * (np.array(grid.shape) - 1)) for share in shares]


def peak_mm(found: AttentionMap) -> np.ndarray:
    """The centre in mm of the voxel with the highest coefficient."""
    return found.grid.to_mm(np.unravel_index(found.values.argmax(), found.values.shape))


def centre_mm(found: AttentionMap) -> np.ndarray:
    """The centre of mass in mm of the coefficients above their background."""
    excess = found.coefficients - found.coefficients.min()
    points = found.grid.to_mm(np.moveaxis(np.indices(excess.shape), 0, -1))
    return (points * excess[..., None]).sum(axis=(0, 1, 2)) / excess.sum()


@pytest.mark.parametrize("name", GRIDS)
def test_the_peak_lies_over_the_landmark_within_half_a_coarse_voxel(
    network: TorchBackend, model: Bundle, name: str
) -> None:
    grid = GRIDS[name]
    for landmark in landmarks(grid, 4):
        (found,) = predict(landmark_scan(grid, landmark), model, backend=network).attention
        assert found.coefficients.max() > 0.6
        assert np.abs(found.grid.to_voxel(landmark) - found.grid.to_voxel(peak_mm(found))).max() <= 0.5
        # Sub-voxel: a grid that is off by half a fine voxel would show here.
        assert np.abs(found.grid.to_voxel(landmark) - found.grid.to_voxel(centre_mm(found))).max() < 0.06
        assert found.at_mm(landmark) > 0.55


@pytest.mark.parametrize("name", GRIDS)
def test_every_coefficient_is_the_closed_form_of_the_voxels_it_covers(
    network: TorchBackend, model: Bundle, name: str
) -> None:
    grid = GRIDS[name]
    scan = landmark_scan(grid, landmarks(grid, 1)[0])
    (found,) = predict(scan, model, backend=network).attention

    canonical = scan.reordered("LPS")
    covered = canonical.values.astype(float) / 1000
    padded = np.pad(covered, [(0, -length % 4) for length in covered.shape], mode="edge")
    z, y, x = (length // 4 for length in padded.shape)
    maxima = padded.reshape(2 * z, 2, 2 * y, 2, 2 * x, 2).max(axis=(1, 3, 5))
    means = maxima.reshape(z, 2, y, 2, x, 2).mean(axis=(1, 3, 5))
    wanted = 1 / (1 + np.exp(-STEEPNESS * (means - OPEN_FROM)))

    mine = canonical.grid.coarser((4, 4, 4))
    at_centres = found.at_mm(mine.to_mm(np.moveaxis(np.indices(mine.shape), 0, -1)))
    np.testing.assert_allclose(at_centres, wanted, atol=1e-3)


def test_inside_a_region_the_peak_lies_there_too(network: TorchBackend, model: Bundle) -> None:
    grid = GRIDS["left-handed"]
    region = Box((7, 13, 5), (36, 62, 44))
    for landmark in landmarks(grid.sub(region), 3):
        (found,) = predict(landmark_scan(grid, landmark), model, region=region, backend=network).attention
        assert np.abs(found.grid.to_voxel(landmark) - found.grid.to_voxel(peak_mm(found))).max() <= 0.5
        assert np.abs(found.grid.to_voxel(landmark) - found.grid.to_voxel(centre_mm(found))).max() < 0.06
        assert np.isnan(found.at_mm(grid.to_mm((0, 0, 0))))


def test_a_resampled_scan_has_its_peak_over_the_landmark_and_its_own_grid(
    network: TorchBackend, describe_model: Describe
) -> None:
    model = describe_model(
        widths=(2, 2, 2),
        intensity=Normalisation("window", 0.0, 1000.0),
        window_size=(24, 32, 24),
        target_spacing=(1.5, 1.2, 1.2),
    )
    grid = GRIDS["coronal slices"]
    for landmark in landmarks(grid, 3):
        (found,) = predict(landmark_scan(grid, landmark), model, backend=network).attention
        assert sorted(found.grid.spacing) == pytest.approx([4.8, 4.8, 6.0])
        assert np.abs(found.grid.to_voxel(landmark) - found.grid.to_voxel(peak_mm(found))).max() <= 0.5
        assert np.abs(found.grid.to_voxel(landmark) - found.grid.to_voxel(centre_mm(found))).max() < 0.06
