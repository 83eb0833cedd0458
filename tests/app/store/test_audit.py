"""The audit chain: what it holds, and that any change of it is found at the first bad row."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from app.store import audit
from app.store.review_store import CaseRow
from app.store.workspace import Workspace
from model.errors import WorkspaceError


def by_hand(workspace: Workspace, sql: str, *values: object) -> None:
    """Change the file as someone with another program would, triggers and all."""
    with closing(sqlite3.connect(workspace.database.path)) as connection, connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS audit_no_{verb}")
        connection.execute(sql, values)


@pytest.fixture
def five(workspace: Workspace) -> Workspace:
    for number in range(4):
        workspace.audit.append("note", details={"number": number})
    return workspace


def test_every_row_hashes_the_one_before_it(five: Workspace) -> None:
    rows = five.audit.rows()
    assert [row.kind for row in rows] == ["workspace created", "note", "note", "note", "note"]
    assert rows[0].previous == "0" * 64
    for before, row in pairwise(rows):
        body = {
            "id": row.id,
            "created": row.created,
            "kind": row.kind,
            "case": row.case_id,
            "details": row.details,
        }
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert row.previous == before.hash
        assert row.hash == hashlib.sha256((before.hash + text).encode()).hexdigest()
    report = five.audit.verify()
    assert (report.ok, report.rows, report.head) == (True, 5, five.audit.head())


@pytest.mark.parametrize(
    ("sql", "bad", "says"),
    [
        ("UPDATE audit SET details = '{\"number\":7}' WHERE id = 3", 3, "row 3 (note) was changed"),
        ("UPDATE audit SET created = '2020' WHERE id = 2", 2, "row 2 (note) was changed"),
        ("UPDATE audit SET case_id = 'x' WHERE id = 5", 5, "row 5 (note) was changed"),
        ("UPDATE audit SET previous = hash WHERE id = 4", 4, "row 4 does not follow"),
        ("DELETE FROM audit WHERE id = 2", 3, "row 2 is missing"),
        ("DELETE FROM audit WHERE id = 5", 5, "row 5 is missing; the end was cut off"),
        ("INSERT INTO audit VALUES (6, '', 'note', NULL, '{}', '', '')", 6, "row 6 does not follow"),
    ],
)
def test_the_first_bad_row_is_named(five: Workspace, sql: str, bad: int, says: str) -> None:
    by_hand(five, sql)
    report = five.audit.verify()
    assert (report.ok, report.first_bad) == (False, bad)
    assert says in report.problem
    with pytest.raises(WorkspaceError, match=r"Restore review\.sqlite"):
        five.audit.require_intact()


def test_a_row_made_anew_with_a_right_hash_breaks_the_next(five: Workspace) -> None:
    row = five.audit.rows()[2]
    made = audit.row_hash(row.previous, row.id, row.created, row.kind, row.case_id, '{"number":9}')
    by_hand(five, "UPDATE audit SET details = ?, hash = ? WHERE id = 3", '{"number":9}', made)
    assert five.audit.verify().first_bad == 4


def test_events_of_every_kind_stand_in_the_one_chain(
    workspace: Workspace, case: CaseRow, save: object
) -> None:
    assert callable(save)
    workspace.reviews.set_prediction(case.id, "ab" * 8, "0" * 64, "model")
    save(case)
    workspace.reviews.set_serving_model("model", "0" * 64, workspace.folder / "models" / "x")
    kinds = [row.kind for row in workspace.audit.rows()]
    assert kinds == [
        "workspace created",
        "case added",
        "prediction",
        "version saved",
        "decision",
        "serving model",
    ]
    assert [row.kind for row in workspace.audit.rows(case.id)] == kinds[1:5]
    assert workspace.audit.verify().ok


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(max_size=8), st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.none())
    )
)
def test_any_details_keep_the_chain(
    workspace: Workspace, details: dict[str, str | int | bool | None]
) -> None:
    row = workspace.audit.append("note", details=details)
    assert json.loads(row.details) == details
    assert workspace.audit.verify().ok
