"""The demo workspace: ten generated abdomens, made in seconds on the first `gatelens demo`."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from app.controllers.models import find_model
from app.controllers.phantoms import phantom_volume
from app.controllers.workspaces import add_scan
from app.store import workspace as workspaces
from model.errors import WorkspaceError
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.scan_io import read_scan, write_scan

MODEL = "phantom-abdomen"


@dataclass(frozen=True)
class DemoCase:
    """A generated abdomen of the demo.

    Attributes:
        seed: of `model.phantoms.make_abdomen`.
        role: "read", or "test" for those kept back.
        trait: what the shipped model does on it, for the notes; found by `tests/soak/demo_seeds.py`.
    """

    seed: int
    role: str
    trait: str = ""


DEMO_CASES = (
    DemoCase(300040, "read", "easy"),
    DemoCase(300060, "read", "leak"),
    DemoCase(300005, "read", "missed tail"),
    DemoCase(300032, "read", "neighbour taken for pancreas"),
    DemoCase(300012, "read"),
    DemoCase(300053, "read"),
    DemoCase(300061, "test"),
    DemoCase(300062, "test"),
    DemoCase(300063, "test"),
    DemoCase(300064, "test"),
)


def open_demo_workspace(folder: Path, report: Report = silent, cancelled: CancelCheck = never) -> None:
    """Make the demo workspace where it is missing; an old one gets the model that ships now."""
    if not workspaces.is_workspace(folder):
        make_demo_workspace(folder, report, cancelled)
        return
    bundle = find_model(MODEL)
    with workspaces.open(folder) as workspace:
        serving = workspace.reviews.serving_model()
        if workspace.kind == "demo" and (serving is None or serving.hash != bundle.hash):
            workspace.reviews.set_serving_model(bundle.name, bundle.hash, bundle.path)


def make_demo_workspace(folder: Path, report: Report = silent, cancelled: CancelCheck = never) -> None:
    """Make the demo workspace at `folder`; on a cancel or an error nothing is left there.

    Raises:
        WorkspaceError: `folder` holds something else.
    """
    if folder.exists() and any(folder.iterdir()):
        raise WorkspaceError(f"{folder} is not empty and no workspace; give another folder with --workspace.")
    bundle = find_model(MODEL)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        workspace = workspaces.create(partial, kind="demo")
        try:
            workspace.reviews.set_serving_model(bundle.name, bundle.hash, bundle.path)
            scans = partial / "scans"
            scans.mkdir(exist_ok=True)
            for number, case in enumerate(DEMO_CASES):
                stop_if(cancelled)
                report(number / len(DEMO_CASES), f"generating scan {number + 1} of {len(DEMO_CASES)}")
                path = scans / f"phantom_{case.seed}.nii.gz"
                volume, _ = phantom_volume(case.seed)
                write_scan(path, volume)
                add_scan(workspace, read_scan(path), case.role)
        finally:
            workspace.close()
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    report(1.0, "done")
