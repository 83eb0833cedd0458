"""Remakes the untrained figures of decision records 0008 (aligned corners) and 0009 (the start of psi.bias).

Run it as `PYTHONPATH=. python tests/bench/departures.py`; about two minutes on one core. It trains nothing: what
the two starts of psi.bias come to after training stands in docs/results.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.networks import blocks, build
from model.networks.network import SegmentationNetwork
from model.normalisation import Normalisation
from model.phantoms import make_abdomen

SHIFT = 16
STRIP = (16, 16, 384)
SHIFT_SEEDS = range(5)
START_SEEDS = range(10)
CROP = (64, 64, 64)


def aligned_resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """What the authors' torch of 2018 did: the centres of the corner voxels lie on each other."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return functional.interpolate(x, size=tuple(size), mode="trilinear", align_corners=True)


@contextmanager
def aligned_corners(aligned: bool) -> Iterator[None]:
    """Inside, the one resize of the networks aligns corners, if `aligned`."""
    ours = blocks.resize
    blocks.resize = aligned_resize if aligned else ours
    try:
        yield
    finally:
        blocks.resize = ours


def network_of(seed: int, psi_bias_start: float | None = None) -> SegmentationNetwork:
    """The published single-gate network of `seed`, untrained."""
    torch.manual_seed(seed)
    return build("attention-unet", psi_bias_start=psi_bias_start)


def with_statistics_of(network: SegmentationNetwork, x: Tensor) -> SegmentationNetwork:
    """`network` in eval mode, its BatchNorms holding the statistics of `x`."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.momentum = 1.0
    network.train()(x)
    return network.eval()


@torch.no_grad()
def alphas(network: SegmentationNetwork, x: Tensor) -> dict[int, Tensor]:
    """Alpha (z, y, x) of every gated level, of the first item of `x`."""
    return {found.level: found.alpha[0, 0] for found in network.forward_with_attention(x)[1]}


def shifts() -> None:
    """Prints what a shift by 16 voxels does to alpha, beyond moving it."""
    print(
        f"Shift of a {STRIP} strip by {SHIFT} voxels along x, {len(SHIFT_SEEDS)} seeded networks, eval mode;"
    )
    print("change of alpha against alpha moved by the same distance, middle quarter of the strip.")
    print("level  corners   sd of alpha   mean change   largest change")
    for aligned in (False, True):
        changes: dict[int, list[Tensor]] = {}
        spreads: dict[int, list[Tensor]] = {}
        with aligned_corners(aligned):
            for seed in SHIFT_SEEDS:
                noise = torch.randn(
                    1, 1, *STRIP[:2], STRIP[2] + SHIFT, generator=torch.Generator().manual_seed(1000 + seed)
                )
                network = with_statistics_of(network_of(seed), noise)
                here, there = alphas(network, noise[..., SHIFT:]), alphas(network, noise[..., :-SHIFT])
                for level, alpha in here.items():
                    moved = SHIFT >> level
                    start, stop = alpha.shape[-1] * 3 // 8, alpha.shape[-1] * 5 // 8
                    middle = alpha[..., start:stop]
                    change = (middle - there[level][..., start + moved : stop + moved]).abs()
                    changes.setdefault(level, []).append(change.flatten())
                    spreads.setdefault(level, []).append(middle.std())
        for level in sorted(changes, reverse=True):
            change, spread = torch.cat(changes[level]), torch.stack(spreads[level]).mean()
            words = "aligned" if aligned else "ours   "
            print(f"{level:5}  {words}  {spread:12.4f}  {change.mean():12.2e}  {change.max():15.2e}")


def displacements() -> None:
    """Prints how far from its place aligned corners put a coefficient at the border of a volume."""
    print("\nWhere alpha is applied at voxel 0 of its skip, against where it belongs, in voxels of the input")
    print("level  coefficient spacing  ours  aligned")
    for level in (4, 3, 2):
        skip, own = 2 ** (level - 1), 2**level
        # Each coefficient says where its centre lies; what the skip's own voxels then hear should be their own place.
        says = ((torch.arange(16.0) + 0.5) * own - 0.5).view(1, 1, 1, 1, 16).expand(1, 1, 16, 16, 16)
        belongs = (torch.arange(32.0) + 0.5) * skip - 0.5
        # The voxel beside the border: the border one itself repeats the last coefficient, which is no displacement.
        ours = blocks.resize(says, (32, 32, 32))[0, 0, 0, 0, 1] - belongs[1]
        theirs = aligned_resize(says, (32, 32, 32))[0, 0, 0, 0, 0] - belongs[0]
        print(f"{level:5}  {own:19}  {ours.abs():4.2f}  {theirs.abs():7.2f}")


def starts() -> None:
    """Prints the mean alpha of untrained networks, with psi.bias as torch makes it and at +3."""
    values = make_abdomen(100_000).values
    start = [(length - size) // 2 for length, size in zip(values.shape, CROP, strict=True)]
    crop = values[tuple(slice(a, a + size) for a, size in zip(start, CROP, strict=True))]
    inputs = {
        "phantom": torch.from_numpy(Normalisation("window", -160.0, 240.0).apply(crop))[None, None],
        "noise": torch.randn(1, 1, *CROP, generator=torch.Generator().manual_seed(7)),
    }
    modes: dict[str, Callable[[SegmentationNetwork], object]] = {
        "first training step": lambda network: network.train(),
        "eval, fresh statistics": lambda network: network.eval(),
    }
    print(f"\nMean alpha of the untrained published network, {len(START_SEEDS)} seeds, {CROP} voxels")
    print("psi.bias  input    BatchNorm               level  lowest  mean  highest   mean sd in a map")
    for bias in (None, 3.0):
        for name, x in inputs.items():
            for mode, enter in modes.items():
                means: dict[int, list[float]] = {}
                spreads: dict[int, list[float]] = {}
                for seed in START_SEEDS:
                    network = network_of(seed, bias)
                    enter(network)
                    for level, alpha in alphas(network, x).items():
                        means.setdefault(level, []).append(float(alpha.mean()))
                        spreads.setdefault(level, []).append(float(alpha.std()))
                for level in sorted(means, reverse=True):
                    m, s = means[level], spreads[level]
                    print(
                        f"{'default' if bias is None else '+3':8}  {name:7}  {mode:22}  {level:5}  {min(m):6.2f}"
                        f"  {sum(m) / len(m):4.2f}  {max(m):7.2f}   {sum(s) / len(s):.3f}",
                        flush=True,
                    )


@torch.no_grad()
def main() -> None:
    """Prints every table."""
    torch.set_num_threads(1)
    shifts()
    displacements()
    starts()


if __name__ == "__main__":
    main()
