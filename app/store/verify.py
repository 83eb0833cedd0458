"""Checking a whole workspace: the audit chain, and that every label version is the file its row says."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import select

from app.store import schema
from app.store.commit import file_sha256
from app.store.workspace import Workspace
from model.progress import CancelCheck, Report, never, silent, stop_if


@dataclass(frozen=True)
class Verification:
    """What was checked.

    Attributes:
        audit_rows: how many audit rows were checked, likewise versions.
        head: hash of the last audit row.
        problems: one sentence each; empty where all is well.
    """

    audit_rows: int
    versions: int
    head: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.problems


def verify(workspace: Workspace, report: Report = silent, cancelled: CancelCheck = never) -> Verification:
    """Check the workspace; changes nothing."""
    chain = workspace.audit.verify()
    problems = [] if chain.ok else [chain.problem]
    saved = {
        (row.case_id, json.loads(row.details).get("version")): json.loads(row.details).get("file")
        for row in workspace.audit.rows()
        if row.kind in ("version saved", "version adopted")
    }
    table = schema.versions
    with workspace.database.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.id)).all()
    for number, row in enumerate(rows):
        stop_if(cancelled)
        report(number / len(rows), f"checking version {number + 1} of {len(rows)}")
        name = f"Version {row.number} of case {row.case_id[:12]}"
        path = workspace.labels.folder(row.case_id) / f"v{row.number:04d}.nii.gz"
        if saved.get((row.case_id, row.number)) != row.file_sha256:
            problems.append(f"{name} has no audit row of its hash.")
        if not path.is_file():
            problems.append(f"{name} is missing on disk; restore {path.name} from a copy.")
        elif file_sha256(path) != row.file_sha256:
            problems.append(f"{name} was changed on disk; restore {path.name} from a copy.")
    return Verification(chain.rows, len(rows), chain.head, tuple(problems))
