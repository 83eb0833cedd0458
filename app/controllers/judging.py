"""Judging models: the verbs of the command line over `model.evaluation`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.controllers.models import find_model
from model.bundle import Bundle
from model.errors import DataError
from model.evaluation import Evaluation, evaluate_folders, evaluate_model, held_back
from model.progress import CancelCheck, Report, never, silent
from model.scores import MEASURES, LabelComparison, compare
from model.training.data import CaseFile, open_source


@dataclass(frozen=True)
class Judgement:
    """An evaluation and what was judged."""

    name: str
    evaluation: Evaluation

    def to_json(self) -> dict[str, object]:
        """The evaluation, with the name of what was judged as "model"."""
        return {"model": self.name, **self.evaluation.to_json()}


@dataclass(frozen=True)
class SideBySide:
    """What changes from one model to another on the same scans, label by label."""

    first: str
    second: str
    labels: tuple[LabelComparison, ...]

    def to_json(self) -> dict[str, object]:
        """Per label and measure the paired difference, second − first."""
        return {
            "first": self.first,
            "second": self.second,
            "labels": {
                each.label.name: {
                    measure.key: found.to_json()
                    for measure, found in zip(MEASURES, each.differences, strict=True)
                }
                for each in self.labels
            },
        }


@dataclass(frozen=True)
class Verdict:
    """Every model judged on the same scans, each later one compared with the first, and which scans these were."""

    judged: tuple[Judgement, ...]
    compared: tuple[SideBySide, ...] = ()
    selection: str = ""

    def to_json(self) -> dict[str, object]:
        """One model's object as it is; of several {"models": […], "differences": […]}; "selection" with both."""
        if len(self.judged) == 1:
            return {**self.judged[0].to_json(), "selection": self.selection}
        return {
            "models": [each.to_json() for each in self.judged],
            "differences": [each.to_json() for each in self.compared],
            "selection": self.selection,
        }


def evaluate_models(
    names: Sequence[str],
    data: str,
    report: Report = silent,
    cancelled: CancelCheck = never,
    *,
    kept_back: bool = False,
    monai: bool = True,
) -> Verdict:
    """Predict every labelled scan of `data` with each model, score it, and compare the models with the first.

    A name may be several, parted by commas: trainings of one model with different seeds, which are judged one by one
    and averaged before they are compared. With `kept_back`, only the scans that a training of each of the models on
    `data`, with its seed, kept for validation, so that no model is judged on what it learned from.
    """
    arms = [tuple(find_model(each) for each in _parts(name)) for name in names]
    bundles = [bundle for arm in arms for bundle in arm]
    files, selection = _kept_back(data, bundles) if kept_back else (open_source(data).files, "")
    titles = _titles(bundles)
    found: list[Judgement] = []
    for number, bundle in enumerate(bundles):
        start, share = number / len(bundles), 1 / len(bundles)
        step = lambda fraction, text, start=start, share=share: report(start + share * fraction, text)  # noqa: E731
        evaluation = evaluate_model(bundle, files, monai=monai, report=step, cancelled=cancelled)
        found.append(Judgement(titles[number], evaluation))
    sides, taken = [], 0
    for arm in arms:
        sides.append(found[taken : taken + len(arm)])
        taken += len(arm)
    return Verdict(tuple(found), tuple(_side_by_side(sides[0], other) for other in sides[1:]), selection)


def evaluate_predictions(
    predicted: Path,
    reference: Path,
    report: Report = silent,
    cancelled: CancelCheck = never,
    *,
    monai: bool = True,
) -> Verdict:
    """Score masks, or whole predictions, against masks of equal names."""
    evaluation = evaluate_folders(predicted, reference, monai=monai, report=report, cancelled=cancelled)
    return Verdict((Judgement(predicted.name, evaluation),))


def _side_by_side(first: Sequence[Judgement], second: Sequence[Judgement]) -> SideBySide:
    found = compare([each.evaluation for each in first], [each.evaluation for each in second])
    names = [" + ".join(each.name for each in side) for side in (first, second)]
    if not found:
        raise DataError(f"{names[0]} and {names[1]} share no label; judge them one by one.")
    return SideBySide(names[0], names[1], found)


def _kept_back(data: str, bundles: Sequence[Bundle]) -> tuple[tuple[CaseFile, ...], str]:
    """The scans that none of the models learned from, and in words which these are.

    Raises:
        DataError: if there are none.
    """
    per_seed = {bundle.seed: held_back(data, bundle.seed) for bundle in bundles}
    first, *others = per_seed.values()
    common = tuple(file for file in first if all(file in other for other in others))
    subjects = len({file.subject for file in common})
    seeds = ", ".join(str(seed) for seed in per_seed)
    if not common:
        raise DataError(
            f"No scan of {data} was kept back by all of these models (seeds {seeds}); compare trainings with one "
            "split, or give data that none of them learned from."
        )
    if others:
        return common, (
            f"{len(common)} scans of {subjects} subjects that none of the models learned from; their seeds "
            f"({seeds}) keep back different subjects"
        )
    return common, f"{len(common)} scans of {subjects} subjects kept back by seed {seeds}"


def _parts(name: str) -> tuple[str, ...]:
    """The models of one argument; a folder may have a comma in its name."""
    return (name,) if Path(name).is_dir() else tuple(part.strip() for part in name.split(",") if part.strip())


def _titles(bundles: Sequence[Bundle]) -> tuple[str, ...]:
    """The models' names; where two have one name, the beginning of their hash or their folder keeps them apart."""
    names = [bundle.name for bundle in bundles]
    return tuple(
        bundle.name if names.count(bundle.name) == 1 else f"{bundle.name} {bundle.hash[:8]}"
        for bundle in bundles
    )
