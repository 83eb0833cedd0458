"""The label versions of all cases: saving the next one, loading and listing them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from app.store import adoption, schema
from app.store.adoption import Adopted
from app.store.commit import Labels, StepHook, commit_version, no_step
from app.store.database import Database
from app.store.label_version import LabelVersion, VersionInfo
from model.errors import WorkspaceError
from model.grid import Grid
from model.scan_io import LabelRead, read_labels


class LabelStore:
    """Label versions under `W/cases/ID/labels`; none is ever changed.

    Args:
        database: where their rows are.
        cases_folder: `W/cases`.
    """

    def __init__(self, database: Database, cases_folder: Path) -> None:
        self._database = database
        self._cases = cases_folder

    def save(
        self, case_id: str, labels: Labels, grid: Grid, info: VersionInfo, step: StepHook = no_step
    ) -> LabelVersion:
        """Save labels (z, y, x) as the case's next version with row, decision and audit; `commit_version`.

        Raises:
            WorkspaceError: the case is unknown, or the disk refuses; nothing is left behind.
        """
        with self._database.read() as connection:
            if (
                connection.execute(select(schema.cases.c.id).where(schema.cases.c.id == case_id)).first()
                is None
            ):
                raise WorkspaceError(
                    f"There is no case {case_id[:12]} to save labels for; add its scan first."
                )
        return commit_version(self._database, self.folder(case_id), case_id, labels, grid, info, step)

    def versions(self, case_id: str) -> tuple[LabelVersion, ...]:
        """The versions of a case, oldest first."""
        table = schema.versions
        query = select(table).where(table.c.case_id == case_id).order_by(table.c.number)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            LabelVersion(
                case_id,
                row.number,
                self.folder(case_id) / f"v{row.number:04d}.nii.gz",
                row.labels_sha256,
                row.file_sha256,
                row.reader,
                row.created,
            )
            for row in rows
        )

    def newest(self, case_id: str) -> LabelVersion | None:
        """The version that reopening shows, or None."""
        found = self.versions(case_id)
        return found[-1] if found else None

    def table_key(self, case_id: str, number: int) -> str | None:
        """The key of the label table a version was saved with; None where it had none."""
        table = schema.versions
        query = select(table.c.table_key).where(table.c.case_id == case_id, table.c.number == number)
        with self._database.read() as connection:
            key: str | None = connection.execute(query).scalar_one_or_none()
        return key

    def load(self, case_id: str, number: int, like: Grid | None = None) -> LabelRead:
        """The labels of a version (z, y, x); with `like` they are checked to lie on that grid.

        Raises:
            WorkspaceError: there is no such version, or its file is gone.
            ScanError: the file is damaged or lies on another grid.
        """
        version = next((found for found in self.versions(case_id) if found.number == number), None)
        if version is None:
            raise WorkspaceError(f"The case {case_id[:12]} has no version {number}.")
        if not version.path.is_file():
            raise WorkspaceError(
                f"{version.path.name} of case {case_id[:12]} is missing; restore it from a copy."
            )
        return read_labels(version.path, like)

    def adopt_orphans(self) -> tuple[Adopted, ...]:
        """Clear what a crash left and take in versions without a row; done when a workspace is opened."""
        return adoption.adopt_orphans(self._database, self._cases)

    def folder(self, case_id: str) -> Path:
        """Where the versions of a case lie."""
        return self._cases / case_id / "labels"
