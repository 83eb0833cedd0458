"""The verbs of `gatelens workspace`: new, add, list, predict, export, verify, audit."""

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
from app.store.verify import verify
from app.store.workspace import Workspace

Folder = Annotated[Path, typer.Argument(help="The workspace.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Events = Annotated[bool, typer.Option("--events", help="Progress as JSON lines on stdout.")]


def build() -> typer.Typer:
    """The group of verbs."""
    group = typer.Typer(help="Make, fill, predict, export and check workspaces.", no_args_is_help=True)
    group.command("new")(_new)
    group.command("add")(_add)
    group.command("list")(_list)
    group.command("predict")(_predict)
    group.command("export")(_export)
    group.command("verify")(_verify)
    group.command("audit")(_audit)
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
                        "seen_share": row.seen_share,
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
    provenance: Annotated[
        bool,
        typer.Option("--provenance", help="Also write where each voxel comes from, to provenanceTr/."),
    ] = False,
    json: Json = False,
) -> None:
    """Write the accepted and corrected cases as a dataset other programs read."""
    if format != "msd":
        raise typer.BadParameter(f"{format} is not a format; msd is.", param_hint="--format")
    with _opened(folder) as workspace, progress("Exporting", quiet=json) as (report, cancelled):
        summary = export_msd(workspace, out, report=report, cancelled=cancelled, provenance=provenance)
    if json:
        print_json({"out": str(out), "cases": summary.cases})
    else:
        print(f"{_count(summary.cases, 'case')} written to {out}. Research use only, not for diagnosis.")


def _verify(
    folder: Folder,
    head: Annotated[
        str | None,
        typer.Option("--head", help="A head hash kept elsewhere: what led to it must still be there."),
    ] = None,
    json: Json = False,
) -> None:
    """Check that nothing on record was changed: audit, decisions, label versions, models of the workspace.

    Gives exit code 1 where something is not what it was.
    """
    with _opened(folder) as workspace, progress("Checking", quiet=json) as (report, cancelled):
        found = verify(workspace, report, cancelled, known_head=head)
    if json:
        print_json(
            {
                "ok": found.ok,
                "audit_rows": found.audit_rows,
                "versions": found.versions,
                "decisions": found.decisions,
                "models": found.models,
                "head": found.head,
                "problems": list(found.problems),
                "notes": list(found.notes),
            }
        )
    else:
        counts = ", ".join(
            _count(number, noun)
            for number, noun in (
                (found.audit_rows, "audit row"), (found.versions, "version"), (found.decisions, "decision"),
                (found.models, "model"),
            )
        )  # fmt: skip
        print(f"checked  {counts}")
        print(f"head     {found.head}")
        for note in found.notes:
            print(f"note     {note}")
        print("note     Scans, predictions and journals are not on record and were not checked.")
        print("Nothing on record was changed." if found.ok else f"{_count(len(found.problems), 'problem')}.")
    for problem in found.problems:
        print(problem, file=sys.stderr)
    if not found.ok:
        raise typer.Exit(1)


def _audit(
    folder: Folder,
    out: Annotated[Path | None, typer.Option("--out", help="A new file; standard output without it.")] = None,
) -> None:
    """Write the audit as JSON lines: every row as it is chained, and last the head hash.

    Kept elsewhere, the head shows later that nothing before it was changed: 'gatelens workspace verify W --head HASH'.
    """
    with _opened(folder) as workspace:
        export = workspace.audit.export()
    if out is None:
        print(export.text, end="")
        return
    export.save(out)
    print(f"{_count(export.rows, 'row')} written to {out}; the head is {export.head}.")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _say_added(folder: Path, summary: AddSummary) -> None:
    _say_refused(summary.refused)
    known = f", {len(summary.known)} were there already" if summary.known else ""
    print(f"{_count(len(summary.added), 'scan')} added to {folder}{known}.")


def _say_refused(refused: tuple[Refusal, ...]) -> None:
    for refusal in refused:
        print(f"left out: {refusal.why}", file=sys.stderr)
