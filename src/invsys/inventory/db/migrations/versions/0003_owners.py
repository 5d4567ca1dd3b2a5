"""The owner of each allocation, an index of allocations by owner, and an index for the owner of a deleted hold.

Both indexes are empty if no gateway identifies clients.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TABLE = "continuous_resource_allocations"


def upgrade() -> None:
    """Add the column, filled from the events that the change feed still has, and both indexes."""
    op.add_column(TABLE, sa.Column("client_id", sa.String(255)))
    op.execute(
        f"UPDATE {TABLE} SET client_id = event.client_id FROM events AS event"
        f" WHERE event.allocation_id = {TABLE}.id AND event.kind = 'allocated' AND event.client_id IS NOT NULL"
    )
    nulls_first = sa.text("starts NULLS FIRST" if op.get_bind().dialect.name == "postgresql" else "starts")
    has_owner = sa.text("client_id IS NOT NULL")
    op.create_index(
        op.f("ix_continuous_resource_allocations_client_id"),
        TABLE,
        ["client_id", nulls_first, "key"],
        sqlite_where=has_owner,
        postgresql_where=has_owner,
    )
    is_hold_of_owner = sa.text("kind = 'allocated' AND client_id IS NOT NULL AND expires IS NOT NULL")
    op.create_index(
        op.f("ix_events_allocation_id_of_owned_hold"),
        "events",
        ["allocation_id"],
        sqlite_where=is_hold_of_owner,
        postgresql_where=is_hold_of_owner,
    )


def downgrade() -> None:
    """Drop the column and the indexes. The change feed still has the client that created each allocation."""
    op.drop_index("ix_events_allocation_id_of_owned_hold", "events")
    op.drop_index("ix_continuous_resource_allocations_client_id", TABLE)
    op.drop_column(TABLE, "client_id")
