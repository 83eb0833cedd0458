"""Verbs on single scans: info, predict, phantom."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.printing import print_json, progress
from app.controllers import phantoms
from app.controllers.models import find_model
from app.controllers.scans import ScanFacts, parse_region, predict_scan, scan_facts
from app.controllers.workspaces import scans_under
from model.errors import CannotPredict, GateLensError, ScanError

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Events = Annotated[bool, typer.Option("--events", help="Progress as JSON lines on stdout.")]


def register(cli: typer.Typer) -> None:
    """Add the verbs to `cli`."""
    cli.command("info")(_info)
    cli.command("predict")(_predict)
    cli.command("phantom")(_phantom)


def _info(
    paths: Annotated[list[Path], typer.Argument(help="Scans, DICOM folders or folders of scans.")],
    json: Json = False,
) -> None:
    """Say what a file is, its geometry, and whether each model applies."""
    found: list[ScanFacts] = []
    failures: list[str] = []
    for path in paths:
        try:
            found += [scan_facts(scan) for scan in scans_under([path])]
        except ScanError as error:
            failures.append(str(error))
    if json:
        print_json({"scans": [facts.to_json() for facts in found], "errors": failures})
    else:
        print("\n\n".join(facts.to_text() for facts in found))
    for sentence in failures:
        print(sentence, file=sys.stderr)
    if failures:
        raise typer.Exit(1)


def _predict(
    scans: Annotated[list[Path], typer.Argument(help="Scans, DICOM folders or folders of scans.")],
    model: Annotated[str, typer.Option("--model", help="A model's name or folder.")],
    out: Annotated[
        Path, typer.Option("--out", help="Predictions go to OUT/NAME/, replaced where they exist.")
    ],
    region: Annotated[
        str | None,
        typer.Option("--region", help="x0,x1,y0,y1,z0,z1 in voxels of the file's own axes, half-open."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    shard: Annotated[
        str | None, typer.Option("--shard", help="i/n: the i-th of n parts of the scans, from 0.")
    ] = None,
    override: Annotated[
        bool,
        typer.Option("--override", help="Run outside what the model is made for; marked on the prediction."),
    ] = False,
    events: Events = False,
) -> None:
    """Predict scans: labels, probabilities, entropy and attention maps, each on its own grid."""
    if device not in ("auto", "cpu", "cuda"):
        raise typer.BadParameter(f"{device} is not a device; auto, cpu and cuda are.", param_hint="--device")
    box = parse_region(region) if region is not None else None
    bundle = find_model(model)
    paths = _shard(scans_under(scans), shard)
    failures: list[GateLensError] = []
    with progress("Predicting", events=events) as (report, cancelled):
        for number, path in enumerate(paths):
            start = number / len(paths)
            step = lambda fraction, text, start=start: report(start + fraction / len(paths), text)  # noqa: E731
            try:
                folder = predict_scan(path, bundle, out, box, device, override, step, cancelled)
            except (ScanError, CannotPredict) as error:
                failures.append(error)
                continue
            if not events:
                print(folder)
    for failure in failures:
        print(str(failure), file=sys.stderr)
    if failures:
        raise typer.Exit(1)


def _phantom(
    out: Annotated[Path, typer.Argument(help="The folder to fill.")],
    count: Annotated[int, typer.Option("--count", min=1, help="How many.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The first seed.")] = 1,
    events: Events = False,
) -> None:
    """Generate abdominal CT-like phantoms with exact labels."""
    with progress("Generating", events=events) as (report, cancelled):
        written = phantoms.write_phantoms(out, count, seed, report, cancelled)
    if not events:
        print(f"{len(written)} phantoms written to {out}; they are synthetic.")


def _shard(paths: list[Path], shard: str | None) -> list[Path]:
    if shard is None:
        return paths
    part, slash, parts = shard.partition("/")
    if not (slash and part.isdigit() and parts.isdigit() and int(part) < int(parts)):
        raise typer.BadParameter(f"{shard} is not i/n with 0 <= i < n.", param_hint="--shard")
    return paths[int(part) :: int(parts)]
