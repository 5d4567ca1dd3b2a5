"""The time of the last change of each allocation, for calendars (RFC 5545, 3.8.7.2 and 3.8.7.3); null if unchanged."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TABLE = "continuous_resource_allocations"


def upgrade() -> None:
    """Add the column, filled from the events that the change feed still has."""
    op.add_column(TABLE, sa.Column("changed", sa.DateTime(timezone=True)))
    op.execute(
        f"UPDATE {TABLE} SET changed = latest.at FROM ("
        " SELECT allocation_id, max(at) AS at FROM events WHERE kind IN ('allocation_changed', 'confirmed')"
        f" GROUP BY allocation_id) AS latest WHERE latest.allocation_id = {TABLE}.id AND {TABLE}.version > 1"
    )


def downgrade() -> None:
    """Drop the column."""
    op.drop_column(TABLE, "changed")
