"""The verb that makes models: train."""

from __future__ import annotations

import json as json_lines
from pathlib import Path
from typing import Annotated

import typer

from app.cli.printing import progress
from app.controllers import training
from model.training.config import TrainEvent

Events = Annotated[bool, typer.Option("--events", help="Progress as JSON lines on stdout.")]


def register(cli: typer.Typer) -> None:
    """Add the verb to `cli`."""
    cli.command("train")(_train)


def _train(
    out: Annotated[Path, typer.Option("--out", help="The new model's folder.")],
    data: Annotated[
        str,
        typer.Option(
            "--data", help="images/ and labels/, a Decathlon or nnU-Net folder, or phantom:FIRST-LAST."
        ),
    ] = "",
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="hippocampus-t1 or phantom-abdomen: as the shipped ones.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="A model's name or folder to start from; else from nothing.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The model's name; the folder's by default.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Optimiser steps.")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Stop after so long.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Split, initial weights and patches.")] = None,
    widths: Annotated[
        str | None, typer.Option("--widths", help="Channels per scale, finest first: 16,32,64,128.")
    ] = None,
    patch: Annotated[str | None, typer.Option("--patch", help="Voxels of a patch, z,y,x.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=1, help="Patches a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="At its highest.")] = None,
    ema: Annotated[
        float | None,
        typer.Option("--ema", min=0, max=0.9999, help="Decay of the moving average of the weights."),
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads of a process.")] = None,
    accumulate: Annotated[
        int | None, typer.Option("--accumulate", min=1, help="Draws of --batch patches in one step.")
    ] = None,
    accelerator: Annotated[str | None, typer.Option("--accelerator", help="auto, cpu, cuda or mps.")] = None,
    devices: Annotated[
        int | None,
        typer.Option("--devices", min=1, help="Processes here, each with a GPU or a share of the CPU."),
    ] = None,
    num_nodes: Annotated[
        int | None,
        typer.Option(
            "--num-nodes",
            min=1,
            help="Machines; give the same command on each, with MASTER_ADDR, MASTER_PORT and NODE_RANK set.",
        ),
    ] = None,
    events: Events = False,
) -> None:
    """Train a model; a stopped run goes on when the same command is given again."""
    config = training.training_config(
        data,
        out,
        recipe=recipe,
        start=start,
        name=name,
        steps=steps,
        minutes=minutes,
        seed=seed,
        widths=_numbers(widths, "--widths"),
        patch=_three(patch, "--patch"),
        batch=batch,
        learning_rate=learning_rate,
        ema=ema,
        threads=threads,
        accumulate=accumulate,
        accelerator=accelerator,
        devices=devices,
        num_nodes=num_nodes,
    )

    def told(event: TrainEvent) -> None:
        if events:
            print(json_lines.dumps(event.to_json()), flush=True)

    with progress(f"Training {config.name}", quiet=events) as (report, cancelled):
        folder = training.run_training(config, report, cancelled, told)
    if not events:
        print(folder)


def _numbers(text: str | None, option: str) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text} is not a list of whole numbers.", param_hint=option) from error


def _three(text: str | None, option: str) -> tuple[int, int, int] | None:
    numbers = _numbers(text, option)
    if numbers is None:
        return None
    if len(numbers) != 3:
        raise typer.BadParameter(f"{text} is not three numbers z,y,x.", param_hint=option)
    return numbers[0], numbers[1], numbers[2]
