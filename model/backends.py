"""The seam between a prediction and what computes it: one window in, logits and coefficients out, in numpy.

torch is the back end there is; another one offers the same four things. Where windows lie, how they are
joined and what is made of them is `model.inference`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from model import devices
from model.bundle import Bundle, load_network
from model.errors import CannotPredict
from model.grid import Int3

if TYPE_CHECKING:
    from model.networks.network import SegmentationNetwork

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

    def run(self, window: FloatArray, *, attention: bool = True) -> WindowResult:
        """The result for one normalised window (z, y, x); without `attention`, its coefficients are left out.

        Raises:
            CannotPredict: if the device's memory does not suffice.
        """


class TorchBackend:
    """The network of a bundle in torch, folded (`model.networks.folding`)."""

    def __init__(
        self, network: SegmentationNetwork, device: str, precision: devices.Precision = "float32"
    ) -> None:
        """`network` in inference mode, on `device` ("cpu" or "cuda"); it is changed in place."""
        import torch

        from model.networks import folding

        self._network = network
        self._device = torch.device(device)
        self._words = devices.describe(device)
        self.coarsest_stride = network.coarsest_stride
        self.name = f"torch {torch.__version__}, {precision}"
        network.eval()
        folding.fold(network)
        if precision == "bfloat16":
            folding.to_bfloat16(network)

    @property
    def device(self) -> str:
        """Where it computes, in words."""
        return self._words

    def run(self, window: FloatArray, *, attention: bool = True) -> WindowResult:
        """The result for one normalised window (z, y, x); without `attention`, its coefficients are left out.

        The network computes the same either way: it weighs its skips by them.

        Raises:
            CannotPredict: if the device's memory does not suffice.
        """
        import torch

        try:
            with torch.inference_mode():
                x = torch.from_numpy(np.ascontiguousarray(window))[None, None]
                # Channels beside each other in memory: what oneDNN's and CUDA's convolutions are fastest with.
                x = x.to(self._device, memory_format=torch.channels_last_3d)
                logits, coefficients = self._network.forward_with_attention(x)
                return WindowResult(
                    logits[0].float().cpu().contiguous().numpy(),
                    tuple(
                        WindowCoefficients(
                            found.level, found.gate, found.alpha[0, 0].float().cpu().contiguous().numpy()
                        )
                        for found in (coefficients if attention else ())
                    ),
                )
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise out_of_memory(self._words, window.shape) from error
        except RuntimeError as error:
            # torch's allocator for the CPU has no error type of its own.
            if "DefaultCPUAllocator" in str(error):
                raise out_of_memory(self._words, window.shape) from error
            raise


class ConstantsOnce:
    """A back end that looks once at windows of one and the same value throughout, and remembers its answer.

    Such is the air round a patient where intensities are clipped. The answer is the very one it would give again.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: tuple[bytes, Int3, bool] | None = None
        self._answer: WindowResult | None = None

    @property
    def name(self) -> str:
        """As the back end behind says."""
        return self._backend.name

    @property
    def device(self) -> str:
        """As the back end behind says."""
        return self._backend.device

    @property
    def coarsest_stride(self) -> int:
        """As the back end behind says."""
        return self._backend.coarsest_stride

    def run(self, window: FloatArray, *, attention: bool = True) -> WindowResult:
        """The result for one normalised window (z, y, x), as the back end behind gives it."""
        first = window[0, 0, 0]
        if window[-1, -1, -1] != first or not bool((window == first).all()):
            return self._backend.run(window, attention=attention)
        z, y, x = window.shape
        # The bytes, since -0 equals 0 and is another input.
        asked = (np.float32(first).tobytes(), (z, y, x), attention)
        if self._answer is None or asked != self._known:
            self._known, self._answer = asked, self._backend.run(window, attention=attention)
        return self._answer


def open_backend(bundle: Bundle, device: str = "auto") -> Backend:
    """The back end that predicts with `bundle` on `device` ("auto", "cpu" or "cuda").

    Raises:
        BundleError: if the weights do not fit the network.
        CannotPredict: if there is no such device, or its memory does not suffice.
    """
    import torch

    where = devices.resolve(device)
    try:
        return TorchBackend(load_network(bundle, where), where, devices.precision(where))
    except torch.OutOfMemoryError as error:
        raise CannotPredict(
            f"The model {bundle.name} does not fit into the memory of {devices.describe(where)}; "
            "close other programs that use it, or choose the device cpu."
        ) from error


def out_of_memory(device: str, window_shape: tuple[int, ...]) -> CannotPredict:
    """The sentence for a device whose memory ran out while it looked at a window (z, y, x)."""
    size = " × ".join(str(length) for length in reversed(window_shape))
    return CannotPredict(
        f"The memory of {device} ran out on a window of {size} voxels and nothing was changed; "
        "close other programs, or draw a smaller region box."
    )
