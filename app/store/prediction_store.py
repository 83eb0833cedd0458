"""Predictions under `W/cases/ID/predictions/KEY`: a folder is there whole or not at all."""

from __future__ import annotations

import os
import re
from pathlib import Path

from app.store import adoption, durable
from app.store.processes import staging_name
from model.bundle import BundleLabel
from model.errors import DataError, WorkspaceError
from model.grid import Grid
from model.prediction import (
    DESCRIPTION_FILE,
    LABELS_FILE,
    Prediction,
    Provenance,
    read_prediction,
    read_prediction_labels,
    read_provenance,
    write_prediction,
)
from model.scan_io import read_labels
from model.scan_io.results import LabelArray

_KEY = re.compile(r"^[0-9a-f]{8,64}$")


class PredictionStore:
    """The predictions of all cases.

    Args:
        cases_folder: `W/cases`.
    """

    def __init__(self, cases_folder: Path) -> None:
        self._cases = cases_folder

    def folder(self, case_id: str, key: str) -> Path:
        """Where a prediction lies or would lie; raises `WorkspaceError` for a key that is no hash."""
        if not _KEY.match(key):
            raise WorkspaceError(f"{key[:40]!r} does not name a prediction; predict the case again.")
        return self._cases / case_id / "predictions" / key

    def has(self, case_id: str, key: str) -> bool:
        """True if the prediction is there."""
        return (self.folder(case_id, key) / DESCRIPTION_FILE).is_file()

    def save(self, case_id: str, key: str, prediction: Prediction) -> Path:
        """Keep a prediction; one of the same key is the same prediction and stays. Gives its folder.

        Raises:
            WorkspaceError: the disk refuses; nothing is left behind.
        """
        target = self.folder(case_id, key)
        if self.has(case_id, key):
            return target
        staging = target.parent / staging_name()
        try:
            durable.make_folder(target.parent, inside=self._cases)
            adoption.clear_staging(target.parent)
            staging.mkdir()
            write_prediction(staging, prediction)
            durable.fsync_file(staging / DESCRIPTION_FILE)
            durable.fsync_folder(staging)
            if target.exists():
                durable.remove_tree(target)  # a folder without its prediction.json is not one
            os.rename(staging, target)
            durable.fsync_folder(target.parent)
        except OSError as error:
            if self.has(case_id, key):
                return target
            raise WorkspaceError(
                f"The prediction cannot be saved in {case_id[:12]} ({error.strerror or error}); check the "
                "folder and the free space."
            ) from error
        finally:
            durable.remove_tree(staging)
        return target

    def provenances(self, case_id: str) -> dict[str, Provenance]:
        """Where each prediction of a case comes from, by key; one that is damaged is left out."""
        folder = self._cases / case_id / "predictions"
        found = {}
        for child in sorted(folder.iterdir()) if folder.is_dir() else ():
            if _KEY.match(child.name) and self.has(case_id, child.name):
                try:
                    found[child.name] = read_provenance(child)
                except DataError:
                    continue  # `load` says so to whoever asks for it
        return found

    def mask(self, case_id: str, key: str, like: Grid) -> tuple[LabelArray, tuple[BundleLabel, ...]]:
        """A prediction's labels (z, y, x) on the grid `like` and what they mean, without all else it holds.

        Raises:
            WorkspaceError: it is missing.
            DataError: it is damaged; `ScanError` where its mask is, or lies on another grid.
        """
        folder = self._present(case_id, key)
        return read_labels(folder / LABELS_FILE, like).labels, read_prediction_labels(folder)

    def load(self, case_id: str, key: str, *, attention: bool = True) -> Prediction:
        """A prediction; raises `WorkspaceError` where it is missing."""
        return read_prediction(self._present(case_id, key), attention=attention)

    def _present(self, case_id: str, key: str) -> Path:
        """The folder of a prediction; raises `WorkspaceError` where it is missing."""
        if not self.has(case_id, key):
            raise WorkspaceError(
                f"The prediction {key} of case {case_id[:12]} is missing; predict the case again."
            )
        return self.folder(case_id, key)
