"""`verify` finds a change of any value on record and of any byte of a file on record."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from app.core.review import CaseState
from app.store import workspace as workspaces
from app.store.decisions import DecisionRecord
from app.store.label_version import VersionInfo
from app.store.review_store import CaseRow
from app.store.verify import verify
from app.store.workspace import Workspace
from model.bundle import bundle_hash
from model.errors import WorkspaceError
from model.grid import Grid

Info = Callable[..., VersionInfo]
RECORDS = ("audit", "decisions", "serving_models", "versions")


@pytest.fixture
def full(
    workspace: Workspace,
    case: CaseRow,
    labels: npt.NDArray[np.uint8],
    grid: Grid,
    info: Info,
) -> Workspace:
    """Gives a workspace with a row of every kind: two versions, three decisions, a model of its own, strokes."""
    workspace.labels.save(case.id, labels, grid, info("Änne"))
    workspace.labels.save(case.id, labels, grid, info("Bo", CaseState.ACCEPTED, session="s2"))
    read = DecisionRecord(CaseState.FLAGGED, "Bo", "odd", seconds=12.5, idle_seconds=3.25, seen_share=0.5)
    workspace.reviews.record_decision(case.id, read, 2)
    model = workspace.models_folder / "tiny-01234567"
    (model / "attention_history").mkdir(parents=True)
    for name in ("bundle.json", "weights.safetensors", "validation.json", "attention_history/step1.npy"):
        (model / name).write_bytes(name.encode() * 40)
    workspace.reviews.set_serving_model("tiny", bundle_hash(model), model)
    workspace.audit.append(
        "edits", case.id, {"steps": [{"name": "brush on liver", "box": [[0, 1, 2], [1, 2, 3]]}]}
    )
    assert verify(workspace).problems == ()
    return workspace


def by_hand(workspace: Workspace, sql: str, *values: object) -> None:
    """Change the database as someone with another program would, triggers and all."""
    with closing(sqlite3.connect(workspace.database.path)) as connection:
        # These changes need not outlive a power cut.
        for pragma in ("synchronous = OFF", "journal_mode = MEMORY"):
            connection.execute(f"PRAGMA {pragma}").close()
        with connection:
            triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(sql, values)


def values_on_record(workspace: Workspace) -> Iterator[tuple[str, int, str, object]]:
    """Every value of every row that is never to change: its table, row, column and what it is."""
    with closing(sqlite3.connect(workspace.database.path)) as connection:
        connection.row_factory = sqlite3.Row
        for table in RECORDS:
            for row in connection.execute(f"SELECT * FROM {table}"):
                for name in row.keys():  # noqa: SIM118 - a Row iterates over its values
                    yield table, row["id"], name, row[name]


def another(value: object) -> object:
    """A value a little different."""
    if isinstance(value, str):
        return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
    if isinstance(value, int):
        return value + 100
    return 0.5 if value is None else np.nextafter(value, 2).item()  # type: ignore[call-overload]


def is_found(workspace: Workspace) -> bool:
    # SQLite keeps pages of a file that nobody changed through it; whoever verifies opens the file anew.
    workspace.database.close()
    try:
        return not verify(workspace).ok
    except WorkspaceError:
        return True


def test_a_changed_value_of_any_row_on_record_is_found(full: Workspace) -> None:
    by_hand(full, "SELECT 1")
    whole = full.database.path.read_bytes()
    missed = []
    every = list(values_on_record(full))
    assert {table for table, *_ in every} == set(RECORDS)
    for table, row, column, value in every:
        by_hand(full, f"UPDATE {table} SET {column} = ? WHERE id = ?", another(value), row)
        if not is_found(full):
            missed.append((table, row, column, value))
        full.database.path.write_bytes(whole)
    assert missed == []
    assert verify(full).ok


@pytest.mark.parametrize("table", RECORDS)
def test_a_row_taken_out_or_put_in_is_found(full: Workspace, table: str) -> None:
    whole = full.database.path.read_bytes()
    with full.database.read() as connection:
        ids = list(connection.exec_driver_sql(f"SELECT id FROM {table}").scalars())
    for row in ids:
        by_hand(full, f"DELETE FROM {table} WHERE id = ?", row)
        assert is_found(full), row
        full.database.path.write_bytes(whole)
    columns = [name for name in full_columns(full, table) if name != "id"]
    chosen = ", ".join("number + 7" if (table, name) == ("versions", "number") else name for name in columns)
    by_hand(full, f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} WHERE id = 1")
    assert is_found(full)


def full_columns(workspace: Workspace, table: str) -> list[str]:
    with workspace.database.read() as connection:
        return [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]


def test_a_changed_byte_of_any_file_on_record_is_found(full: Workspace) -> None:
    files = [
        path for path in (*full.folder.rglob("labels/v*"), *full.models_folder.rglob("*")) if path.is_file()
    ]
    assert len(files) == 8
    rng = np.random.default_rng(11)
    for path in files:
        path.chmod(0o644)
        whole = path.read_bytes()
        for place in {0, len(whole) - 1, *rng.integers(0, len(whole), 12).tolist()}:
            path.write_bytes(
                whole[:place] + bytes([whole[place] ^ 1 << int(rng.integers(8))]) + whole[place + 1 :]
            )
            (problem,) = verify(full).problems
            assert "was changed on disk; restore" in problem
            assert path.name in problem or path.is_relative_to(full.models_folder)
        path.write_bytes(whole)
        path.rename(path.with_name("away"))
        assert len(verify(full).problems) == 1, path.name
        path.with_name("away").rename(path)
    assert verify(full).ok


def test_a_changed_byte_of_the_database_file_where_a_value_stands_is_found(full: Workspace) -> None:
    path = full.database.path
    whole = path.read_bytes()
    texts = {
        value.encode()
        for _, _, _, value in values_on_record(full)
        if isinstance(value, str) and len(value) > 3
    }
    rng = np.random.default_rng(5)
    tried = 0
    for text in sorted(texts):
        start = whole.find(text)
        if start < 0:
            continue  # a long text is spread over pages
        place = start + int(rng.integers(len(text)))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = is_found(full)
        # A name may stand in the label table, which is not on record, before it stands in a row.
        assert found or whole.count(text) > 1, text
        tried += found
    path.write_bytes(whole)
    assert tried > 30


def test_a_head_kept_elsewhere_shows_that_the_whole_chain_was_made_anew(full: Workspace) -> None:
    head = full.audit.head()
    full.audit.append("note")
    assert verify(full, known_head=head).ok
    assert verify(full, known_head="0" * 64).problems == (
        "The audit has no row with the hash 000000000000; what led to it was changed.",
    )


def test_a_model_that_is_gone_is_noted_and_no_problem(full: Workspace) -> None:
    shutil.rmtree(full.models_folder / "tiny-01234567")
    found = verify(full)
    assert (found.ok, found.models) == (True, 0)
    assert found.notes == ("Model tiny is no more in models/tiny-01234567; it was not checked.",)


def test_a_model_made_anew_in_its_folder_is_checked_against_its_newest_record(full: Workspace) -> None:
    model = full.models_folder / "tiny-01234567"
    (model / "weights.safetensors").write_bytes(b"better")
    assert not verify(full).ok
    full.reviews.set_serving_model("tiny", bundle_hash(model), model)
    assert verify(full).ok


def test_what_an_older_program_wrote_is_checked_as_far_as_its_audit_says_it(
    repository: Path, tmp_path: Path
) -> None:
    shutil.copytree(repository / "tests" / "fixtures" / "workspace_v1", tmp_path / "W")
    with workspaces.open(tmp_path / "W") as workspace:
        assert verify(workspace).problems == ()
        by_hand(workspace, "SELECT 1")
        whole = workspace.database.path.read_bytes()
        missed = set()
        for table, row, column, value in list(values_on_record(workspace)):
            by_hand(workspace, f"UPDATE {table} SET {column} = ? WHERE id = ?", another(value), row)
            if not is_found(workspace):
                missed.add((table, row, column))
            workspace.database.path.write_bytes(whole)
        # A verdict without a version has no JSON file; its line says neither when nor how long, nor where a model is.
        flagged = {("decisions", 3, name) for name in ("created", "seconds", "idle_seconds", "seen_share")}
        model = {("serving_models", 1, name) for name in ("created", "path")}
        small = {("decisions", 3, "ml_added"), ("decisions", 3, "ml_removed")}
        assert missed == flagged | model | small
        marker = next(workspace.folder.rglob("v0002.json"))
        marker.chmod(0o644)
        for before, after in (("Ann", "Eve"), ('"voxels_added": 19', '"voxels_added": 18'), ("\n", "\n ")):
            said = marker.read_text(encoding="utf-8")
            marker.write_text(said.replace(before, after, 1), encoding="utf-8")
            assert not verify(workspace).ok
            marker.write_text(said, encoding="utf-8")
