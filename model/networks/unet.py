"""The plain 3-D U-Net: the Attention U-Net's twin with the same blocks and no gates, for comparison."""

from __future__ import annotations

from torch import Tensor, nn

from model.networks.blocks import Output, UpBlock, crop, initialise
from model.networks.config import NetworkConfig
from model.networks.interventions import Effect, GateStatistics, Interventions
from model.networks.network import Encoded, GateCoefficients, SegmentationNetwork


class UNet(SegmentationNetwork):
    """Encoder, decoder with plain skips, output."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.ups = nn.ModuleList(UpBlock(config, level) for level in range(1, len(config.widths)))
        self.output = Output(config)
        initialise(self, None)

    @property
    def gated_levels(self) -> tuple[int, ...]:
        """None: every skip is plain."""
        return ()

    def decode(
        self,
        encoded: Encoded,
        interventions: Interventions | None = None,
        *,
        effect: Effect = "total",
        statistics: GateStatistics | None = None,
    ) -> tuple[Tensor, tuple[GateCoefficients, ...]]:
        """Logits and no coefficients; with no gates, an intervention is a mistake (ValueError)."""
        if interventions:
            raise ValueError(f"A plain U-Net has no gate {min(interventions)} to intervene on.")
        *skips, feature = encoded.features
        decoded: list[Tensor] = []
        for skip, up in zip(reversed(skips), reversed(list(self.ups)), strict=True):
            feature = up(skip, feature)
            decoded.insert(0, feature)
        return crop(self.output(decoded), encoded.size), ()
