"""The verb that judges models: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.printing import print_json, progress
from app.cli.score_tables import verdict_text
from app.controllers import judging

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Events = Annotated[bool, typer.Option("--events", help="Progress as JSON lines on stdout.")]


def register(cli: typer.Typer) -> None:
    """Add the verb to `cli`."""
    cli.command("evaluate")(_evaluate)


def _evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="A model's name or folder. Given again, the models are compared with the first. Commas join "
            "trainings of one model with different seeds, which are averaged first.",
        ),
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help="Labelled scans to predict.")] = None,
    held_back: Annotated[
        bool,
        typer.Option(
            "--held-back", help="Only scans that no given model's training on this data learned from."
        ),
    ] = False,
    pred: Annotated[Path | None, typer.Option("--pred", help="Predictions, or a folder of masks.")] = None,
    ref: Annotated[Path | None, typer.Option("--ref", help="The masks they should be.")] = None,
    monai: Annotated[
        bool, typer.Option("--monai/--no-monai", help="MONAI's surface distances beside ours; loads for 3 s.")
    ] = True,
    json: Json = False,
    events: Events = False,
) -> None:
    """Judge models on labelled scans, or masks against masks, per label.

    Dice; HD95 and ASSD, the distances of the surfaces in mm; volume bias (mask − reference) / reference; ECE, how
    far probability and truth lie apart, and the rank correlation of entropy with error, both within 5 mm of the
    reference's surface. Where a label is in neither mask, the scan does not count for it; where it is in one, Dice
    is 0 and distances are undefined. Models are compared per subject (Wilcoxon signed-rank, six subjects or more).
    """
    if (pred is None) != (ref is None) or (pred is None) == (not model) or bool(model) != bool(data):
        raise typer.BadParameter("give either --model and --data, or --pred and --ref")
    with progress("Evaluating", events=events, quiet=json) as (report, cancelled):
        if pred is not None and ref is not None:
            found = judging.evaluate_predictions(pred, ref, report, cancelled, monai=monai)
        else:
            found = judging.evaluate_models(
                model or (), data or "", report, cancelled, kept_back=held_back, monai=monai
            )
    if json:
        print_json(found.to_json())
    else:
        print(verdict_text(found))
