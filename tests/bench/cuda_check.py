"""Compares what the shipped models say on CUDA with the CPU in float32, and times the published network's volume.

    python tests/bench/cuda_check.py [--size z,y,x] [--time-size z,y,x] [--repeats N]

Needs torch, numpy and safetensors, and of this program the networks and grids, so it runs on a bare machine with a
GPU. One line a comparison: the largest difference of logits and coefficients as a part of the largest value, and the
part of voxels with the same label. Then the seconds of one 160×160×96 volume with the published widths (the paper:
0.179 s on its GPU). Without CUDA it says so and compares the folded network with the network as it comes, on the CPU.
Exit code 1 only where float32 differs by more than rounding.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from model.networks import PUBLISHED_WIDTHS, build  # noqa: E402
from model.networks.folding import fold, to_bfloat16  # noqa: E402
from model.networks.network import SegmentationNetwork  # noqa: E402

FLOAT32_LIMIT = 1e-3
"""Rounding through some twenty layers is below this; a wrong weight is far above."""

PAPER_SECONDS = 0.179


def shipped(folder: Path) -> SegmentationNetwork:
    """The network of a bundle's folder in eval mode."""
    description = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    network = build(
        description["architecture"],
        widths=description["widths"],
        classes=description["classes"],
        channels=description["channels"],
        deep_supervision=description["deep_supervision"],
    )
    state = {name: tensor.float() for name, tensor in load_file(folder / "weights.safetensors").items()}
    left_out = network.load_state_dict(state, strict=False)
    if left_out.unexpected_keys or [k for k in left_out.missing_keys if "num_batches_tracked" not in k]:
        raise SystemExit(f"the weights in {folder.name} do not fit: {left_out}")
    return network.eval().requires_grad_(False)


def volume(size: tuple[int, int, int], seed: int = 1) -> torch.Tensor:
    """Smooth structures in noise, (1, 1, z, y, x), about -1 to 1."""
    random = np.random.default_rng(seed)
    z, y, x = np.indices(size)
    waves = np.sin(z / 7) * np.cos(y / 9) * np.sin(x / 11)
    values = np.clip(waves + random.normal(0, 0.2, size), -1, 1).astype(np.float32)
    return torch.from_numpy(values)[None, None]


def compare(
    name: str, network: SegmentationNetwork, x: torch.Tensor, wanted: tuple[torch.Tensor, list[torch.Tensor]]
) -> float:
    """Print one line; the largest difference of logits as a part of the largest logit."""
    logits, alphas = answer(network, x)
    by_logits = float((logits - wanted[0]).abs().max() / wanted[0].abs().max())
    by_alphas = max(float((a - b).abs().max()) for a, b in zip(alphas, wanted[1], strict=True))
    same = float((logits.argmax(dim=1) == wanted[0].argmax(dim=1)).double().mean())
    print(f"{name:58} logits {by_logits:.1e}  alphas {by_alphas:.1e}  same label {same:.5f}", flush=True)
    return by_logits


def answer(network: SegmentationNetwork, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits and coefficients in float32 on the CPU."""
    with torch.inference_mode():
        logits, coefficients = network.forward_with_attention(x)
    return logits.float().cpu(), [found.alpha.float().cpu() for found in coefficients]


def variants(network: SegmentationNetwork, device: str) -> dict[str, SegmentationNetwork]:
    """The network as predictions run it on `device`: folded, and in bfloat16 where that is CUDA."""
    single = copy.deepcopy(network)
    fold(single)
    found = {"float32": single.to(device)}
    if device == "cuda":
        half = copy.deepcopy(single)
        to_bfloat16(half)
        found["bfloat16"] = half
    return found


def check_shipped(device: str, size: tuple[int, int, int]) -> bool:
    """Both shipped models against the CPU in float32; False where float32 is off by more than rounding."""
    good = True
    for folder in sorted((REPOSITORY / "resources" / "models").iterdir()):
        if not (folder / "bundle.json").is_file():
            continue
        network, x = shipped(folder), volume(size)
        wanted = answer(network, x)
        where = x.to(device, memory_format=torch.channels_last_3d)
        for precision, other in variants(network, device).items():
            for tf32 in (False, True) if (device, precision) == ("cuda", "float32") else (False,):
                torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
                words = f"{folder.name}: {device}, folded, {'TF32' if tf32 else precision}"
                difference = compare(words, other, where, wanted)
                good = good and (tf32 or precision != "float32" or difference < FLOAT32_LIMIT)
    return good


def time_published(device: str, size: tuple[int, int, int], repeats: int) -> None:
    """The seconds of one volume with the published widths, median of `repeats` after a warm-up."""
    torch.manual_seed(7)
    network = build("attention-unet", widths=PUBLISHED_WIDTHS).eval().requires_grad_(False)
    x = volume(size).to(device, memory_format=torch.channels_last_3d)
    wait: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else lambda: None
    shape = "×".join(str(length) for length in reversed(size))
    for precision, other in variants(network, device).items():
        seconds = []
        for _ in range(repeats + 1):
            wait()
            began = time.perf_counter()
            with torch.inference_mode():
                other.forward_with_attention(x)
            wait()
            seconds.append(time.perf_counter() - began)
        print(
            f"{shape}, widths 16 to 256, {device}, {precision}: {statistics.median(seconds[1:]):.4f} s "
            f"(the paper's 160×160×96 on its GPU: {PAPER_SECONDS} s)",
            flush=True,
        )


def triple(text: str) -> tuple[int, int, int]:
    """`z,y,x` as numbers."""
    z, y, x = (int(word) for word in text.split(","))
    return z, y, x


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=triple, default=(96, 128, 128), help="z,y,x of the comparison")
    parser.add_argument("--time-size", type=triple, default=(96, 160, 160), help="z,y,x of the timing")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, CUDA {torch.version.cuda}")
    else:
        print(
            f"This machine has no CUDA; the CPU alone ({torch.get_num_threads()} threads), torch {torch.__version__}."
        )
    good = check_shipped(device, options.size)
    time_published(device, options.time_size, options.repeats)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
