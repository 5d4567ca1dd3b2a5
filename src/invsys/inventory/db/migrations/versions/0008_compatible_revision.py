"""The oldest revision whose version of the service works on this database, and a start for the time of the last purge.

An older version of the service reads the revision when it starts (``revisions.require_compatible``). A later migration
that does not only add to the schema must raise it: ``UPDATE alembic_version SET compatible_revision = ...``. The column
must stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

VERSIONS = "alembic_version"


def upgrade() -> None:
    """Add the column. If no purge has run yet, store the present time as that of the last one, for the alert."""
    # Versions before this one do not read the column.
    op.add_column(VERSIONS, sa.Column("compatible_revision", sa.String(32), nullable=False, server_default=revision))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'" if is_sqlite else "statement_timestamp()"
    op.execute(f"UPDATE cursor_state SET purged_at = {now} WHERE purged_at IS NULL")


def downgrade() -> None:
    """Drop the column."""
    op.drop_column(VERSIONS, "compatible_revision")
