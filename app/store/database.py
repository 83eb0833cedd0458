"""SQLite through SQLAlchemy Core: how connections are set up, and the two kinds of transaction.

A write begins IMMEDIATE, so that two writers queue at the start and never fail in the middle. A read is a
plain BEGIN, closed at once, so that nobody waits for a reader who went for coffee.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.pool import ConnectionPoolEntry

from app.store.schema import SCHEMA_VERSION
from model.errors import WorkspaceError

BUSY_TIMEOUT_MS = 5000

_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    # A rollback journal works on network shares, where the shared memory of WAL does not.
    "PRAGMA journal_mode = DELETE",
    "PRAGMA synchronous = EXTRA",
    "PRAGMA foreign_keys = ON",
)


class Database:
    """One SQLite file; may be used from several threads, each transaction from one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A short transaction that only looks."""
        with self._said_plainly(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that changes rows: all of it is committed at the end of the block, or nothing is."""
        with (
            self._said_plainly(),
            self._engine.connect().execution_options(immediate=True) as connection,
            connection.begin(),
        ):
            yield connection

    def schema_version(self) -> str:
        """The revision of the tables, "" where there are none."""
        with self.read() as connection:
            known = connection.execute(
                text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
            ).first()
            if known is None:
                return ""
            return str(
                connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
            )

    def upgrade(self) -> None:
        """Bring the tables to the newest revision; raises `WorkspaceError` for one that is newer still."""
        found = self.schema_version()
        if found == SCHEMA_VERSION:
            return
        if found > SCHEMA_VERSION:
            raise WorkspaceError(
                f"{self.path.parent.name}/{self.path.name} was written by a newer GateLens (tables {found}, "
                f"this program knows {SCHEMA_VERSION}); install the newer version to open it."
            )
        # Alembic costs a third of a second at import, so only a new or old database pays for it.
        from app.store.migrations import run

        with self.write() as connection:
            run.upgrade(connection)

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    @contextmanager
    def _said_plainly(self) -> Iterator[None]:
        where = f"{self.path.parent.name}/{self.path.name}"
        try:
            yield
        except (IntegrityError, ProgrammingError):
            raise  # a rule of the tables was broken: a bug of ours
        except OperationalError as error:
            raise WorkspaceError(_operational(where, str(error.orig))) from error
        except DatabaseError as error:
            raise WorkspaceError(
                f"{where} is damaged or not a database ({error.orig}); restore it from a copy."
            ) from error


def _operational(where: str, reason: str) -> str:
    if "locked" in reason or "busy" in reason:
        return f"{where} is in use by another program for over {BUSY_TIMEOUT_MS // 1000} seconds; try again."
    if "full" in reason:
        return f"{where} cannot be written because the disk is full; make room and try again."
    if "readonly" in reason or "read-only" in reason:
        return f"{where} cannot be written; check that you may write in the workspace's folder."
    return f"{where} cannot be used ({reason}); check the folder and try again."


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        # None hands the transactions to us; Python's own would begin them late and DEFERRED.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
