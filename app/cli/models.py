"""The verbs of `gatelens models`: list and show."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.printing import print_json
from app.controllers.models import available_models, find_model
from model.bundle import Bundle

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def build() -> typer.Typer:
    """The group of verbs."""
    group = typer.Typer(help="See which models are at hand.", no_args_is_help=True)
    group.command("list")(_list)
    group.command("show")(_show)
    return group


def _list(json: Json = False) -> None:
    """List the models that ship and those added."""
    bundles = available_models()
    if json:
        print_json({"models": [_facts(bundle) for bundle in bundles]})
        return
    for bundle in bundles:
        labels = ", ".join(label.name for label in bundle.labels)
        print(f"{bundle.name:20} {bundle.hash[:8]}  {bundle.modality:3} {labels}")


def _show(
    name: Annotated[str, typer.Argument(help="A model's name, folder, or hash.")], json: Json = False
) -> None:
    """Show what a model is, where it applies, and how it was validated."""
    bundle = find_model(name)
    if json:
        print_json(_facts(bundle))
        return
    print(f"{bundle.name}  {bundle.hash[:16]}")
    print(f"  network     {bundle.architecture}, widths {' '.join(str(width) for width in bundle.widths)}")
    print(f"  labels      {', '.join(f'{label.value} {label.name}' for label in bundle.labels)}")
    print(f"  applies to  {bundle.applies_to.description}")
    print(f"  trained on  {bundle.training_data}")
    print(f"  licence     {bundle.licence}")
    print(f"  made by     {bundle.command} (seed {bundle.seed})")
    print(f"  validation  {bundle.validation.data}")
    for row in bundle.validation.rows:
        print(
            f"    {row.label:12} Dice {row.dice_mean:.3f} ± {row.dice_sd:.3f}, worst {row.dice_worst:.3f} (n = {row.n})"
        )


def _facts(bundle: Bundle) -> dict[str, object]:
    return {
        "name": bundle.name,
        "hash": bundle.hash,
        "path": str(bundle.path),
        "architecture": bundle.architecture,
        "widths": list(bundle.widths),
        "labels": [{"value": label.value, "name": label.name} for label in bundle.labels],
        "modality": bundle.modality,
        "applies_to": bundle.applies_to.description,
        "training_data": bundle.training_data,
        "licence": bundle.licence,
        "command": bundle.command,
        "seed": bundle.seed,
        "validation": [
            {
                "label": row.label,
                "dice_mean": row.dice_mean,
                "dice_sd": row.dice_sd,
                "dice_worst": row.dice_worst,
                "n": row.n,
            }
            for row in bundle.validation.rows
        ],
    }
