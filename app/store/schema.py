"""The tables of `review.sqlite`. Rows about decisions are added, never updated; triggers see to it.

The migrations make these tables; `tests/app/store/test_schema.py` proves that both say the same.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = "0002"
"""The newest revision in `migrations/versions`; Alembic is imported only where a database has another one."""

metadata = MetaData()

cases = Table(
    "cases",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    # As written: relative to the workspace with forward slashes, or absolute.
    Column("path", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("file_bytes", Integer, nullable=False),
    Column("file_mtime_ns", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("study_date", Text),
    Column("series", Text),
    Column("modality", Text),
    Column("role", Text, CheckConstraint("role IN ('read', 'test')"), nullable=False),
    Column("shape", Text, nullable=False),
    Column("spacing", Text, nullable=False),
    Column("table_key", Text),
    Column("prediction_key", Text),
    Column("model_name", Text),
    Column("model_hash", Text),
    Column("added", Text, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("labels_sha256", Text, nullable=False),
    Column("file_sha256", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("base_kind", Text, nullable=False),
    Column("base_reference", Text, nullable=False),
    Column("base_sha256", Text, nullable=False),
    # How much of the session's journal this version holds; NULL: all of it.
    Column("journal_bytes", Integer),
    Column("table_key", Text),
    Column("created", Text, nullable=False),
    UniqueConstraint("case_id", "number", name="one_row_per_version"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer),
    Column("reader", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("prediction_key", Text),
    Column("voxels_added", Integer, nullable=False),
    Column("voxels_removed", Integer, nullable=False),
    Column("ml_added", Float, nullable=False),
    Column("ml_removed", Float, nullable=False),
    # Active reading; 0 where it was not measured.
    Column("seconds", Float, nullable=False),
    Column("created", Text, nullable=False),
    Column("idle_seconds", Float),
    Column("seen_share", Float),
    Index("decisions_by_case", "case_id", "id"),
)

leases = Table(
    "leases",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("session", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", Float, nullable=False),
    Column("heartbeat", Float, nullable=False),
)

serving_models = Table(
    "serving_models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("created", Text, nullable=False),
)

measurements = Table(
    "measurements",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Float, nullable=False),
    Column("unit", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("created", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_id", Text),
    Column("details", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    sqlite_autoincrement=True,
)

UNCHANGEABLE = ("decisions", "versions", "audit", "serving_models")
"""Tables whose rows are only ever added."""


def unchangeable_triggers() -> tuple[str, ...]:
    """The SQL that forbids UPDATE and DELETE on these tables."""
    return tuple(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
        for table in UNCHANGEABLE
        for verb in ("UPDATE", "DELETE")
    )
