"""Workspaces as a whole: make one, add scans, predict all, list, export. Plain calls that block; each takes progress.

The command line calls them as they are; the window runs them in a lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.controllers.case_loading import NO_LABELS, read_case_scan
from app.controllers.models import available_models, find_model, serving_bundle
from app.controllers.predicting import predict_and_keep
from app.core.display import Look, Viewport, automatic_window, compose
from app.core.planes import Plane, slice_frame
from app.store import locations
from app.store import workspace as workspaces
from app.store.review_store import CaseRow, NewCase
from app.store.thumbnails import SIDE_PX
from app.store.workspace import Workspace
from model.errors import Cancelled, GateLensError, ScanError, WorkspaceError
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.scan_io import ScanRead, find_scans, read_scan


@dataclass(frozen=True)
class Refusal:
    """A scan that was not taken, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class AddSummary:
    """What adding scans came to."""

    added: tuple[CaseRow, ...]
    known: tuple[CaseRow, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class PredictSummary:
    """What predicting a workspace came to."""

    predicted: int
    already: int
    refused: tuple[Refusal, ...]


def make_workspace(
    folder: Path,
    scans: Sequence[Path],
    model: str | None,
    *,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> AddSummary:
    """A new workspace with every scan found under `scans`, and its serving model where one is named.

    Raises:
        WorkspaceError: `folder` is not empty, or no scan could be read.
    """
    bundle = find_model(model) if model is not None else None
    found = scans_under(scans)
    workspace = workspaces.create(folder)
    try:
        if bundle is not None:
            workspace.reviews.set_serving_model(bundle.name, bundle.hash, bundle.path)
        return add_scans(workspace, found, report=report, cancelled=cancelled)
    finally:
        workspace.close()


def add_scans(
    workspace: Workspace,
    scans: Sequence[Path],
    *,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> AddSummary:
    """Add scans to a workspace; one that cannot be read is named with its reason and the rest goes on."""
    before = {row.id for row in workspace.reviews.cases()}
    added: list[CaseRow] = []
    known: list[CaseRow] = []
    refused: list[Refusal] = []
    for number, path in enumerate(scans):
        stop_if(cancelled)
        report(number / len(scans), f"{path.name} ({number + 1} of {len(scans)})")
        try:
            scan = read_scan(path, silent, cancelled)
            row = add_scan(workspace, scan)
        except Cancelled:
            raise
        except GateLensError as error:
            refused.append(Refusal(path.name, str(error)))
            continue
        (known if row.id in before else added).append(row)
        before.add(row.id)
    report(1.0, "done")
    return AddSummary(tuple(added), tuple(known), tuple(refused))


def add_scan(workspace: Workspace, scan: ScanRead, role: str = "read") -> CaseRow:
    """Add one scan that has been read, with its picture for the worklist."""
    subject = workspace.subjects.find(scan.source.path, scan.source.subject)
    row = workspace.reviews.add_case(NewCase.from_scan(scan, subject, role))
    workspace.save_thumbnail(row.id, thumbnail_of(scan))
    return row


def thumbnail_of(scan: ScanRead) -> npt.NDArray[np.uint8]:
    """The middle axial slice as grey, 64×64."""
    volume = scan.volume
    frame = slice_frame(volume.grid, Plane.AXIAL)
    level, width = automatic_window(volume)
    out = np.zeros((SIDE_PX, SIDE_PX), dtype=np.uint32)
    look = Look(level=level, width=width, inverted=volume.hints.inverted)
    compose(
        out,
        volume,
        None,
        NO_LABELS,
        None,
        look,
        frame,
        frame.count // 2,
        Viewport.fitted(frame, SIDE_PX, SIDE_PX),
    )
    return (out & 0xFF).astype(np.uint8)


def add_to_personal(path: Path, report: Report = silent, cancelled: CancelCheck = never) -> tuple[Path, str]:
    """Add a scan to the personal workspace, made where it is missing; gives its folder and the case id."""
    scan = read_scan(path, report, cancelled)
    folder = locations.personal_workspace()
    workspace = workspaces.open_or_create(folder, kind="personal")
    try:
        row = add_scan(workspace, scan)
        _let_a_model_that_applies_serve(workspace, scan)
        return folder, row.id
    finally:
        workspace.close()


def _let_a_model_that_applies_serve(workspace: Workspace, scan: ScanRead) -> None:
    """The personal workspace holds scans of all kinds: its model follows the scan that was opened last."""
    bundles = available_models()
    serving = workspace.reviews.serving_model()
    now = next((each for each in bundles if serving is not None and each.hash == serving.hash), None)
    if now is not None and now.check_scan(scan.volume).applies:
        return
    fitting = next((each for each in bundles if each.check_scan(scan.volume).applies), None)
    if fitting is not None:
        workspace.reviews.set_serving_model(fitting.name, fitting.hash, fitting.path)


def predict_all(
    workspace: Workspace, *, report: Report = silent, cancelled: CancelCheck = never
) -> PredictSummary:
    """Predict every case of a workspace that its serving model has not predicted yet; can be stopped and resumed.

    Raises:
        WorkspaceError: the workspace has no serving model.
    """
    bundle = serving_bundle(workspace)
    if bundle is None:
        raise WorkspaceError(
            f"{workspace.folder.name} has no model; make it with 'gatelens workspace new … --model NAME'."
        )
    rows = workspace.reviews.cases()
    todo = [row for row in rows if row.prediction_key is None or row.model_hash != bundle.hash]
    refused: list[Refusal] = []
    for number, row in enumerate(todo):
        stop_if(cancelled)
        start, share = number / len(todo), 1 / len(todo)

        def step(
            fraction: float, text: str, start: float = start, share: float = share, row: CaseRow = row
        ) -> None:
            report(start + share * fraction, f"{row.name}: {text}" if text else row.name)

        try:
            scan = read_case_scan(row, lambda fraction, text: step(0.1 * fraction, text), cancelled)
            predict_and_keep(
                workspace,
                row,
                scan,
                bundle,
                lambda fraction, text: step(0.1 + 0.9 * fraction, text),
                cancelled,
            )
        except Cancelled:
            raise
        except GateLensError as error:
            refused.append(Refusal(row.name, str(error)))
    report(1.0, "done")
    return PredictSummary(len(todo) - len(refused), len(rows) - len(todo), tuple(refused))


def scans_under(paths: Sequence[Path]) -> list[Path]:
    """Every scan that `paths` name: files as they are, folders searched; raises `ScanError` where there is none."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ScanError(f"There is no {path}; give a scan, a DICOM folder or a folder of scans.")
        scans = find_scans(path) if path.is_dir() else (path,)
        if not scans:
            raise ScanError(
                f"{path} holds no scan that can be read (NIfTI, NRRD, MetaImage, DICOM); give another folder."
            )
        found.extend(scans)
    return found
