"""Training models: the verb of the command line over `model.training`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.controllers.models import find_model
from model.errors import DataError
from model.progress import CancelCheck, Report, never, silent
from model.training.config import Listener, TrainConfig, ignore


def training_config(
    data: str,
    out: Path,
    *,
    recipe: str | None = None,
    start: str | None = None,
    name: str | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    widths: tuple[int, ...] | None = None,
    patch: tuple[int, int, int] | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    ema: float | None = None,
    threads: int | None = None,
    accumulate: int | None = None,
    accelerator: str | None = None,
    devices: int | None = None,
    num_nodes: int | None = None,
) -> TrainConfig:
    """A training as the command line asks for it: a recipe or the defaults, and what is given on top.

    Raises:
        DataError: there is no such recipe, or no data.
        BundleError: there is no model to start from.
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
        "start": None if start is None else find_model(start).path,
        "name": name,
        "steps": steps,
        "minutes": minutes,
        "seed": seed,
        "widths": widths,
        "patch": patch,
        "batch": batch,
        "learning_rate": learning_rate,
        "ema": ema,
        "threads": threads,
        "accumulate": accumulate,
        "accelerator": accelerator,
        "devices": devices,
        "num_nodes": num_nodes,
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
    if isinstance(value, Path):
        return value.name
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
