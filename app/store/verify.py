"""Checking a whole workspace: nothing of what is on record was changed, in the database or on disk.

The audit chain holds the rest: each row of record is compared with its audit line, each file with the hash in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select, text

from app.store import decisions, label_version, schema
from app.store.audit import AuditRow, Detail
from app.store.checksums import file_sha256, folder_sha256
from app.store.label_version import VersionFile
from app.store.workspace import Workspace
from model.bundle import bundle_hash
from model.errors import WorkspaceError
from model.progress import CancelCheck, Report, never, silent, stop_if

Row = Mapping[str, Any]
Naming = Callable[[str], str]
"""A case in words by its id."""


@dataclass(frozen=True)
class Verification:
    """What was checked.

    Attributes:
        audit_rows: how many audit rows were checked; likewise versions, decisions and models (those in the
            workspace's own folder).
        head: hash of the last audit row.
        problems: one sentence each; empty where all is well.
        notes: what could not be checked and need not be wrong.
    """

    audit_rows: int
    versions: int
    decisions: int
    models: int
    head: str
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, eq=False)
class _Record:
    """A table whose every row has one audit line, in the same order.

    Attributes:
        kinds: of its audit lines.
        said: what the line says of a row.
        name: a row, or a line without one, in words: its number, its case in words, and what is said of it.
    """

    table: Table
    kinds: tuple[str, ...]
    said: Callable[[Row], dict[str, Detail]]
    name: Callable[[int, str, Mapping[str, Any]], str]


_VERSIONS = _Record(
    schema.versions,
    ("version saved", "version adopted"),
    label_version.audited,
    lambda number, case, said: f"Version {said.get('version')} of {case}",
)
_DECISIONS = _Record(
    schema.decisions,
    ("decision",),
    decisions.audited,
    lambda number, case, said: f"Decision {number}, on {case},",
)
_MODELS = _Record(
    schema.serving_models,
    ("serving model",),
    lambda row: {"model" if name == "name" else name: value for name, value in row.items() if name != "id"},
    lambda number, case, said: f"Serving model {number}, {said.get('model')},",
)
_RECORDS = (_VERSIONS, _DECISIONS, _MODELS)
_RESTORE = "restore review.sqlite from a copy."


def verify(
    workspace: Workspace,
    report: Report = silent,
    cancelled: CancelCheck = never,
    *,
    known_head: str | None = None,
) -> Verification:
    """Check the workspace; changes nothing.

    Args:
        workspace: the workspace.
        report: told the fraction done and what is checked.
        cancelled: asked between files.
        known_head: a head hash kept elsewhere; that row and all before it must still be there.

    Raises:
        WorkspaceError: `known_head` is no hash.
    """
    if known_head is not None and re.fullmatch("[0-9a-f]{64}", known_head) is None:
        raise WorkspaceError(
            f"A head hash has 64 digits of 0–9 and a–f, not {known_head[:70]!r}; give all of it."
        )
    report(0.0, "checking the audit")
    chain = workspace.audit.verify()
    lines = workspace.audit.rows()
    problems = [*_database_problems(workspace), *([] if chain.ok else [chain.problem])]
    if known_head is not None and all(line.hash != known_head for line in lines):
        problems.append(f"The audit has no row with the hash {known_head[:12]}; what led to it was changed.")
    named = _case_names(workspace)
    found = {record: _Found.of(workspace, record, lines, named) for record in _RECORDS}
    for each in found.values():
        problems += each.problems
    versions, models = found[_VERSIONS], _own_models(found[_MODELS])
    files = len(versions.lines) + len(models)
    for number, line in enumerate(versions.lines):
        stop_if(cancelled)
        report(number / files, f"checking version {number + 1} of {len(versions.lines)}")
        problems += _version_problems(workspace, line, named)
    notes: list[str] = []
    for number, (row, said) in enumerate(models):
        stop_if(cancelled)
        report((len(versions.lines) + number) / files, f"checking model {row['name']}")
        if (workspace.folder / row["path"]).is_dir():
            problems += _model_problems(workspace, row, said)
        else:
            notes.append(f"Model {row['name']} is no more in {row['path']}; it was not checked.")
    return Verification(
        audit_rows=chain.rows,
        versions=len(versions.rows),
        decisions=len(found[_DECISIONS].rows),
        models=len(models) - len(notes),
        head=chain.head,
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _case_names(workspace: Workspace) -> Naming:
    """Cases in words: the name by which readers know one, and the beginning of its id."""
    cases = schema.cases
    with workspace.database.read() as connection:
        names = {row.id: row.name for row in connection.execute(select(cases.c.id, cases.c.name))}

    def named(case_id: str) -> str:
        short = f"case {case_id[:12]}"
        return f"{names[case_id]} ({short})" if case_id in names else short

    return named


@dataclass(frozen=True)
class _Found:
    """The rows of a table, their audit lines, and where they disagree."""

    rows: tuple[Row, ...]
    lines: tuple[AuditRow, ...]
    problems: tuple[str, ...]

    @classmethod
    def of(
        cls, workspace: Workspace, record: _Record, audit_rows: tuple[AuditRow, ...], named: Naming
    ) -> _Found:
        lines = tuple(line for line in audit_rows if line.kind in record.kinds)
        query = select(record.table).order_by(record.table.c.id)
        with workspace.database.read() as connection:
            rows = tuple(dict(row) for row in connection.execute(query).mappings())
        return cls(rows, lines, tuple(_row_problems(record, rows, lines, named)))


def _row_problems(
    record: _Record, rows: tuple[Row, ...], lines: tuple[AuditRow, ...], named: Naming
) -> Iterator[str]:
    """Ids count from 1 and no row is ever removed, so the n-th line tells of the row with the id n."""
    by_id = {row["id"]: row for row in rows}
    for number, line in enumerate(lines, start=1):
        row, said = by_id.pop(number, None), _details(line)
        name = record.name(number, named(line.case_id or ""), said)
        if row is None:
            yield f"{name} is missing; {_RESTORE}"
        elif row.get("case_id") != line.case_id or not _agree(record.said(row), said):
            yield f"{name} is not what the audit says; {_RESTORE}"
    for number, row in by_id.items():
        name = record.name(number, named(str(row.get("case_id"))), record.said(row))
        yield f"{name} has no audit row; {_RESTORE}"


def _agree(row: Mapping[str, Detail], said: Mapping[str, Detail]) -> bool:
    """Whether a row is what its line says; lines of older programs say less, and round millilitres."""
    older = "created" not in said
    for name, value in row.items():
        if older and name not in said:
            continue
        if older and isinstance(value, float):
            value = round(value, 6)
        if name not in said or value != said[name]:
            return False
    return True


def _database_problems(workspace: Workspace) -> Iterator[str]:
    with workspace.database.read() as connection:
        for found in connection.execute(text("PRAGMA integrity_check(3)")).scalars():
            if found != "ok":
                yield f"review.sqlite is damaged ({found}); {_RESTORE}"


def _version_problems(workspace: Workspace, line: AuditRow, named: Naming) -> Iterator[str]:
    """What is wrong with the two files of a version, going by its audit line."""
    said, case_id = _details(line), line.case_id or ""
    number = said.get("version")
    if not isinstance(number, int):
        return  # the line was changed, which the chain shows
    name = f"Version {number} of {named(case_id)}"
    target = workspace.labels.folder(case_id) / f"v{number:04d}.nii.gz"
    where = target.relative_to(workspace.folder).as_posix()
    if not target.is_file():
        yield f"{name} is missing on disk; restore {where} from a copy."
    elif file_sha256(target) != said.get("file"):
        yield f"{name} was changed on disk; restore {where} from a copy."
    marker = target.with_name(f"v{number:04d}.json")
    if not marker.is_file():
        yield f"{name} has lost its {marker.name}; restore it from a copy."
    elif not (
        file_sha256(marker) == said["json"]
        if "json" in said
        else _describes(workspace, case_id, number, marker)
    ):
        yield f"{name}: {marker.name} was changed on disk; restore it from a copy."


def _describes(workspace: Workspace, case_id: str, number: int, marker: Path) -> bool:
    """Whether a JSON file says what the rows say, for versions of older programs, whose audit has no hash of it."""
    try:
        content = marker.read_text(encoding="utf-8")
        file = VersionFile.from_json(marker.name, content)
    except (WorkspaceError, UnicodeDecodeError):
        return False
    table = schema.versions
    query = select(table).where(table.c.case_id == case_id, table.c.number == number)
    with workspace.database.read() as connection:
        row = connection.execute(query).mappings().first()
        try:
            decided = [
                each.record for each in decisions.of_case(connection, case_id) if each.version == number
            ]
        except ValueError:  # a kind of decision there is not
            return False
    return (
        content == file.to_json()
        and row is not None
        and all(row[name] == value for name, value in label_version.row_of(number, file).items())
        and decided == ([] if file.info.decision is None else [file.info.decision])
    )


def _own_models(found: _Found) -> tuple[tuple[Row, Mapping[str, Detail]], ...]:
    """The newest record of each model folder inside the workspace, with what the audit says of it."""
    newest = {}
    for row, line in zip(found.rows, found.lines, strict=False):
        if not Path(row["path"]).is_absolute():
            newest[row["path"]] = (row, _details(line))
    return tuple(newest.values())


def _model_problems(workspace: Workspace, row: Row, said: Mapping[str, Detail]) -> Iterator[str]:
    folder = workspace.folder / row["path"]
    name = f"Model {row['name']} in {row['path']}"
    try:
        whole = bundle_hash(folder) == said.get("hash")
    except OSError as error:
        yield f"{name} cannot be read ({error.strerror}); restore it from a copy."
        return
    if not whole or said.get("files", folder_sha256(folder)) != folder_sha256(folder):
        yield f"{name} was changed on disk; restore it from a copy."


def _details(line: AuditRow) -> Mapping[str, Any]:
    """What a line says; nothing where it was changed into something else, which the chain shows."""
    try:
        content = json.loads(line.details)
    except (TypeError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
