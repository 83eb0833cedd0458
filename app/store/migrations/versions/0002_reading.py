"""How a decision was read: how long the case lay idle, and what share of the mask's slices was seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable: decisions of before did not measure it, and rows of record are never changed.
    for name in ("idle_seconds", "seen_share"):
        op.add_column("decisions", sa.Column(name, sa.Float(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a workspace is never brought back to older tables; keep a copy instead")
