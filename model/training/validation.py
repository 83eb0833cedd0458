"""How a network in training does on whole cases it does not learn from: Dice, and its attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.bundle import BundleLabel
from model.metrics import dice, summarise
from model.networks.network import SegmentationNetwork
from model.training.checkpoint import HistoryKey
from model.training.config import CaseDice
from model.training.data import Case
from model.validation_table import ValidationRow


@dataclass(frozen=True)
class Judgement:
    """What a validation found: a row per label, the spread of each gate's coefficients, and Dice of every case."""

    rows: tuple[ValidationRow, ...]
    attention_sd: tuple[float, ...]
    cases: tuple[CaseDice, ...]

    @property
    def means(self) -> tuple[float, ...]:
        """Mean Dice of each label that has a row."""
        return tuple(row.dice_mean for row in self.rows)


@torch.no_grad()
def validate(
    network: SegmentationNetwork, cases: Sequence[Case], labels: Sequence[BundleLabel], device: torch.device
) -> Judgement:
    """Dice per label over whole cases without any post-processing, and the mean spread of each gate's coefficients.

    A label that neither a case nor a prediction of any case holds has no row.
    """
    network.eval()
    judged, spreads = [], []
    for case in cases:
        logits, gates = _whole(network, case, device)
        found = logits[0].argmax(0).cpu().numpy()
        overlap = tuple(dice(found == i, case.classes == i) for i in range(1, len(labels) + 1))
        judged.append(CaseDice(case.name, case.subject, overlap))
        spreads.append(tuple(float(gate.std()) for gate in gates.values()))
    rows = []
    for index, label in enumerate(labels):
        summary = summarise([case.dice[index] for case in judged])
        if summary.n:
            rows.append(ValidationRow(label.name, summary.mean, summary.sd, summary.worst, summary.n))
    spread = tuple(float(np.mean(values)) for values in zip(*spreads, strict=True))
    return Judgement(tuple(rows), spread, tuple(judged))


def _whole(
    network: SegmentationNetwork, case: Case, device: torch.device
) -> tuple[Tensor, dict[tuple[int, int], npt.NDArray[np.float32]]]:
    """Logits and coefficients per (level, gate) of a whole case in one pass; the cases of a training set fit."""
    image = torch.from_numpy(case.image[None, None]).to(device)
    logits, gates = network.forward_with_attention(image.contiguous(memory_format=torch.channels_last_3d))
    return logits, {(gate.level, gate.gate): gate.alpha[0, 0].float().cpu().numpy() for gate in gates}


@torch.no_grad()
def attention_maps(
    network: SegmentationNetwork, case: Case, step: int, device: torch.device
) -> dict[HistoryKey, Tensor]:
    """Attention of one case at a training step, as uint8 by (step, level, gate)."""
    network.eval()
    _, gates = _whole(network, case, device)
    return {
        (step, level, gate): torch.from_numpy(np.rint(alpha * 255).astype(np.uint8))
        for (level, gate), alpha in gates.items()
    }
