"""Cases, decisions, leases, the serving model and measurements of a workspace, in SQLite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, RowMapping, Select, func, select, update
from sqlalchemy.dialects.sqlite import insert

from app.core.labels import family_of
from app.core.review import CaseState
from app.store import audit, decisions, schema
from app.store.checksums import folder_sha256
from app.store.database import Database
from app.store.decisions import DecisionRecord, DecisionRow
from app.store.leases import Held, Lease, LeaseStore
from app.store.scan_paths import StoredPath, absolute
from model.errors import WorkspaceError
from model.grid import Float3, Int3
from model.scan_io import ScanRead, scan_name


@dataclass(frozen=True)
class NewCase:
    """A scan to be added.

    Attributes:
        id: `Volume.identity()`.
        name: what the worklist shows; no patient's name.
        path: the scan's file or DICOM folder.
        format: as `ScanSource.format`.
        subject: from `Subjects.find`.
        role: "read", or "test" for cases that are never trained on nor exported.
        shape: voxels along z, y, x.
        spacing: mm along z, y, x.
    """

    id: str
    name: str
    path: Path
    format: str
    subject: str
    shape: Int3
    spacing: Float3
    study_date: str | None = None
    series: str | None = None
    modality: str | None = None
    role: str = "read"

    @classmethod
    def from_scan(cls, scan: ScanRead, subject: str, role: str = "read", name: str | None = None) -> NewCase:
        """The case of a scan that was read, named after its file unless a name is given.

        Folders of DICOM files are often named after the patient, so those cases are named after the series.
        """
        grid = scan.volume.grid
        case_id = scan.volume.identity()
        if scan.source.format == "DICOM":
            shown = f"{scan.source.series or 'series'} {case_id[:6]}"
        else:
            shown = scan_name(scan.source.path)
        return cls(
            id=case_id,
            name=name or shown,
            path=scan.source.path,
            format=scan.source.format,
            subject=subject,
            shape=grid.shape,
            spacing=grid.spacing,
            study_date=scan.source.study_date,
            series=scan.source.series,
            modality=scan.volume.hints.modality,
            role=role,
        )


@dataclass(frozen=True)
class CaseRow:
    """A case as the worklist knows it.

    Attributes:
        path: absolute; the file may be missing by now.
        state: from the newest decision; without one, whether there is a prediction.
        version: number of the newest label version, or None.
        reader: who decided last, or None.
        shape: "35 × 51 × 35" voxels in x, y, z.
        spacing: "1.00 × 1.00 × 1.00 mm" in x, y, z.
        seen_share: the share, 0–1, of the mask's slices that were seen when it was saved; None where the newest
            decision saved no mask.
    """

    id: str
    name: str
    path: Path
    format: str
    subject: str
    study_date: str | None
    series: str | None
    modality: str | None
    role: str
    state: CaseState
    version: int | None
    prediction_key: str | None
    model_name: str | None
    model_hash: str | None
    reader: str | None
    table_key: str | None
    shape: str
    spacing: str
    note: str = ""
    seen_share: float | None = None

    @property
    def undone(self) -> bool:
        """True while the case waits for a reader."""
        return self.role == "read" and not self.state.is_done


@dataclass(frozen=True)
class ServingModel:
    """The bundle that predicts in this workspace."""

    name: str
    hash: str
    path: Path


@dataclass(frozen=True)
class Measurement:
    """A number about a case, with its unit ("mL", "mm", "")."""

    key: str
    value: float
    unit: str


class ReviewStore:
    """The review database of one workspace.

    Args:
        database: its SQLite file.
        folder: the workspace.
        mixes_tables: True where cases may have different label tables (the personal workspace).
    """

    def __init__(self, database: Database, folder: Path, *, mixes_tables: bool) -> None:
        self._database = database
        self._folder = folder
        self._mixes_tables = mixes_tables
        self._leases = LeaseStore(database)

    # -- cases -------------------------------------------------------------------------------------------
    def add_case(self, new: NewCase) -> CaseRow:
        """Add a scan; one that is already there (the same voxels on the same grid) gives its existing row.

        Raises:
            WorkspaceError: the scan's file is gone.
        """
        try:
            stored = StoredPath.of(new.path, self._folder)
        except OSError as error:
            raise WorkspaceError(
                f"{new.path.name} cannot be added ({error.strerror}); check the file."
            ) from error
        query = (
            insert(schema.cases)
            .values(
                id=new.id,
                name=new.name,
                path=stored.text,
                format=new.format,
                file_bytes=stored.file_bytes,
                file_mtime_ns=stored.file_mtime_ns,
                subject=new.subject,
                study_date=new.study_date,
                series=new.series,
                modality=new.modality,
                role=new.role,
                shape=" × ".join(str(n) for n in reversed(new.shape)),
                spacing=" × ".join(f"{mm:.2f}" for mm in reversed(new.spacing)) + " mm",
                added=audit.now(),
            )
            .on_conflict_do_nothing(index_elements=["id"])
        )
        with self._database.write() as connection:
            if connection.execute(query).rowcount:
                audit.add(connection, "case added", new.id, {"role": new.role, "format": new.format})
            return self._one(connection, new.id)

    def cases(self) -> tuple[CaseRow, ...]:
        """All cases in the order they were added."""
        with self._database.read() as connection:
            rows = connection.execute(_case_query().order_by(schema.cases.c.number)).mappings().all()
        return tuple(self._row(row) for row in rows)

    def case(self, case_id: str) -> CaseRow:
        """One case; raises `WorkspaceError` where the workspace has none of this id."""
        with self._database.read() as connection:
            return self._one(connection, case_id)

    def move_case(self, case_id: str, path: Path) -> CaseRow:
        """Remember that the scan lies elsewhere now; that it is the same scan is for the caller to check."""
        stored = StoredPath.of(path, self._folder)
        query = (
            update(schema.cases)
            .where(schema.cases.c.id == case_id)
            .values(path=stored.text, file_bytes=stored.file_bytes, file_mtime_ns=stored.file_mtime_ns)
        )
        with self._database.write() as connection:
            connection.execute(query)
            audit.add(connection, "scan moved", case_id, {})
            return self._one(connection, case_id)

    # -- what a case takes -------------------------------------------------------------------------------
    def set_prediction(
        self, case_id: str, key: str, bundle_hash: str, bundle_name: str, table_key: str | None = None
    ) -> None:
        """Make the prediction `key` the case's own; with `table_key` the case takes that label table too.

        A table that began as that one stays: the reader added or changed labels meanwhile.
        """
        query = (
            update(schema.cases)
            .where(schema.cases.c.id == case_id)
            .values(prediction_key=key, model_name=bundle_name, model_hash=bundle_hash)
        )
        with self._database.write() as connection:
            if table_key is not None:
                self._take_table(connection, case_id, table_key, exchange=False)
            connection.execute(query)
            audit.add(
                connection, "prediction", case_id, {"key": key, "model": bundle_name, "hash": bundle_hash}
            )

    def take_table(self, case_id: str, key: str) -> None:
        """Give the case its label table; it keeps it, but for labels the reader adds or changes.

        Raises:
            WorkspaceError: the case has another one, or the workspace does and may not mix them.
        """
        with self._database.write() as connection:
            self._take_table(connection, case_id, key, exchange=True)

    def table_keys(self, besides: str = "") -> frozenset[str]:
        """The keys of the label tables that cases have, all but one case's."""
        column = schema.cases.c.table_key
        query = select(column).where(column.is_not(None), schema.cases.c.id != besides).distinct()
        with self._database.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def check_table(self, case_id: str, key: str) -> None:
        """Raise what `take_table` would raise, before a prediction is computed for nothing."""
        with self._database.read() as connection:
            self._refuse_other_family(connection, self._one(connection, case_id), key)

    def _take_table(self, connection: Connection, case_id: str, key: str, *, exchange: bool) -> None:
        """`exchange`: whether `key` takes the place of a table of the same family."""
        cases = schema.cases
        case = self._one(connection, case_id)
        self._refuse_other_family(connection, case, key)
        if case.table_key == key or (case.table_key is not None and not exchange):
            return
        connection.execute(update(cases).where(cases.c.id == case_id).values(table_key=key))
        if case.table_key is not None:
            audit.add(connection, "label table changed", case_id, {"from": case.table_key, "to": key})

    def _refuse_other_family(self, connection: Connection, case: CaseRow, key: str) -> None:
        family = family_of(key)
        if case.table_key is not None:
            if family_of(case.table_key) != family:
                raise WorkspaceError(
                    f"{case.name} is labelled with the table {family_of(case.table_key)!r}, which a case keeps; "
                    f"use a model with that table, not with {family!r}."
                )
            return
        if self._mixes_tables:
            return
        query = select(schema.cases.c.table_key).where(schema.cases.c.table_key.is_not(None)).distinct()
        for other in connection.execute(query).scalars():
            if family_of(other) != family:
                raise WorkspaceError(
                    f"The cases of {self._folder.name} are labelled with the table {family_of(other)!r}; make "
                    f"another workspace for {family!r}."
                )

    # -- decisions ---------------------------------------------------------------------------------------
    def record_decision(self, case_id: str, record: DecisionRecord, version: int | None = None) -> None:
        """Add a decision and its audit line in one transaction. `LabelStore.save` does so for a version."""
        with self._database.write() as connection:
            self._one(connection, case_id)
            decisions.add(connection, case_id, record, version)

    def decisions(self, case_id: str) -> tuple[DecisionRow, ...]:
        """All decisions on a case, oldest first."""
        with self._database.read() as connection:
            return decisions.of_case(connection, case_id)

    # -- leases ------------------------------------------------------------------------------------------
    def lease(self, case_id: str, session: str, holder: str = "") -> Lease | Held:
        """Take a case for a session, or learn who holds it; `holder` is the reader's name."""
        return self._leases.take(case_id, session, holder or "another session")

    def heartbeat(self, lease: Lease) -> bool:
        """Renew a lease every `leases.HEARTBEAT_S`; False once it was taken over."""
        return self._leases.heartbeat(lease)

    def release(self, lease: Lease) -> None:
        """Give the case free."""
        self._leases.release(lease)

    def unlock(self, case_id: str, by: str) -> Held | None:
        """Take a lease away by hand, audited; gives who held it."""
        return self._leases.unlock(case_id, by)

    # -- the serving model and measurements --------------------------------------------------------------
    def serving_model(self) -> ServingModel | None:
        """The bundle that predicts in this workspace, or None."""
        table = schema.serving_models
        with self._database.read() as connection:
            row = connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).first()
        return None if row is None else ServingModel(row.name, row.hash, absolute(row.path, self._folder))

    def set_serving_model(self, name: str, bundle_hash: str, path: Path) -> None:
        """Let another bundle predict from now on; the one before stays on record."""
        inside = path.resolve()
        folder = self._folder.resolve()
        own = inside.is_relative_to(folder)
        text = inside.relative_to(folder).as_posix() if own else str(inside)
        details = {"model": name, "hash": bundle_hash, "path": text, "created": audit.now()}
        row = {"name" if key == "model" else key: value for key, value in details.items()}
        if own and inside.is_dir():
            # The bundle's own hash leaves out what is no part of the model, such as its validation.
            details["files"] = folder_sha256(inside)
        with self._database.write() as connection:
            connection.execute(schema.serving_models.insert().values(**row))
            audit.add(connection, "serving model", None, details)

    def set_measurement(self, case_id: str, key: str, value: float, unit: str = "") -> None:
        """Keep a number about a case; an older one of the same key is replaced."""
        query = insert(schema.measurements).values(case_id=case_id, key=key, value=value, unit=unit)
        query = query.on_conflict_do_update(
            index_elements=["case_id", "key"],
            set_={"value": query.excluded.value, "unit": query.excluded.unit},
        )
        with self._database.write() as connection:
            connection.execute(query)

    def measurements(self, case_id: str) -> tuple[Measurement, ...]:
        """The numbers of a case by key."""
        table = schema.measurements
        query = select(table).where(table.c.case_id == case_id).order_by(table.c.key)
        with self._database.read() as connection:
            return tuple(Measurement(row.key, row.value, row.unit) for row in connection.execute(query))

    # -- rows --------------------------------------------------------------------------------------------
    def _one(self, connection: Connection, case_id: str) -> CaseRow:
        row = connection.execute(_case_query().where(schema.cases.c.id == case_id)).mappings().first()
        if row is None:
            raise WorkspaceError(
                f"{self._folder.name} has no case {case_id[:12]}; see `gatelens workspace list`."
            )
        return self._row(row)

    def _row(self, row: RowMapping) -> CaseRow:
        return CaseRow(
            id=row["id"],
            name=row["name"],
            path=absolute(row["path"], self._folder),
            format=row["format"],
            subject=row["subject"],
            study_date=row["study_date"],
            series=row["series"],
            modality=row["modality"],
            role=row["role"],
            state=_state(row["decision"], row["prediction_key"]),
            version=row["version"],
            prediction_key=row["prediction_key"],
            model_name=row["model_name"],
            model_hash=row["model_hash"],
            reader=row["reader"],
            table_key=row["table_key"],
            shape=row["shape"],
            spacing=row["spacing"],
            note=row["note"] or "",
            seen_share=row["seen_share"],
        )


def _state(decision: str | None, prediction_key: str | None) -> CaseState:
    if decision is not None:
        return CaseState(decision)
    return CaseState.NEW if prediction_key is None else CaseState.PREDICTED


def _case_query() -> Select[tuple[object, ...]]:
    cases, made = schema.cases, schema.decisions
    newest = (
        select(func.max(made.c.id)).where(made.c.case_id == cases.c.id).correlate(cases).scalar_subquery()
    )
    version = (
        select(func.max(schema.versions.c.number))
        .where(schema.versions.c.case_id == cases.c.id)
        .correlate(cases)
        .scalar_subquery()
    )
    return select(
        cases,
        made.c.kind.label("decision"),
        made.c.reader.label("reader"),
        made.c.note.label("note"),
        made.c.seen_share.label("seen_share"),
        version.label("version"),
    ).select_from(cases.outerjoin(made, made.c.id == newest))
