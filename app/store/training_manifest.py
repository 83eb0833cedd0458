"""Which cases a model may learn from, and why the others are left out. Reading them is the caller's.

What their labels mean together, and whether they agree, is `label_families.union_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.review import CaseState
from app.store.label_version import LabelVersion
from app.store.review_store import CaseRow
from app.store.workspace import Workspace

TOUR_READER = "tour"
"""The reader of `gatelens tour`; what it saved is never counted."""

_GOOD = (CaseState.ACCEPTED, CaseState.CORRECTED, CaseState.EMPTY)


@dataclass(frozen=True)
class TrainingCase:
    """A scan with labels a reader stands for."""

    case: CaseRow
    version: LabelVersion

    @property
    def scan(self) -> Path:
        """The scan's file or DICOM folder."""
        return self.case.path


@dataclass(frozen=True)
class LeftOut:
    """A case that is not used, and why, in words ("not read yet")."""

    case: CaseRow
    reason: str


@dataclass(frozen=True)
class TrainingManifest:
    """What a workspace offers for training, in the order of the worklist."""

    cases: tuple[TrainingCase, ...]
    left_out: tuple[LeftOut, ...]


def training_manifest(workspace: Workspace) -> TrainingManifest:
    """The cases of role "read" whose newest decision accepts a version; never what the tour saved."""
    cases: list[TrainingCase] = []
    left_out: list[LeftOut] = []
    for case in workspace.reviews.cases():
        version = workspace.labels.newest(case.id) if case.version is not None else None
        reason = _reason(case, version)
        if version is None or reason:
            left_out.append(LeftOut(case, reason or "no saved labels"))
        else:
            cases.append(TrainingCase(case, version))
    return TrainingManifest(tuple(cases), tuple(left_out))


def _reason(case: CaseRow, version: LabelVersion | None) -> str:
    if case.role != "read":
        return "kept for testing"
    if case.state not in _GOOD:
        return "not read yet" if case.state in (CaseState.NEW, CaseState.PREDICTED) else case.state.value
    if version is None:
        return "no saved labels"
    if TOUR_READER in (version.reader, case.reader):
        return "labels made by the tour"
    return ""
