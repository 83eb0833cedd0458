"""The first tables. Written out rather than taken from `schema`, which will move on while this stays."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, integer, real = sa.Text(), sa.Integer(), sa.Float()

    def column(name: str, kind: TypeEngine[Any], **more: bool) -> sa.Column[Any]:
        nullable = more.pop("nullable", False)
        return sa.Column(name, kind, nullable=nullable, **more)  # type: ignore[arg-type]

    op.create_table(
        "cases",
        column("number", integer, primary_key=True),
        column("id", text, unique=True),
        column("name", text),
        column("path", text),
        column("format", text),
        column("file_bytes", integer),
        column("file_mtime_ns", integer),
        column("subject", text),
        column("study_date", text, nullable=True),
        column("series", text, nullable=True),
        column("modality", text, nullable=True),
        sa.Column("role", text, sa.CheckConstraint("role IN ('read', 'test')"), nullable=False),
        column("shape", text),
        column("spacing", text),
        column("table_key", text, nullable=True),
        column("prediction_key", text, nullable=True),
        column("model_name", text, nullable=True),
        column("model_hash", text, nullable=True),
        column("added", text),
    )
    op.create_table(
        "versions",
        column("id", integer, primary_key=True),
        sa.Column("case_id", text, sa.ForeignKey("cases.id"), nullable=False),
        column("number", integer),
        column("labels_sha256", text),
        column("file_sha256", text),
        column("reader", text),
        column("account", text),
        column("session", text),
        column("base_kind", text),
        column("base_reference", text),
        column("base_sha256", text),
        column("journal_bytes", integer, nullable=True),
        column("table_key", text, nullable=True),
        column("created", text),
        sa.UniqueConstraint("case_id", "number", name="one_row_per_version"),
    )
    op.create_table(
        "decisions",
        column("id", integer, primary_key=True),
        sa.Column("case_id", text, sa.ForeignKey("cases.id"), nullable=False),
        column("kind", text),
        column("version", integer, nullable=True),
        column("reader", text),
        column("account", text),
        column("note", text),
        column("prediction_key", text, nullable=True),
        column("voxels_added", integer),
        column("voxels_removed", integer),
        column("ml_added", real),
        column("ml_removed", real),
        column("seconds", real),
        column("created", text),
    )
    op.create_index("decisions_by_case", "decisions", ["case_id", "id"])
    op.create_table(
        "leases",
        sa.Column("case_id", text, sa.ForeignKey("cases.id"), primary_key=True, nullable=False),
        column("session", text),
        column("holder", text),
        column("host", text),
        column("pid", integer),
        column("process_started", real),
        column("heartbeat", real),
    )
    op.create_table(
        "serving_models",
        column("id", integer, primary_key=True),
        column("name", text),
        column("hash", text),
        column("path", text),
        column("created", text),
    )
    op.create_table(
        "measurements",
        sa.Column("case_id", text, sa.ForeignKey("cases.id"), primary_key=True, nullable=False),
        column("key", text, primary_key=True),
        column("value", real),
        column("unit", text),
    )
    op.create_table(
        "audit",
        column("id", integer, primary_key=True, autoincrement=True),
        column("created", text),
        column("kind", text),
        column("case_id", text, nullable=True),
        column("details", text),
        column("previous", text),
        column("hash", text),
        sqlite_autoincrement=True,
    )
    for table in ("decisions", "versions", "audit", "serving_models"):
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
            )


def downgrade() -> None:
    raise NotImplementedError("a workspace is never brought back to older tables; keep a copy instead")
