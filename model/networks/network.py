"""What every registered network offers: logits and coefficients, and the same with coefficients replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from model.networks.blocks import Encoder, pad_to_multiple
from model.networks.config import NetworkConfig
from model.networks.interventions import Effect, GateStatistics, Interventions


class GateCoefficients(NamedTuple):
    """The attention coefficients one gate applied, on their own grid.

    `level` counts skips from 1, the finest (which no gate weighs); skip L has stride 2^(L-1) voxels of the
    input and its `alpha`, shape (batch, 1, [z,] y, x) in [0, 1], has stride 2^L. `gate` counts from 1.
    """

    level: int
    gate: int
    alpha: Tensor


@dataclass(frozen=True, eq=False)
class Encoded:
    """What the encoder made of an input: `features` per scale, finest first, and the input's spatial `size`.

    Features are padded to whole strides; decoding leaves them as they are, so one pass serves many interventions.
    """

    features: tuple[Tensor, ...]
    size: tuple[int, ...]


class SegmentationNetwork(nn.Module):
    """What every registered network offers: logits and coefficients for an input of any size."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels per scale, finest first."""
        return self.config.widths

    @property
    def coarsest_stride(self) -> int:
        """Voxels of the input per voxel of the bottleneck, the largest over the axes."""
        return max(self.config.total_stride)

    @property
    def gated_levels(self) -> tuple[int, ...]:
        """The skip levels that a gate weighs, finest first."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Logits (batch, class, [z,] y, x) on the grid of `x` (batch, channel, [z,] y, x)."""
        return self.forward_with_attention(x)[0]

    def forward_with_attention(self, x: Tensor) -> tuple[Tensor, tuple[GateCoefficients, ...]]:
        """Logits, and the coefficients of every gate, finest level first.

        Args:
            x: (batch, channel, [z,] y, x), any size; it is padded at its far ends inside.

        Returns:
            Logits on the grid of `x`, and coefficients whose alpha of level L covers `x` with
            ceil(size / 2^L) voxels.
        """
        return self.decode(self.encode(x))

    def intervene(
        self,
        x: Tensor | Encoded,
        interventions: Interventions,
        *,
        effect: Effect = "total",
        statistics: GateStatistics | None = None,
    ) -> tuple[Tensor, tuple[GateCoefficients, ...]]:
        """Logits and coefficients with other coefficients in the place of some gates' own.

        Args:
            x: an input, or what `encode` made of it, which saves the encoder's time when it is asked again.
            interventions: (level, gate) -> what stands in for that gate's alpha (`model.networks.interventions`).
            effect: "total" lets the gates above a changed one see the change; "direct" leaves all others, and
                what a mean or a shuffle is taken of, at the coefficients they have without any intervention.
            statistics: what `model.networks.reestimation.reestimate` measured for the same interventions; None
                leaves the BatchNorms behind the changed gates with those of training.

        Returns:
            As `forward_with_attention`; the alpha of a changed gate is the replacement.

        Raises:
            ValueError: for a gate that does not exist, or a region or map that does not fit its alpha.
        """
        encoded = x if isinstance(x, Encoded) else self.encode(x)
        return self.decode(encoded, interventions, effect=effect, statistics=statistics)

    def encode(self, x: Tensor) -> Encoded:
        """The encoder's features of `x` (batch, channel, [z,] y, x), which no intervention changes."""
        padded = pad_to_multiple(x, self.config.total_stride)
        return Encoded(tuple(self.encoder(padded)), tuple(x.shape[2:]))

    def decode(
        self,
        encoded: Encoded,
        interventions: Interventions | None = None,
        *,
        effect: Effect = "total",
        statistics: GateStatistics | None = None,
    ) -> tuple[Tensor, tuple[GateCoefficients, ...]]:
        """The rest of `forward_with_attention`, or of `intervene` where there are interventions."""
        raise NotImplementedError
