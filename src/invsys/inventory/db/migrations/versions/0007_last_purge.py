"""The time of the last purge, for the metrics; null until the first one."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TABLE = "cursor_state"


def upgrade() -> None:
    """Add the column."""
    op.add_column(TABLE, sa.Column("purged_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column(TABLE, "purged_at")
