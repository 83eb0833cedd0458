"""Reading a case into memory: its scan, the mask it starts from, its prediction, and work that was never saved.

Runs in the files lane; nothing here touches the desk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.core.difference_picture import Difference, difference
from app.core.journal_format import replay
from app.core.labels import LabelTable
from app.core.patch import Labels
from app.core.session import Base, CaseIdentity, Session, labels_sha256
from app.core.windowing import automatic_window
from app.store.journal_store import OpenJournal
from app.store.label_families import table_to_start_with, tell_of_other_cases
from app.store.label_version import LabelVersion
from app.store.review_store import CaseRow
from app.store.workspace import Workspace
from model.bundle import Bundle
from model.errors import ScanError, WorkspaceError
from model.grid import Grid
from model.prediction import Prediction
from model.progress import CancelCheck, Report
from model.scan_io import ScanRead, read_scan
from model.volume import Volume

NO_LABELS = LabelTable("none", ())


@dataclass(frozen=True, eq=False)
class LoadedCase:
    """A case read into memory, before it is shown.

    Attributes:
        session: the case as it will lie on the desk; nobody else holds it yet.
        window: level and width to show it with.
        journals: work that is in no version.
        versions: the saved versions, oldest first.
    """

    row: CaseRow
    session: Session
    window: tuple[float, float]
    journals: tuple[UnsavedWork, ...]
    versions: tuple[LabelVersion, ...]


@dataclass(frozen=True, eq=False)
class UnsavedWork:
    """A journal that is in no version, and what its work would change of the mask; None: nothing, or it cannot."""

    found: OpenJournal
    difference: Difference | None


def load_case(
    workspace: Workspace,
    row: CaseRow,
    bundle: Bundle | None,
    scan: ScanRead | None,
    read_only_reason: str | None,
    report: Report,
    cancelled: CancelCheck,
) -> LoadedCase:
    """Read a case: its scan (unless read ahead), its newest version or prediction, and journals left open.

    What takes long on a large mask (hashing, counting, comparing) is done here, so that showing it is quick.
    """
    if scan is None:
        scan = read_case_scan(row, report, cancelled)
    grid = scan.volume.grid
    prediction = None
    if row.prediction_key is not None and workspace.predictions.has(row.id, row.prediction_key):
        prediction = workspace.predictions.load(row.id, row.prediction_key)
    labels, base = _starting_mask(workspace, row, grid, prediction)
    if labels.shape != grid.shape:
        raise ScanError(
            f"{row.name} has {grid.shape} voxels but its mask has {labels.shape}; put back the scan it was made on."
        )
    journals = workspace.journals.open_journals(row.id, base.sha256) if read_only_reason is None else ()
    session = Session(
        case=CaseIdentity(row.id, row.name),
        scan=scan,
        table=table_of(workspace, row, bundle),
        labels=labels,
        base=base,
        prediction=prediction,
        read_only_reason=read_only_reason,
    )
    if base.kind == "version" and row.version is not None and session.can_edit:
        session.history.load(*workspace.journals.past(row.id, row.version, session.labels))
    session.volumes_ml()
    tell_of_other_cases(session.rules, workspace, row.id, session.table)
    window = automatic_window(scan.volume)
    return LoadedCase(
        row=row,
        session=session,
        window=window,
        journals=tuple(
            UnsavedWork(found, _difference(found, session.labels, scan.volume, window)) for found in journals
        ),
        versions=workspace.labels.versions(row.id),
    )


def _difference(
    found: OpenJournal, labels: Labels, volume: Volume, window: tuple[float, float]
) -> Difference | None:
    if found.journal is None or found.problem:
        return None
    restored = np.array(labels)
    try:
        replay(found.journal, restored)
    except WorkspaceError:
        return None
    return difference(volume, labels, restored, window)


def _starting_mask(
    workspace: Workspace, row: CaseRow, grid: Grid, prediction: Prediction | None
) -> tuple[Labels, Base]:
    """The newest version, else what unsaved work started from, else the prediction, else an empty mask.

    Unsaved work may have started before the prediction was there; it must find its own beginning again.
    """
    if row.version is not None:
        labels: Labels = workspace.labels.load(row.id, row.version, like=grid).labels
        return labels, Base("version", str(row.version), labels_sha256(labels))
    begun = [found.journal.header.base for found in workspace.journals.open_journals(row.id) if found.journal]
    start = begun[-1] if begun else None
    if start is not None and start.kind == "prediction" and start.reference != row.prediction_key:
        if workspace.predictions.has(row.id, start.reference):
            labels = np.array(workspace.predictions.load(row.id, start.reference, attention=False).labels)
            return labels, Base("prediction", start.reference, labels_sha256(labels))
    elif prediction is not None and (start is None or start.kind != "empty"):
        labels = np.array(prediction.labels)
        return labels, Base("prediction", row.prediction_key or "", labels_sha256(labels))
    labels = np.zeros(grid.shape, dtype=np.uint8)
    return labels, Base("empty", "", labels_sha256(labels))


def read_case_scan(row: CaseRow, report: Report, cancelled: CancelCheck) -> ScanRead:
    """Read the scan of a worklist row and make sure it is still the one that was added."""
    scan = read_scan(row.path, lambda fraction, text: report(0.9 * fraction, text), cancelled)
    if scan.volume.identity() != row.id:
        raise ScanError(
            f"{row.path.name} is not the scan it was when it was added; put the old file back, or add the new one."
        )
    return scan


def table_of(workspace: Workspace, row: CaseRow, bundle: Bundle | None) -> LabelTable:
    """The label table a case keeps, else that of the model it will be predicted with."""
    if row.table_key is not None:
        return workspace.label_table(row.table_key)
    if bundle is not None:
        return table_to_start_with(workspace, bundle.labels, bundle.name)
    return NO_LABELS
