"""What a reader decided on a case, as a row that is added and never changed. Deciding: `app.core.review`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from app import __version__
from app.core.review import CaseState, Decision
from app.store import audit, schema
from app.store.audit import Detail
from app.store.processes import account


@dataclass(frozen=True)
class DecisionRecord:
    """One decision.

    Attributes:
        kind: the state the case has from now on.
        reader: the name the reader gave.
        note: the reader's own words (why rejected, why flagged), or "".
        voxels_added: against the base, likewise removed and the same in mL.
        seconds: how long the reader worked on the case, 0 where that was not measured.
        account: the system account, stored beside the name.
        idle_seconds: how long it was open without a sign of the reader; None where that was not measured.
        seen_share: the share, 0–1, of the mask's slices that were on the screen; None where no mask was saved
            or nobody looked.
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
    idle_seconds: float | None = None
    seen_share: float | None = None

    @classmethod
    def of(
        cls,
        decision: Decision,
        reader: str,
        note: str = "",
        seconds: float = 0.0,
        idle_seconds: float | None = None,
        seen_share: float | None = None,
    ) -> DecisionRecord:
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
            idle_seconds=idle_seconds,
            seen_share=seen_share,
        )


@dataclass(frozen=True)
class DecisionRow:
    """A decision as it stands in the database."""

    id: int
    case_id: str
    version: int | None
    prediction_key: str | None
    record: DecisionRecord


def add(
    connection: Connection,
    case_id: str,
    record: DecisionRecord,
    version: int | None,
    *,
    model_hash: str | None = None,
    program_version: str = __version__,
) -> None:
    """Add the decision and its audit line inside the caller's write transaction.

    `model_hash` is the bundle whose prediction was shown; None: the one of the case's own prediction.
    """
    cases = schema.cases
    case = connection.execute(
        select(cases.c.prediction_key, cases.c.model_hash).where(cases.c.id == case_id)
    ).first()
    row: dict[str, Detail] = {
        "case_id": case_id,
        "kind": record.kind.value,
        "version": version,
        "reader": record.reader,
        "account": record.account,
        "note": record.note,
        "prediction_key": case.prediction_key if case is not None else None,
        "voxels_added": record.voxels_added,
        "voxels_removed": record.voxels_removed,
        "ml_added": record.ml_added,
        "ml_removed": record.ml_removed,
        "seconds": record.seconds,
        "created": record.created,
        "idle_seconds": record.idle_seconds,
        "seen_share": record.seen_share,
    }
    if model_hash is None:
        model_hash = (case.model_hash if case is not None else None) or ""
    connection.execute(schema.decisions.insert().values(**row))
    audit.add(
        connection, "decision", case_id, {**audited(row), "model": model_hash, "program": program_version}
    )


def audited(row: Mapping[str, Detail]) -> dict[str, Detail]:
    """What the audit says of a row of `decisions`; that the row still says so is checked by `verify`."""
    return {
        "prediction" if name == "prediction_key" else name: value
        for name, value in row.items()
        if name not in ("id", "case_id")
    }


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
                row.idle_seconds,
                row.seen_share,
            ),
        )
        for row in connection.execute(query)
    )
