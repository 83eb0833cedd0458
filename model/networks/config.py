"""What decides a network's shape, checked once and free of torch; the layers made of it are in `blocks`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Upsampling = Literal["trilinear", "transposed"]


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that decides a network's shape; `model.networks.build` says what each field means."""

    widths: tuple[int, ...]
    classes: int = 4
    channels: int = 1
    deep_supervision: bool = True
    gating_channels: int | None = None
    dims: int = 3
    psi_bias_start: float | None = None
    strides: tuple[tuple[int, ...], ...] | None = None
    kernels: tuple[tuple[int, ...], ...] | None = None
    upsampling: Upsampling = "trilinear"

    def __post_init__(self) -> None:
        if self.dims not in (2, 3):
            raise ValueError(f"A network has 2 or 3 dimensions, not {self.dims}.")
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(f"Widths {self.widths} make no U-Net: give at least two positive widths.")
        if self.classes < 2 or self.channels < 1:
            raise ValueError(f"{self.channels} channels and {self.classes} classes make no network.")
        if self.gating_channels is not None and self.gating_channels < 1:
            raise ValueError(f"A gating signal has one channel or more, not {self.gating_channels}.")
        if self.strides is not None and len(self.strides) != len(self.widths) - 1:
            raise ValueError(
                f"{len(self.strides)} strides for {len(self.widths)} widths: give one per pooling."
            )
        if self.kernels is not None and len(self.kernels) != len(self.widths):
            raise ValueError(
                f"{len(self.kernels)} kernels for {len(self.widths)} widths: give one per scale."
            )
        if any(len(step) != self.dims for step in (*(self.strides or ()), *(self.kernels or ()))):
            raise ValueError(f"Strides and kernels need {self.dims} numbers each.")
        if any(step < 1 for stride in self.strides or () for step in stride):
            raise ValueError(f"Strides {self.strides} hold a number below 1; 1 leaves an axis as it is.")
        if any(size < 1 or size % 2 == 0 for kernel in self.kernels or () for size in kernel):
            raise ValueError("Kernels have odd sizes, or a convolution would move the grid.")
        if self.upsampling not in get_args(Upsampling):
            raise ValueError(
                f"There is no upsampling '{self.upsampling}'; choose {' or '.join(get_args(Upsampling))}."
            )

    def stride(self, level: int) -> tuple[int, ...]:
        """Stride of the pooling below scale `level` (from 1)."""
        return (2,) * self.dims if self.strides is None else self.strides[level - 1]

    def kernel(self, level: int) -> tuple[int, ...]:
        """Kernel of the convolutions at scale `level` (from 1)."""
        return (3,) * self.dims if self.kernels is None else self.kernels[level - 1]

    def stride_of_scale(self, scale: int) -> tuple[int, ...]:
        """Input voxels per voxel of `scale` (1 is the input's own grid), per axis."""
        total = [1] * self.dims
        for level in range(1, scale):
            total = [t * s for t, s in zip(total, self.stride(level), strict=True)]
        return tuple(total)

    @property
    def total_stride(self) -> tuple[int, ...]:
        """Input voxels per bottleneck voxel, per axis."""
        return self.stride_of_scale(len(self.widths))

    def visible(self, size: Sequence[int], scale: int) -> tuple[int, ...]:
        """How many voxels of `scale` an input of spatial `size` touches; what lies beyond is padding.

        Skip L lives on scale L, and the coefficients of its gate on scale L + 1.
        """
        return tuple(-(-n // stride) for n, stride in zip(size, self.stride_of_scale(scale), strict=True))
