"""The verbs of `gatelens workspace`: new, add, list, predict, export."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from app.cli.printing import print_json, progress
from app.controllers import workspaces
from app.controllers.workspaces import AddSummary, Refusal
from app.store import workspace as stored
from app.store.export import export_msd
from app.store.workspace import Workspace

Folder = Annotated[Path, typer.Argument(help="The workspace.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Events = Annotated[bool, typer.Option("--events", help="Progress as JSON lines on stdout.")]


def build() -> typer.Typer:
    """The group of verbs."""
    group = typer.Typer(help="Make, fill, predict and export workspaces.", no_args_is_help=True)
    group.command("new")(_new)
    group.command("add")(_add)
    group.command("list")(_list)
    group.command("predict")(_predict)
    group.command("export")(_export)
    return group


@contextmanager
def _opened(folder: Path) -> Iterator[Workspace]:
    workspace = stored.open(folder)
    try:
        yield workspace
    finally:
        workspace.close()


def _new(
    folder: Folder,
    scans: Annotated[
        list[Path], typer.Option("--scans", help="A scan or a folder of scans; may be given again.")
    ],
    model: Annotated[
        str | None, typer.Option("--model", help="The model that predicts here: a name or a folder.")
    ] = None,
    events: Events = False,
) -> None:
    """Make a workspace from scans."""
    with progress("Adding scans", events=events) as (report, cancelled):
        summary = workspaces.make_workspace(folder, scans, model, report=report, cancelled=cancelled)
    _say_added(folder, summary)


def _add(
    folder: Folder,
    scans: Annotated[list[Path], typer.Argument(help="Scans or folders of scans.")],
    events: Events = False,
) -> None:
    """Add scans to a workspace."""
    with _opened(folder) as workspace, progress("Adding scans", events=events) as (report, cancelled):
        found = workspaces.scans_under(scans)
        summary = workspaces.add_scans(workspace, found, report=report, cancelled=cancelled)
    _say_added(folder, summary)


def _list(folder: Folder, json: Json = False) -> None:
    """List the cases of a workspace and where each stands."""
    with _opened(folder) as workspace:
        rows = workspace.reviews.cases()
        serving = workspace.reviews.serving_model()
    if json:
        print_json(
            {
                "workspace": str(folder),
                "model": serving.name if serving else None,
                "cases": [
                    {
                        "id": row.id,
                        "name": row.name,
                        "state": row.state.value,
                        "role": row.role,
                        "version": row.version,
                        "model": row.model_name,
                        "reader": row.reader,
                        "subject": row.subject,
                        "study_date": row.study_date,
                        "series": row.series,
                        "path": str(row.path),
                    }
                    for row in rows
                ],
            }
        )
        return
    width = max((len(row.name) for row in rows), default=4)
    print(f"{'case':{width}}  {'state':10}  {'version':7}  {'model':16}  reader")
    for row in rows:
        state = row.state.value if row.role == "read" else "test"
        version = f"v{row.version:04d}" if row.version is not None else "-"
        print(f"{row.name:{width}}  {state:10}  {version:7}  {row.model_name or '-':16}  {row.reader or '-'}")
    print(f"{len(rows)} cases; model: {serving.name if serving else 'none'}")


def _predict(folder: Folder, events: Events = False, json: Json = False) -> None:
    """Predict every case that has no prediction by the workspace's model yet; can be stopped and resumed."""
    with (
        _opened(folder) as workspace,
        progress("Predicting", events=events, quiet=json) as (report, cancelled),
    ):
        summary = workspaces.predict_all(workspace, report=report, cancelled=cancelled)
    if json:
        print_json(
            {
                "predicted": summary.predicted,
                "already": summary.already,
                "refused": [{"case": refusal.name, "why": refusal.why} for refusal in summary.refused],
            }
        )
    else:
        _say_refused(summary.refused)
        print(f"{summary.predicted} predicted, {summary.already} already had a prediction.")


def _export(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="A new folder for the dataset.")],
    format: Annotated[str, typer.Option("--format", help="msd: Medical Segmentation Decathlon.")] = "msd",
    json: Json = False,
) -> None:
    """Write the accepted and corrected cases as a dataset other programs read."""
    if format != "msd":
        raise typer.BadParameter(f"{format} is not a format; msd is.", param_hint="--format")
    with _opened(folder) as workspace, progress("Exporting", quiet=json) as (report, cancelled):
        summary = export_msd(workspace, out, report=report, cancelled=cancelled)
    if json:
        print_json({"out": str(out), "cases": summary.cases})
    else:
        cases = "1 case" if summary.cases == 1 else f"{summary.cases} cases"
        print(f"{cases} written to {out}. Research use only, not for diagnosis.")


def _say_added(folder: Path, summary: AddSummary) -> None:
    _say_refused(summary.refused)
    known = f", {len(summary.known)} were there already" if summary.known else ""
    scans = "1 scan" if len(summary.added) == 1 else f"{len(summary.added)} scans"
    print(f"{scans} added to {folder}{known}.")


def _say_refused(refused: tuple[Refusal, ...]) -> None:
    for refusal in refused:
        print(f"left out: {refusal.why}", file=sys.stderr)
