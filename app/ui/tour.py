"""The tour: the whole job in the real window, on a copy of a workspace. What is done in it is `tour_steps`."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.controllers import Controllers
from app.controllers.starting import TourRequest
from app.jobs.runner import Deliver
from app.store import workspace as workspaces
from app.ui.main_window import MainWindow
from app.ui.tour_report import TourReport
from app.ui.tour_steps import Tour
from model.errors import WorkspaceError


def run_tour(make_controllers: Callable[[Deliver], Controllers], request: TourRequest) -> int:
    """Drive the tour; gives 0 if every step did its work and the workspace is unchanged, else 1.

    Without a screen (Linux, neither DISPLAY nor WAYLAND_DISPLAY) the window is drawn off screen.
    """
    from app.ui import application
    from app.ui.qt_bridge import QtBridge, SlotGuard

    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    copy = _prepare(request)
    before = _fingerprint(request.workspace)
    app = application()
    guard = SlotGuard()
    bridge = QtBridge(guard)
    window = MainWindow(make_controllers(bridge.deliver), guard)
    tour = Tour(window, request, copy)
    window.resize(1480, 920)
    window.show()
    try:
        tour.run()
    finally:
        predict, importing = window.heartbeat.lateness("predict"), window.heartbeat.lateness("import")
        window.close()
        QApplication.sendPostedEvents()
        app.processEvents()
        bridge.close()
    if not tour.report.problem and _fingerprint(request.workspace) != before:
        tour.report.problem = f"{request.workspace.name} was changed by the tour."
    ok = tour.report.write(request.out / "tour.json", predict, importing)
    _say(tour.report, request, ok)
    return 0 if ok else 1


def _prepare(request: TourRequest) -> Path:
    """Make room under `out` and copy the workspace there; gives the copy's folder."""
    out = request.out
    if out.is_file():
        raise WorkspaceError(f"{out} is a file; give a folder for the tour.")
    out.mkdir(parents=True, exist_ok=True)
    copy = out.resolve() / "workspace"
    if workspaces.is_workspace(copy):
        _remove_old_copy(copy)
    for old in out.glob("[0-9][0-9]_*.png"):
        old.unlink()
    (out / "tour.json").unlink(missing_ok=True)
    try:
        with workspaces.open(request.workspace) as source:
            workspaces.copy(source, copy, "tour").close()
    except OSError as error:
        raise WorkspaceError(
            f"{request.workspace.name} cannot be copied to {out} ({error.strerror})."
        ) from error
    return copy


def _remove_old_copy(copy: Path) -> None:
    with workspaces.open(copy) as old:
        if old.kind != "tour":
            raise WorkspaceError(f"{copy} is a workspace of its own; give the tour another folder.")
    shutil.rmtree(copy)


def _fingerprint(folder: Path) -> str:
    """Names, sizes and times of every file below a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            facts = path.stat()
            digest.update(f"{path.relative_to(folder)} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _say(report: TourReport, request: TourRequest, ok: bool) -> None:
    for step in report.steps:
        if not step.ok:
            sys.stderr.write(f"step {step.number} {step.name} did not do its work: {dict(step.found)}\n")
    if report.problem:
        sys.stderr.write(report.problem + "\n")
    word = "every step did its work" if ok else "not every step did its work"
    sys.stdout.write(f"{len(report.steps)} steps on {len(report.cases)} cases, {word}; see {request.out}\n")
