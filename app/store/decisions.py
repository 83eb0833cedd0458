"""What a reader decided on a case, as a row that is added and never changed. Deciding: `app.core.review`."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from app.core.review import CaseState, Decision
from app.store import audit, schema
from app.store.processes import account


@dataclass(frozen=True)
class DecisionRecord:
    """One decision.

    Attributes:
        kind: the state the case has from now on.
        reader: the name the reader gave.
        note: the reader's own words (why rejected, why flagged), or "".
        voxels_added: against the base, likewise removed and the same in mL.
        seconds: how long the case was open, 0 where that was not measured.
        account: the system account, stored beside the name.
    """

    kind: CaseState
    reader: str
    note: str = ""
    voxels_added: int = 0
    voxels_removed: int = 0
    ml_added: float = 0.0
    ml_removed: float = 0.0
    seconds: float = 0.0
    account: str = field(default_factory=account)
    created: str = field(default_factory=audit.now)

    @classmethod
    def of(cls, decision: Decision, reader: str, note: str = "", seconds: float = 0.0) -> DecisionRecord:
        """The record of what accepting a mask amounts to (`app.core.review.decide`)."""
        return cls(
            decision.kind,
            reader,
            note,
            decision.voxels_added,
            decision.voxels_removed,
            decision.ml_added,
            decision.ml_removed,
            seconds,
        )


@dataclass(frozen=True)
class DecisionRow:
    """A decision as it stands in the database."""

    id: int
    case_id: str
    version: int | None
    prediction_key: str | None
    record: DecisionRecord


def add(connection: Connection, case_id: str, record: DecisionRecord, version: int | None) -> None:
    """Add the decision and its audit line inside the caller's write transaction."""
    cases = schema.cases
    key = connection.execute(select(cases.c.prediction_key).where(cases.c.id == case_id)).scalar()
    connection.execute(
        schema.decisions.insert().values(
            case_id=case_id,
            kind=record.kind.value,
            version=version,
            reader=record.reader,
            account=record.account,
            note=record.note,
            prediction_key=key,
            voxels_added=record.voxels_added,
            voxels_removed=record.voxels_removed,
            ml_added=record.ml_added,
            ml_removed=record.ml_removed,
            seconds=record.seconds,
            created=record.created,
        )
    )
    audit.add(
        connection,
        "decision",
        case_id,
        {
            "kind": record.kind.value,
            "version": version,
            "reader": record.reader,
            "account": record.account,
            "note": record.note,
            "prediction": key,
            "voxels_added": record.voxels_added,
            "voxels_removed": record.voxels_removed,
            "ml_added": round(record.ml_added, 6),
            "ml_removed": round(record.ml_removed, 6),
        },
    )


def of_case(connection: Connection, case_id: str) -> tuple[DecisionRow, ...]:
    """All decisions on a case, oldest first."""
    table = schema.decisions
    query = select(table).where(table.c.case_id == case_id).order_by(table.c.id)
    return tuple(
        DecisionRow(
            row.id,
            row.case_id,
            row.version,
            row.prediction_key,
            DecisionRecord(
                CaseState(row.kind),
                row.reader,
                row.note,
                row.voxels_added,
                row.voxels_removed,
                row.ml_added,
                row.ml_removed,
                row.seconds,
                row.account,
                row.created,
            ),
        )
        for row in connection.execute(query)
    )
