"""The 3-D Attention U-Net as published: where each gate sits and what gates it. Its parts are in `blocks`."""

from __future__ import annotations

from torch import Tensor, nn

from model.networks.blocks import (
    Encoder,
    GateCoefficients,
    GatedSkip,
    GateIntervention,
    GatingSignal,
    NetworkConfig,
    Output,
    SegmentationNetwork,
    UpBlock,
    crop,
    initialise,
    pad_to_multiple,
)


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
        self.encoder = Encoder(config)
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

    def forward_with_attention(
        self, x: Tensor, interventions: GateIntervention | None = None
    ) -> tuple[Tensor, tuple[GateCoefficients, ...]]:
        """Logits and coefficients as the base class says; see figure 1 of the paper for what gates what."""
        wanted = dict(interventions or {})
        known = {(level, gate) for level in self.gated_levels for gate in range(1, self.gates + 1)}
        if unknown := sorted(set(wanted) - known):
            raise ValueError(
                f"There is no gate {unknown[0]} (level, gate); this network has {sorted(known)}."
            )

        *skips, bottleneck = self.encoder(pad_to_multiple(x, self.config.total_stride))
        gating, feature = self.gating(bottleneck), bottleneck
        decoded: list[Tensor] = []
        coefficients: list[GateCoefficients] = []
        for level in range(len(skips), 0, -1):
            skip = skips[level - 1]
            if level > 1:
                replacements = [wanted.get((level, gate)) for gate in range(1, self.gates + 1)]
                skip, alphas = self.gated_skips[level - 2](skip, gating, replacements)
                covered = self._alpha_size(x, level)
                found = [
                    GateCoefficients(level, gate, crop(a, covered)) for gate, a in enumerate(alphas, start=1)
                ]
                coefficients = found + coefficients
            feature = self.ups[level - 1](skip, feature)
            decoded.insert(0, feature)
            gating = feature
        return crop(self.output(decoded), x.shape[2:]), tuple(coefficients)

    def _alpha_size(self, x: Tensor, level: int) -> list[int]:
        strides = [1] * self.config.dims
        for finer in range(1, level + 1):
            strides = [total * step for total, step in zip(strides, self.config.stride(finer), strict=True)]
        return [-(-size // stride) for size, stride in zip(x.shape[2:], strides, strict=True)]
