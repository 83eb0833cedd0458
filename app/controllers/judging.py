"""Judging models: the verb of the command line over `model.evaluation`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.controllers.models import find_model
from model.evaluation import Evaluation, evaluate_folders, evaluate_model, held_back
from model.progress import CancelCheck, Report, never, silent


@dataclass(frozen=True)
class Judgement:
    """An evaluation and what was judged."""

    name: str
    evaluation: Evaluation

    def to_json(self) -> dict[str, object]:
        """The evaluation as DESIGN section 7 writes it, with the name of what was judged."""
        return {"model": self.name, **self.evaluation.to_json()}

    def to_text(self) -> str:
        """One line per label."""
        lines = [f"{self.name}: {len(self.evaluation.cases)} cases"]
        for index, label in enumerate(self.evaluation.labels):
            summary = self.evaluation.summary(index)
            if summary.n == 0:
                lines.append(f"  {label.name:14} in no case")
            else:
                lines.append(
                    f"  {label.name:14} Dice {summary.mean:.3f} ± {summary.sd:.3f}, "
                    f"worst {summary.worst:.3f} (n = {summary.n})"
                )
        return "\n".join(lines)


def evaluate_models(
    names: tuple[str, ...],
    data: str,
    report: Report = silent,
    cancelled: CancelCheck = never,
    *,
    kept_back: bool = False,
) -> tuple[Judgement, ...]:
    """Predict every labelled scan of `data` with each model and score it by Dice.

    With `kept_back`, only the scans that a training of the model on `data`, with its seed, kept for validation.
    """
    from model.training.data import open_source

    bundles = [find_model(name) for name in names]
    files = open_source(data).files
    found = []
    for number, bundle in enumerate(bundles):
        start, share = number / len(bundles), 1 / len(bundles)
        step = lambda fraction, text, start=start, share=share: report(start + share * fraction, text)  # noqa: E731
        judged = held_back(data, bundle.seed) if kept_back else files
        found.append(Judgement(bundle.name, evaluate_model(bundle, judged, report=step, cancelled=cancelled)))
    return tuple(found)


def evaluate_predictions(
    predicted: Path, reference: Path, report: Report = silent, cancelled: CancelCheck = never
) -> Judgement:
    """Score masks against those of equal names by Dice."""
    evaluation = evaluate_folders(predicted, reference, report=report, cancelled=cancelled)
    return Judgement(predicted.name, evaluation)
