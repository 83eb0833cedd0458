"""The Attention U-Net written out once more, straight down, in numpy and float64: what the networks are held to.

It shares no code with `model.networks` and takes nothing from it but weights by name. 3-D, stride 2, one batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """A state dict as float64 arrays."""

    values: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.values[name]


def conv3(x: Array, w: Array, b: Array) -> Array:
    """3³ convolution with zero padding; x (channel, z, y, x)."""
    _, depth, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (1, 1)))
    out = np.zeros((w.shape[0], depth, height, width))
    for k in range(3):
        for j in range(3):
            for i in range(3):
                out += np.einsum(
                    "oc,czyx->ozyx", w[:, :, k, j, i], padded[:, k : k + depth, j : j + height, i : i + width]
                )
    return out + b[:, None, None, None]


def conv1(x: Array, w: Array, b: Array) -> Array:
    return np.einsum("oc,czyx->ozyx", w[:, :, 0, 0, 0], x) + b[:, None, None, None]


def theta(x: Array, w: Array) -> Array:
    """2³ convolution with stride 2, no bias."""
    out = np.zeros((w.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3] // 2))
    for k in range(2):
        for j in range(2):
            for i in range(2):
                out += np.einsum("oc,czyx->ozyx", w[:, :, k, j, i], x[:, k::2, j::2, i::2])
    return out


def norm(x: Array, p: Weights, name: str) -> Array:
    scale = p[f"{name}.weight"] / np.sqrt(p[f"{name}.running_var"] + 1e-5)
    shift = p[f"{name}.bias"] - p[f"{name}.running_mean"] * scale
    return x * scale[:, None, None, None] + shift[:, None, None, None]


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def pool(x: Array) -> Array:
    c, z, y, w = x.shape
    return x.reshape(c, z // 2, 2, y // 2, 2, w // 2, 2).max((2, 4, 6))


def grow(x: Array, axis: int, factor: int) -> Array:
    """Linear interpolation along one axis, voxel borders kept, ends repeated."""
    n = x.shape[axis]
    at = np.clip((np.arange(n * factor) + 0.5) / factor - 0.5, 0, n - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, n - 1)
    part = (at - low).reshape([-1 if a == axis else 1 for a in range(4)])
    return np.take(x, low, axis) * (1 - part) + np.take(x, high, axis) * part


def upsample(x: Array, factor: int) -> Array:
    for axis in (1, 2, 3):
        x = grow(x, axis, factor)
    return x


def block(x: Array, p: Weights, name: str) -> Array:
    x = relu(norm(conv3(x, p[f"{name}.0.weight"], p[f"{name}.0.bias"]), p, f"{name}.1"))
    return relu(norm(conv3(x, p[f"{name}.3.weight"], p[f"{name}.3.bias"]), p, f"{name}.4"))


def gated(x: Array, g: Array, p: Weights, name: str, gates: int) -> tuple[Array, list[Array]]:
    weighed, alphas = [], []
    for gate in range(gates):
        at = f"{name}.gates.{gate}"
        q = relu(theta(x, p[f"{at}.theta.weight"]) + conv1(g, p[f"{at}.phi.weight"], p[f"{at}.phi.bias"]))
        alpha = sigmoid(conv1(q, p[f"{at}.psi.weight"], p[f"{at}.psi.bias"]))
        w = conv1(upsample(alpha, 2) * x, p[f"{at}.W.0.weight"], p[f"{at}.W.0.bias"])
        weighed.append(norm(w, p, f"{at}.W.1"))
        alphas.append(alpha)
    joined = conv1(np.concatenate(weighed), p[f"{name}.combine.0.weight"], p[f"{name}.combine.0.bias"])
    return relu(norm(joined, p, f"{name}.combine.1")), alphas


def attention_unet_of_four_scales(
    x: Array, p: Weights, gates: int, side_heads: bool
) -> tuple[Array, list[Array]]:
    """Logits (class, z, y, x) and alphas, level 2 first, of a network with four widths."""
    f1 = block(x, p, "encoder.blocks.0")
    f2 = block(pool(f1), p, "encoder.blocks.1")
    f3 = block(pool(f2), p, "encoder.blocks.2")
    f4 = block(pool(f3), p, "encoder.blocks.3")

    g = relu(norm(conv1(f4, p["gating.0.weight"], p["gating.0.bias"]), p, "gating.1"))
    s3, alphas3 = gated(f3, g, p, "gated_skips.1", gates)
    d3 = block(np.concatenate([s3, upsample(f4, 2)]), p, "ups.2.convs")
    s2, alphas2 = gated(f2, d3, p, "gated_skips.0", gates)
    d2 = block(np.concatenate([s2, upsample(d3, 2)]), p, "ups.1.convs")
    d1 = block(np.concatenate([f1, upsample(d2, 2)]), p, "ups.0.convs")

    h1 = conv1(d1, p["output.heads.0.weight"], p["output.heads.0.bias"])
    if not side_heads:
        return h1, alphas2 + alphas3
    h2 = upsample(conv1(d2, p["output.heads.1.weight"], p["output.heads.1.bias"]), 2)
    h3 = upsample(conv1(d3, p["output.heads.2.weight"], p["output.heads.2.bias"]), 4)
    logits = conv1(np.concatenate([h1, h2, h3]), p["output.fuse.weight"], p["output.fuse.bias"])
    return logits, alphas2 + alphas3
