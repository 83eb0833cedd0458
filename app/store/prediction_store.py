"""Predictions under `W/cases/ID/predictions/KEY`: a folder is there whole or not at all."""

from __future__ import annotations

import os
import re
from pathlib import Path

from app.store import adoption, durable
from app.store.processes import staging_name
from model.errors import WorkspaceError
from model.prediction import DESCRIPTION_FILE, Prediction, read_prediction, write_prediction

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
            target.parent.mkdir(parents=True, exist_ok=True)
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

    def load(self, case_id: str, key: str, *, attention: bool = True) -> Prediction:
        """A prediction; raises `WorkspaceError` where it is missing."""
        if not self.has(case_id, key):
            raise WorkspaceError(
                f"The prediction {key} of case {case_id[:12]} is missing; predict the case again."
            )
        return read_prediction(self.folder(case_id, key), attention=attention)
