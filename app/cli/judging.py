"""The verb that judges models: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.printing import print_json, progress
from app.controllers import judging

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Events = Annotated[bool, typer.Option("--events", help="Progress as JSON lines on stdout.")]


def register(cli: typer.Typer) -> None:
    """Add the verb to `cli`."""
    cli.command("evaluate")(_evaluate)


def _evaluate(
    model: Annotated[
        list[str] | None, typer.Option("--model", help="A model's name or folder; may be given again.")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help="Labelled scans to predict.")] = None,
    held_back: Annotated[
        bool, typer.Option("--held-back", help="Only what a training on this data kept for validation.")
    ] = False,
    pred: Annotated[Path | None, typer.Option("--pred", help="Predictions, or a folder of masks.")] = None,
    ref: Annotated[Path | None, typer.Option("--ref", help="The masks they should be.")] = None,
    json: Json = False,
    events: Events = False,
) -> None:
    """Judge models on labelled scans, or masks against masks, by Dice per label and case."""
    if (pred is None) != (ref is None) or (pred is None) == (not model) or bool(model) != bool(data):
        raise typer.BadParameter("give either --model and --data, or --pred and --ref")
    with progress("Evaluating", events=events, quiet=json) as (report, cancelled):
        found: tuple[judging.Judgement, ...]
        if pred is not None and ref is not None:
            found = (judging.evaluate_predictions(pred, ref, report, cancelled),)
        else:
            found = judging.evaluate_models(
                tuple(model or ()), data or "", report, cancelled, kept_back=held_back
            )
    if json:
        print_json(found[0].to_json() if len(found) == 1 else {"models": [each.to_json() for each in found]})
        return
    for each in found:
        print(each.to_text())
