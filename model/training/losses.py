"""What training minimises: soft Dice plus cross-entropy, both weighed by class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class DiceCrossEntropy(nn.Module):
    """(1 − weighted mean soft Dice of the foreground classes) + weighted cross-entropy.

    Dice is taken over the whole batch, so a patch without a small organ does not count as a miss. `weights`
    holds one number per class, background first.
    """

    weights: Tensor

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor(list(weights), dtype=torch.float32))

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of `logits` (batch, class, …) against class indices `target` (batch, …)."""
        logits = logits.float()
        log_p = functional.log_softmax(logits, dim=1)
        cross_entropy = functional.nll_loss(log_p, target, self.weights)
        classes = torch.arange(1, logits.shape[1], device=target.device).view(
            1, -1, *[1] * (target.dim() - 1)
        )
        truth = (target.unsqueeze(1) == classes).float()
        p = log_p[:, 1:].exp()
        axes = (0, *range(2, logits.dim()))
        overlap, total = (p * truth).sum(axes), p.sum(axes) + truth.sum(axes)
        dice = (2 * overlap + 1) / (total + 1)
        weights = self.weights[1:]
        return cross_entropy + 1 - (dice * weights).sum() / weights.sum()
