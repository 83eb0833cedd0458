"""The tables: that migrations and schema agree, that rows stay as they are, and how connections are set up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.store import schema
from app.store.database import Database
from app.store.review_store import CaseRow
from app.store.workspace import Workspace
from model.errors import WorkspaceError


def test_the_migrations_make_the_tables_of_the_schema(workspace: Workspace) -> None:
    with workspace.database.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), schema.metadata)
        triggers = set(
            connection.execute(text("SELECT sql FROM sqlite_master WHERE type = 'trigger'")).scalars()
        )
    assert differences == []
    assert triggers == set(schema.unchangeable_triggers())


@pytest.mark.parametrize("table", schema.UNCHANGEABLE)
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id + 100", "DELETE FROM {}"])
def test_rows_of_record_cannot_be_changed(
    workspace: Workspace, case: CaseRow, save: object, table: str, verb: str
) -> None:
    assert callable(save)
    save(case)
    workspace.reviews.set_serving_model("m", "0" * 64, workspace.folder / "models" / "m")
    with (
        pytest.raises(IntegrityError, match=f"rows of {table} are never changed"),
        workspace.database.write() as c,
    ):
        c.execute(text(verb.format(table)))


def test_a_connection_is_set_up_for_a_shared_folder_and_for_power_cuts(workspace: Workspace) -> None:
    with workspace.database.read() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("busy_timeout", "journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"busy_timeout": 5000, "journal_mode": "delete", "synchronous": 3, "foreign_keys": 1}


def test_a_write_begins_immediate_so_a_second_writer_waits_at_the_start(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.database._PRAGMAS", ("PRAGMA busy_timeout = 20",))
    other = Database(workspace.database.path)
    with workspace.database.write():
        with other.read() as connection:  # a reader is not kept waiting
            assert connection.execute(text("SELECT count(*) FROM cases")).scalar() == 0
        with (
            pytest.raises(WorkspaceError, match=r"W/review.sqlite is in use by another program"),
            other.write(),
        ):
            pytest.fail("two writers at once")
    other.close()


def test_a_failed_write_leaves_nothing(workspace: Workspace, case: CaseRow) -> None:
    rows = len(workspace.audit.rows())

    def fail() -> None:
        with workspace.database.write() as connection:
            connection.execute(text("UPDATE cases SET name = 'other'"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert workspace.reviews.case(case.id).name == case.name
    assert len(workspace.audit.rows()) == rows


def test_a_newer_database_is_refused_in_a_sentence(workspace: Workspace) -> None:
    with workspace.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(
        WorkspaceError, match=r"W/review.sqlite was written by a newer GateLens \(tables 0999"
    ):
        workspace.database.upgrade()


def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "review.sqlite").write_bytes(b"this is not a database at all" * 40)
    database = Database(tmp_path / "review.sqlite")
    with pytest.raises(WorkspaceError, match="damaged or not a database"):
        database.upgrade()
    database.close()


def test_opening_imports_neither_alembic_nor_torch_nor_qt(workspace: Workspace, repository: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.store import workspace\n"
        "workspace.open(Path(sys.argv[1])).close()\n"
        "print([m for m in ('alembic', 'torch', 'monai', 'PySide6') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace.folder)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
