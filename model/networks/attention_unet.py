"""The 3-D Attention U-Net as published: where each gate sits and what gates it. Its parts are in `blocks`."""

from __future__ import annotations

from typing import cast, get_args

from torch import Tensor, nn

from model.networks.blocks import (
    Choose,
    GatedSkip,
    GatingSignal,
    Output,
    UpBlock,
    crop,
    initialise,
    unchanged,
)
from model.networks.config import NetworkConfig
from model.networks.interventions import Effect, GateName, GateStatistics, Interventions, replaced
from model.networks.network import Encoded, GateCoefficients, SegmentationNetwork


class AttentionUNet(SegmentationNetwork):
    """Oktay et al. 2018 with `gates` gates per skip (1: "single", 2: "multi" of the authors' code).

    The deepest skip is gated by the gating signal made from the bottleneck, the others by the decoder feature
    of the next coarser scale, the finest skip not at all.
    """

    def __init__(self, config: NetworkConfig, gates: int = 1) -> None:
        super().__init__(config)
        if len(config.widths) < 3:
            raise ValueError(
                f"Widths {config.widths} leave no skip to gate: an Attention U-Net needs at least three."
            )
        self.gates = gates
        deepest = len(config.widths) - 1
        gating_channels = config.gating_channels or config.widths[-1]
        self.gating = GatingSignal(config.dims, config.widths[-1], gating_channels)
        self.gated_skips = nn.ModuleList(
            GatedSkip(config, level, gating_channels if level == deepest else config.widths[level], gates)
            for level in self.gated_levels
        )
        self.ups = nn.ModuleList(UpBlock(config, level) for level in range(1, deepest + 1))
        self.output = Output(config)
        initialise(self, config.psi_bias_start)

    @property
    def gated_levels(self) -> tuple[int, ...]:
        """Skip levels with gates, finest first: all but level 1."""
        return tuple(range(2, len(self.config.widths)))

    def gated_skip(self, level: int) -> GatedSkip:
        """The gates of the skip at `level` and what combines them."""
        return cast(GatedSkip, self.gated_skips[level - 2])

    def decode(
        self,
        encoded: Encoded,
        interventions: Interventions | None = None,
        *,
        effect: Effect = "total",
        statistics: GateStatistics | None = None,
    ) -> tuple[Tensor, tuple[GateCoefficients, ...]]:
        """Logits and coefficients as the base class says; see figure 1 of the paper for what gates what."""
        choose = self._choice(encoded, interventions or {}, effect)
        decoded, alphas = self._climb(encoded, choose, statistics)
        finest = self.ups[0](encoded.features[0], decoded[0])
        coefficients = tuple(
            GateCoefficients(level, gate, crop(alpha, self.config.visible(encoded.size, level + 1)))
            for level in self.gated_levels
            for gate, alpha in enumerate(alphas[level], start=1)
        )
        return crop(self.output([finest, *decoded]), encoded.size), coefficients

    def coefficients(
        self,
        encoded: Encoded,
        interventions: Interventions | None = None,
        *,
        effect: Effect = "total",
        statistics: GateStatistics | None = None,
    ) -> dict[int, list[Tensor]]:
        """Every level's alphas, one per gate, as `decode` would apply them: on the padded grid, without its logits."""
        return self._climb(encoded, self._choice(encoded, interventions or {}, effect), statistics)[1]

    def _climb(
        self, encoded: Encoded, choose: Choose, statistics: GateStatistics | None
    ) -> tuple[list[Tensor], dict[int, list[Tensor]]]:
        """Decoder features of the gated levels, finest first, and their alphas by level."""
        bottleneck = encoded.features[-1]
        gating, feature = self.gating(bottleneck), bottleneck
        decoded: list[Tensor] = []
        alphas: dict[int, list[Tensor]] = {}
        for level in reversed(self.gated_levels):
            skip, alphas[level] = self.gated_skip(level)(
                encoded.features[level - 1], gating, choose, statistics
            )
            feature = gating = self.ups[level - 1](skip, feature)
            decoded.insert(0, feature)
        return decoded, alphas

    def _choice(self, encoded: Encoded, interventions: Interventions, effect: Effect) -> Choose:
        """Which alpha each gate applies: its own, the one it had without interventions, or a replacement of it."""
        known = {(level, gate) for level in self.gated_levels for gate in range(1, self.gates + 1)}
        if unknown := sorted(set(interventions) - known):
            raise ValueError(
                f"There is no gate {unknown[0]} (level, gate); this network has {sorted(known)}."
            )
        if effect not in get_args(Effect):
            raise ValueError(f"There is no effect '{effect}'; choose {' or '.join(get_args(Effect))}.")
        if not interventions:
            return unchanged
        before = self._climb(encoded, unchanged, None)[1] if effect == "direct" else {}

        def choose(name: GateName, own: Tensor) -> Tensor:
            level, gate = name
            alpha = before[level][gate - 1] if before else own
            if name not in interventions:
                return alpha
            return replaced(interventions[name], alpha, self.config.visible(encoded.size, level + 1))

        return choose
