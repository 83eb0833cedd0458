"""Verbs that open the window: none, open, demo, tour."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import __version__
from app.cli.printing import progress
from app.controllers import demo
from app.controllers.starting import TourRequest, WindowStart, require_screen
from app.controllers.workspaces import add_to_personal
from app.store import locations, settings
from app.store import workspace as stored


def register(cli: typer.Typer) -> None:
    """Add the verbs to `cli`."""
    cli.callback(invoke_without_command=True)(_start)
    cli.command("open")(_open)
    cli.command("demo")(_demo)
    cli.command("tour")(_tour)


def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Without a verb: the window, on the workspace that was open last."""
    if version:
        print(f"gatelens {__version__}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        require_screen()
        last = settings.load().last_workspace
        start = WindowStart(workspace=Path(last) if last and stored.is_workspace(Path(last)) else None)
        raise typer.Exit(context.obj(start))


def _open(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A scan, a DICOM folder or a workspace.")],
) -> None:
    """Open a scan, a DICOM folder or a workspace in the window."""
    require_screen()
    if stored.is_workspace(path):
        stored.open(path).close()
        start = WindowStart(workspace=path)
    else:
        with progress(f"Reading {path.name}") as (report, cancelled):
            folder, case_id = add_to_personal(path, report, cancelled)
        start = WindowStart(workspace=folder, case_id=case_id)
    raise typer.Exit(context.obj(start))


def _demo(
    context: typer.Context,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", help="Where the demo workspace lies or goes.")
    ] = None,
    tour: Annotated[
        Path | None, typer.Option("--tour", help="Drive the whole job off screen; pictures go here.")
    ] = None,
    cases: Annotated[int, typer.Option("--cases", min=1, help="Cases the tour reads.")] = 2,
) -> None:
    """Open the demo workspace of generated scans, made on the first start."""
    if tour is None:
        require_screen()
    folder = workspace or locations.demo_workspace()
    with progress("Making the demo workspace") as (report, cancelled):
        demo.open_demo_workspace(folder, report, cancelled)
    start = WindowStart(workspace=folder)
    if tour is not None:
        start = WindowStart(tour=TourRequest(folder, tour, cases))
    raise typer.Exit(context.obj(start))


def _tour(
    context: typer.Context,
    workspace: Annotated[Path, typer.Argument(help="The workspace; a copy of it is used.")],
    out: Annotated[Path, typer.Option("--out", help="Where pictures and tour.json go.")],
    cases: Annotated[int, typer.Option("--cases", min=1, help="Cases that are read.")] = 2,
) -> None:
    """Drive the whole job in the window, off screen, on a copy of a workspace."""
    stored.open(workspace).close()
    raise typer.Exit(context.obj(WindowStart(tour=TourRequest(workspace, out, cases))))
