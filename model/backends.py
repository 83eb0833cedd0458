"""The seam between a prediction and what computes it: one window in, logits and coefficients out, in numpy.

torch is the back end there is; another one offers the same four things. Where windows lie, how they are
joined and what is made of them is `model.inference`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import numpy.typing as npt

from model import devices
from model.bundle import Bundle, load_network
from model.errors import CannotPredict

if TYPE_CHECKING:
    from torch import nn

    from model.networks.blocks import SegmentationNetwork

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WindowCoefficients:
    """The coefficients of one gate in one window: alpha (z, y, x) in [0, 1] on its own, coarser grid."""

    level: int
    gate: int
    alpha: FloatArray


@dataclass(frozen=True, eq=False)
class WindowResult:
    """What a network says of one window: logits (class, z, y, x), background first, and its coefficients."""

    logits: FloatArray
    coefficients: tuple[WindowCoefficients, ...]


class Backend(Protocol):
    """A network that is loaded and ready to look at windows, one after the other."""

    @property
    def name(self) -> str:
        """What computes, with its precision: "torch 2.13.0, float32"."""

    @property
    def device(self) -> str:
        """Where it computes, in words: "CPU, 2 threads"."""

    @property
    def coarsest_stride(self) -> int:
        """Voxels per voxel of the coarsest scale; windows start on multiples of it."""

    def run(self, window: FloatArray) -> WindowResult:
        """The result for one normalised window (z, y, x).

        Raises:
            CannotPredict: if the device's memory does not suffice.
        """


class TorchBackend:
    """The network of a bundle in torch, in single precision, its BatchNorm folded into the convolutions."""

    def __init__(self, network: SegmentationNetwork, device: str) -> None:
        """`network` in inference mode, on `device` ("cpu" or "cuda"); it is changed in place."""
        import torch

        self._network = network
        self._device = torch.device(device)
        self._words = devices.describe(device)
        self.coarsest_stride = network.coarsest_stride
        self.name = f"torch {torch.__version__}, float32"
        network.eval()
        module = cast("nn.Module", network)
        fold_batch_norm(module)
        # Channels beside each other in memory: a quarter less time on a CPU without bfloat16, and CUDA likes it.
        module.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # the stub lacks it

    @property
    def device(self) -> str:
        """Where it computes, in words."""
        return self._words

    def run(self, window: FloatArray) -> WindowResult:
        """The result for one normalised window (z, y, x).

        Raises:
            CannotPredict: if the device's memory does not suffice.
        """
        import torch

        try:
            with torch.inference_mode():
                x = torch.from_numpy(np.ascontiguousarray(window))[None, None]
                x = x.to(self._device, memory_format=torch.channels_last_3d)
                logits, coefficients = self._network.forward_with_attention(x)
                return WindowResult(
                    logits[0].float().cpu().contiguous().numpy(),
                    tuple(
                        WindowCoefficients(
                            found.level, found.gate, found.alpha[0, 0].float().cpu().contiguous().numpy()
                        )
                        for found in coefficients
                    ),
                )
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise out_of_memory(self._words, window.shape) from error
        except RuntimeError as error:
            # torch's allocator for the CPU has no error type of its own.
            if "DefaultCPUAllocator" in str(error):
                raise out_of_memory(self._words, window.shape) from error
            raise


def open_backend(bundle: Bundle, device: str = "auto") -> Backend:
    """The back end that predicts with `bundle` on `device` ("auto", "cpu" or "cuda").

    Raises:
        BundleError: if the weights do not fit the network.
        CannotPredict: if there is no such device, or its memory does not suffice.
    """
    import torch

    where = devices.resolve(device)
    try:
        return TorchBackend(load_network(bundle, where), where)
    except torch.OutOfMemoryError as error:
        raise CannotPredict(
            f"The model {bundle.name} does not fit into the memory of {devices.describe(where)}; "
            "close other programs that use it, or choose the device cpu."
        ) from error


def fold_batch_norm(network: nn.Module) -> None:
    """Multiply every BatchNorm that directly follows a convolution into it, in place.

    The network must be in eval mode, where both are linear, so the result differs by rounding only.
    """
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    convolutions, normalisations = (nn.Conv2d, nn.Conv3d), (nn.BatchNorm2d, nn.BatchNorm3d)
    for block in network.modules():
        if not isinstance(block, nn.Sequential):
            continue
        for index in range(len(block) - 1):
            first, second = block[index], block[index + 1]
            if isinstance(first, convolutions) and isinstance(second, normalisations):
                block[index] = fuse_conv_bn_eval(first, second)
                block[index + 1] = nn.Identity()


def out_of_memory(device: str, window_shape: tuple[int, ...]) -> CannotPredict:
    """The sentence for a device whose memory ran out while it looked at a window (z, y, x)."""
    size = " × ".join(str(length) for length in reversed(window_shape))
    return CannotPredict(
        f"The memory of {device} ran out on a window of {size} voxels and nothing was changed; "
        "close other programs, or draw a smaller region box."
    )
