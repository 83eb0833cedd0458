"""The audit: one hash chain over all events of a workspace, so that a changed or missing row is found.

Each row's hash covers the hash before it and the row's own canonical JSON. A chain shows changes by accident
or by hand; it is not a signature, and whoever can rewrite the whole file can rewrite the whole chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, select, text

from app.store import durable, schema
from app.store.database import Database
from model.errors import WorkspaceError

GENESIS = "0" * 64
"""What the first row names as the hash before it."""

Detail = str | int | float | bool | Sequence["Detail"] | Mapping[str, "Detail"] | None

Line = tuple[str, str | None, Mapping[str, Detail]]
"""An event to come: its kind, its case or None, its details."""


@dataclass(frozen=True)
class AuditRow:
    """One event; `details` is canonical JSON."""

    id: int
    created: str
    kind: str
    case_id: str | None
    details: str
    previous: str
    hash: str


@dataclass(frozen=True)
class AuditReport:
    """What checking the chain found.

    Attributes:
        rows: how many rows were checked.
        head: the hash of the last row (`GENESIS` where there is none).
        first_bad: id of the first row that does not fit, or None.
        problem: one sentence about it, or "".
    """

    rows: int
    head: str
    first_bad: int | None = None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """True if every row fits."""
        return self.first_bad is None


@dataclass(frozen=True)
class AuditExport:
    """The whole audit as text.

    Attributes:
        text: JSON lines: every row with its `details` as the text that was hashed, and last head and count.
        rows: how many rows it has.
        head: the hash of the last one.
    """

    text: str
    rows: int
    head: str

    def save(self, path: Path) -> None:
        """Write it into a new file; raises `WorkspaceError` where there is one or the disk refuses."""
        if path.exists():
            raise WorkspaceError(f"{path} exists; name a new file for the audit.")
        try:
            durable.write_text(path, self.text)
        except OSError as error:
            raise WorkspaceError(
                f"{path} cannot be written ({error.strerror or error}); check the folder and the free space."
            ) from error


def now() -> str:
    """The time as it is stored: ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical(details: Mapping[str, Detail]) -> str:
    """JSON that is the same text for the same content."""
    return json.dumps(
        dict(details), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def row_hash(previous: str, row_id: int, created: str, kind: str, case_id: str | None, details: str) -> str:
    """The hash of a row: sha256 over the hash before it and the canonical JSON of all else in the row."""
    body = canonical({"id": row_id, "created": created, "kind": kind, "case": case_id, "details": details})
    return hashlib.sha256(previous.encode("ascii") + body.encode("utf-8")).hexdigest()


def add(connection: Connection, kind: str, case_id: str | None, details: Mapping[str, Detail]) -> AuditRow:
    """Add an event inside the caller's write transaction: it and what it tells of stand or fall together."""
    table = schema.audit
    last = connection.execute(select(table.c.id, table.c.hash).order_by(table.c.id.desc()).limit(1)).first()
    row_id, previous = (int(last.id) + 1, str(last.hash)) if last else (1, GENESIS)
    created, body = now(), canonical(details)
    row = AuditRow(
        row_id,
        created,
        kind,
        case_id,
        body,
        previous,
        row_hash(previous, row_id, created, kind, case_id, body),
    )
    connection.execute(
        table.insert().values(
            id=row.id,
            created=created,
            kind=kind,
            case_id=case_id,
            details=body,
            previous=previous,
            hash=row.hash,
        )
    )
    return row


class Audit:
    """The audit of one workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self, kind: str, case_id: str | None = None, details: Mapping[str, Detail] | None = None
    ) -> AuditRow:
        """Add an event that stands for itself (an export, for instance)."""
        with self._database.write() as connection:
            return add(connection, kind, case_id, details or {})

    def append_all(self, lines: Sequence[Line]) -> None:
        """Add events in one transaction, in their order."""
        with self._database.write() as connection:
            for kind, case_id, details in lines:
                add(connection, kind, case_id, details)

    def rows(self, case_id: str | None = None) -> tuple[AuditRow, ...]:
        """All events in order, or those of one case."""
        table = schema.audit
        query = select(table).order_by(table.c.id)
        if case_id is not None:
            query = query.where(table.c.case_id == case_id)
        with self._database.read() as connection:
            return tuple(AuditRow(**row._mapping) for row in connection.execute(query))

    def head(self) -> str:
        """The hash of the last row; keep it elsewhere to prove later that nothing before it changed."""
        table = schema.audit
        with self._database.read() as connection:
            found = connection.execute(select(table.c.hash).order_by(table.c.id.desc()).limit(1)).scalar()
        return GENESIS if found is None else str(found)

    def export(self) -> AuditExport:
        """All rows and the head, to be kept elsewhere."""
        rows = self.rows()
        head = rows[-1].hash if rows else GENESIS
        lines = [json.dumps(asdict(row), ensure_ascii=False) for row in rows]
        lines.append(json.dumps({"head": head, "rows": len(rows)}))
        return AuditExport("\n".join(lines) + "\n", len(rows), head)

    def verify(self) -> AuditReport:
        """Check every row; the report names the first that was changed, taken out or put in."""
        rows = self.rows()
        with self._database.read() as connection:
            last_given = connection.execute(
                text("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
            ).scalar()
        previous = GENESIS
        for position, row in enumerate(rows, start=1):
            problem = _problem(row, position, previous)
            if problem:
                return AuditReport(position, rows[-1].hash, row.id, problem)
            previous = row.hash
        if int(last_given or 0) > len(rows):
            missing = len(rows) + 1
            return AuditReport(
                len(rows), previous, missing, f"Audit row {missing} is missing; the end was cut off."
            )
        return AuditReport(len(rows), previous)

    def require_intact(self) -> None:
        """Raise `WorkspaceError` with the first bad row where the chain does not hold."""
        report = self.verify()
        if not report.ok:
            raise WorkspaceError(f"{report.problem} Restore {self._database.path.name} from a copy.")


def _problem(row: AuditRow, position: int, previous: str) -> str:
    if row.id != position:
        return f"Audit row {position} is missing; the next one is {row.id}."
    if row.previous != previous:
        return f"Audit row {row.id} does not follow from the row before it."
    try:
        wanted = row_hash(row.previous, row.id, row.created, row.kind, row.case_id, row.details)
    except (TypeError, ValueError):  # a value that is no text any more
        wanted = ""
    if row.hash != wanted:
        return f"Audit row {row.id} ({row.kind}) was changed after it was written."
    return ""
