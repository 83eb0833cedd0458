"""Training and judging models: the verbs of the command line over `model.training` and `model.evaluation`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from app.controllers.models import find_model
from model.errors import DataError
from model.evaluation import Evaluation, evaluate_folders, evaluate_model, held_back
from model.progress import CancelCheck, Report, never, silent
from model.training.config import Listener, TrainConfig, ignore


def training_config(
    data: str,
    out: Path,
    *,
    recipe: str | None = None,
    name: str | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    widths: tuple[int, ...] | None = None,
    patch: tuple[int, int, int] | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    threads: int | None = None,
) -> TrainConfig:
    """A training as the command line asks for it: a recipe or the defaults, and what is given on top.

    Raises:
        DataError: there is no such recipe, or no data.
    """
    if recipe is not None:
        from model.training.recipes import recipe as named

        config = named(recipe, data, out)
    elif not data:
        raise DataError("Give --data: a folder with images/ and labels/, or a Decathlon or nnU-Net folder.")
    else:
        from model.training.data import open_source
        from model.training.survey import survey

        source = open_source(data)
        found = survey(source.files)
        config = TrainConfig(
            data=data,
            out=out,
            name=name or out.name,
            modality=found.modality,
            applies_to=found.applies_to,
            intensity=found.intensity,
            training_data=f"{len(source.files)} labelled scans of {Path(data).name}",
        )
    given = {
        "name": name,
        "steps": steps,
        "minutes": minutes,
        "seed": seed,
        "widths": widths,
        "patch": patch,
        "batch": batch,
        "learning_rate": learning_rate,
        "threads": threads,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    words = f"gatelens train --data {data} --out {out.name}" if recipe is None else config.command
    words += "".join(f" --{key.replace('_', '-')} {_word(value)}" for key, value in changes.items())
    return replace(config, command=words, **changes)  # type: ignore[arg-type]


def run_training(
    config: TrainConfig, report: Report = silent, cancelled: CancelCheck = never, events: Listener = ignore
) -> Path:
    """Train; gives the bundle's folder. A cancelled run leaves its checkpoint and goes on when called again."""
    from model.training.loop import train

    return train(config, report, cancelled, events)


def _word(value: object) -> str:
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


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
