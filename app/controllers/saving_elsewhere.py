"""Saving a copy of the mask outside the workspace, whatever has become of the disk the workspace lies on.

The version that Accept saves and the journal are not touched: a copy is a copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from app.controllers.desk import Desk
from app.core.patch import Labels
from app.jobs.runner import Lane
from app.store.commit import as_stored
from model.errors import ScanError
from model.grid import Grid
from model.scan_io import scan_name, write_labels

OFFER = "or save the mask elsewhere (Ctrl+Shift+S)"
"""Ends the sentence of a mask that could not be kept."""

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")


class SavingElsewhereController:
    """Writes the open case's mask to a file the reader names."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def suggested_name(self) -> str:
        """A file name for the open case's mask."""
        row = self._desk.open_row
        if row is None:
            return "mask.nii.gz"
        stem = scan_name(row.path) if row.format != "DICOM" else f"case_{row.id[:12]}"
        return f"{stem}_mask.nii.gz"

    def save_elsewhere(self, path: Path) -> None:
        """Write the mask as it is now to `path` (.nii.gz where it has no suffix of a mask); says what came of it.

        A file that is there is replaced at once, unless the workspace or the worklist needs it. Until the mask
        has been copied in memory, which takes a tenth of a second for the largest, it cannot be changed; then
        the reader goes on while it is written.
        """
        desk = self._desk
        session, workspace = desk.session, desk.workspace
        if session is None:
            desk.say("Open a case first; there is no mask to save.", "warning")
            return
        if desk.saving:
            desk.say("The mask is being saved already; try again in a moment.", "warning")
            return
        if session.stroke_active:
            desk.say("Finish the stroke first, then save the mask.", "warning")
            return
        labels, grid, name, case_id = session.labels, session.grid, session.case.name, session.case.id
        ours = workspace.folder if workspace is not None else None
        scans = [session.scan.source.path, *(row.path for row in desk.cases)]

        def copied(copy: Labels) -> None:
            # Handed on before the mask is free again: a window that waits to close then finds the job queued.
            desk.runner.submit(
                Lane.FILES,
                f"Saving the mask of {name} elsewhere",
                lambda report, cancelled: _write(path, copy, grid, ours, scans),
                lambda written: desk.say(
                    f"The mask of {name} was saved as {written.name}; Accept still keeps it in the workspace."
                ),
                lambda error: desk.fail(error, "Saving the mask elsewhere"),
                case_id=case_id,
                must_finish=True,
            )
            self._release()

        def not_copied(error: Exception) -> None:
            self._release()
            desk.fail(error, "Saving the mask elsewhere")

        desk.saving = True
        desk.events.conditions_changed.emit(None)
        # In the lane of edits, which waits for no disk.
        desk.runner.submit(
            Lane.EDIT,
            "Copying the mask",
            lambda report, cancelled: np.array(labels),
            copied,
            not_copied,
            case_id=case_id,
            must_finish=True,
            quiet=True,
        )

    def _release(self) -> None:
        self._desk.saving = False
        self._desk.events.conditions_changed.emit(None)


def _write(path: Path, labels: Labels, grid: Grid, workspace: Path | None, scans: Iterable[Path]) -> Path:
    """Write labels (z, y, x) to `path`, which it gives with its suffix.

    Raises:
        ScanError: the place is needed for something else, has a file nobody was asked about, or cannot be written.
    """
    try:
        if not path.name.lower().endswith(_SUFFIXES):
            path = path.with_name(f"{path.name}.nii.gz")
            if path.exists():
                raise ScanError(f"{path.name} is there already; choose another name for the mask.")
        _refuse_needed(path, workspace, scans)
        write_labels(path, as_stored(labels), grid)
    except OSError as error:
        raise ScanError(
            f"{path.name} cannot be written ({error.strerror or error}); choose another folder for the mask."
        ) from error
    return path


def _refuse_needed(path: Path, workspace: Path | None, scans: Iterable[Path]) -> None:
    place = path.resolve()
    if workspace is not None and place.is_relative_to(workspace.resolve()):
        raise ScanError(
            f"{path.name} would lie inside the workspace, which keeps its own masks; choose a folder outside."
        )
    if any(_is_inside(place, scan) for scan in scans):
        raise ScanError(f"{path.name} is a scan of the worklist; choose another name for the mask.")


def _is_inside(place: Path, scan: Path) -> bool:
    """Whether a place is a scan's file, or lies in the folder of a DICOM series."""
    scan = scan.resolve()
    return place == scan or place.parent == scan
