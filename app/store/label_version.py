"""What stands beside a label version in `vNNNN.json`: whose it is, what it started from, what was decided.

With it a version that a crash left without its row can be taken into the database. Writing is `commit`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from app import __version__
from app.core.base import Base
from app.core.review import CaseState
from app.store import audit, decisions, schema
from app.store.audit import Detail
from app.store.decisions import DecisionRecord
from app.store.processes import ProcessIdentity, account, this_process
from model.errors import WorkspaceError

FORMAT = 1
RESEARCH_USE = "Research use only, not for diagnosis."


@dataclass(frozen=True)
class VersionInfo:
    """Whose labels are saved, and from what they came.

    Attributes:
        reader: the name the reader gave.
        base: the mask the session started from.
        session: the session's name, which is that of its journal.
        decision: what the reader decided by saving; None where nobody read (imported labels).
        table_key: the case's label table.
        model_name: bundle of the prediction that was shown, or ""; `model_hash` likewise.
        journal_bytes: how much of the session's journal these labels hold; None: all of it.
    """

    reader: str
    base: Base
    session: str = ""
    decision: DecisionRecord | None = None
    table_key: str | None = None
    model_name: str = ""
    model_hash: str = ""
    program_version: str = __version__
    journal_bytes: int | None = None
    account: str = field(default_factory=account)
    created: str = field(default_factory=audit.now)


@dataclass(frozen=True)
class LabelVersion:
    """A version on disk; it never changes.

    Attributes:
        number: 1, 2, …
        path: its NIfTI file.
        sha256: `labels_sha256` of the voxels, the name of a `Base`.
        file_sha256: of the file's bytes.
    """

    case_id: str
    number: int
    path: Path
    sha256: str
    file_sha256: str
    reader: str
    created: str

    @property
    def base(self) -> Base:
        """What a session that starts from this version is based on."""
        return Base("version", str(self.number), self.sha256)


@dataclass(frozen=True)
class VersionFile:
    """The content of a `vNNNN.json`."""

    case_id: str
    labels_sha256: str
    file_sha256: str
    info: VersionInfo
    writer: ProcessIdentity

    @classmethod
    def of(cls, case_id: str, labels_sha256: str, file_sha256: str, info: VersionInfo) -> VersionFile:
        """What this process writes."""
        return cls(case_id, labels_sha256, file_sha256, info, this_process())

    def to_json(self) -> str:
        """The text of the file."""
        info, decision = self.info, self.info.decision
        content = {
            "format": FORMAT,
            "notice": RESEARCH_USE,
            "case": self.case_id,
            "labels_sha256": self.labels_sha256,
            "file_sha256": self.file_sha256,
            "reader": info.reader,
            "account": info.account,
            "created": info.created,
            "session": info.session,
            "journal_bytes": info.journal_bytes,
            "base": {"kind": info.base.kind, "reference": info.base.reference, "sha256": info.base.sha256},
            "label_table": info.table_key,
            "model": {"name": info.model_name, "hash": info.model_hash},
            "program_version": info.program_version,
            "decision": None if decision is None else _decision_json(decision),
            "writer": {"host": self.writer.host, "pid": self.writer.pid, "started": self.writer.started},
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, name: str, text: str) -> VersionFile:
        """The content of the file `name`; raises `WorkspaceError` where it is not one."""
        try:
            content = json.loads(text)
            if int(content["format"]) > FORMAT:
                raise WorkspaceError(
                    f"{name} was written by a newer GateLens; install that version to use it."
                )
            base, writer, decision = content["base"], content["writer"], content["decision"]
            if base["kind"] not in ("version", "prediction", "empty"):
                raise ValueError(f"unknown kind of base {base['kind']!r}")
            info = VersionInfo(
                reader=str(content["reader"]),
                base=Base(base["kind"], str(base["reference"]), str(base["sha256"])),
                session=str(content["session"]),
                decision=None if decision is None else _decision(decision),
                table_key=None if content["label_table"] is None else str(content["label_table"]),
                model_name=str(content["model"]["name"]),
                model_hash=str(content["model"]["hash"]),
                program_version=str(content["program_version"]),
                journal_bytes=None if content["journal_bytes"] is None else int(content["journal_bytes"]),
                account=str(content["account"]),
                created=str(content["created"]),
            )
            return cls(
                str(content["case"]),
                str(content["labels_sha256"]),
                str(content["file_sha256"]),
                info,
                ProcessIdentity(str(writer["host"]), int(writer["pid"]), float(writer["started"])),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(f"{name} does not describe a label version ({error}).") from error


def add_rows(connection: Connection, number: int, file: VersionFile, event: str, json_sha256: str) -> None:
    """Add the version, its decision and their audit lines inside the caller's write transaction.

    Args:
        connection: the transaction.
        number: the version's.
        file: what its JSON says.
        event: "version saved" or "version adopted".
        json_sha256: of the JSON file's bytes.
    """
    info, decision = file.info, file.info.decision
    row = row_of(number, file)
    connection.execute(schema.versions.insert().values(**row))
    details = audited(row) | {
        "json": json_sha256,
        "model": info.model_hash,
        "program": info.program_version,
        "seconds": None if decision is None else decision.seconds,
        "idle_seconds": None if decision is None else decision.idle_seconds,
        "seen_share": None if decision is None else decision.seen_share,
    }
    audit.add(connection, event, file.case_id, details)
    if decision is not None:
        decisions.add(
            connection,
            file.case_id,
            decision,
            number,
            model_hash=info.model_hash,
            program_version=info.program_version,
        )


def row_of(number: int, file: VersionFile) -> dict[str, Detail]:
    """The row of `versions` for what a JSON file says, but for its id."""
    info = file.info
    return {
        "case_id": file.case_id,
        "number": number,
        "labels_sha256": file.labels_sha256,
        "file_sha256": file.file_sha256,
        "reader": info.reader,
        "account": info.account,
        "session": info.session,
        "base_kind": info.base.kind,
        "base_reference": info.base.reference,
        "base_sha256": info.base.sha256,
        "journal_bytes": info.journal_bytes,
        "table_key": info.table_key,
        "created": info.created,
    }


def audited(row: Mapping[str, Detail]) -> dict[str, Detail]:
    """What the audit says of a row of `versions`; that the row still says so is checked by `verify`."""
    reference = row["base_reference"]
    return {
        "version": row["number"],
        "labels": row["labels_sha256"],
        "file": row["file_sha256"],
        "reader": row["reader"],
        "account": row["account"],
        "session": row["session"],
        "base": f"{row['base_kind']} {reference}" if reference else row["base_kind"],
        "base_sha256": row["base_sha256"],
        "journal_bytes": row["journal_bytes"],
        "table": row["table_key"],
        "created": row["created"],
    }


def _decision_json(decision: DecisionRecord) -> dict[str, str | int | float]:
    content: dict[str, str | int | float] = {
        "kind": decision.kind.value,
        "reader": decision.reader,
        "account": decision.account,
        "note": decision.note,
        "voxels_added": decision.voxels_added,
        "voxels_removed": decision.voxels_removed,
        "ml_added": decision.ml_added,
        "ml_removed": decision.ml_removed,
        "seconds": decision.seconds,
        "created": decision.created,
    }
    # Left out where they were not measured, so that what an older program wrote reads and writes as it was.
    if decision.idle_seconds is not None:
        content["idle_seconds"] = decision.idle_seconds
    if decision.seen_share is not None:
        content["seen_share"] = decision.seen_share
    return content


def _decision(content: dict[str, Any]) -> DecisionRecord:
    return DecisionRecord(
        kind=CaseState(content["kind"]),
        reader=str(content["reader"]),
        note=str(content["note"]),
        voxels_added=int(content["voxels_added"]),
        voxels_removed=int(content["voxels_removed"]),
        ml_added=float(content["ml_added"]),
        ml_removed=float(content["ml_removed"]),
        seconds=float(content["seconds"]),
        account=str(content["account"]),
        created=str(content["created"]),
        idle_seconds=_optional(content, "idle_seconds"),
        seen_share=_optional(content, "seen_share"),
    )


def _optional(content: Mapping[str, Any], name: str) -> float | None:
    return float(content[name]) if name in content else None
