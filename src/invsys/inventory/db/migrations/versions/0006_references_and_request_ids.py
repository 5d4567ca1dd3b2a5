"""Add allocation references, ``closed_from`` of vehicles, request ids and owners of events, and an index of names.

The new columns are nullable and have no default, so neither database rewrites its tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ALLOCATIONS, VEHICLES, EVENTS = "continuous_resource_allocations", "continuous_resources", "events"
BY_REFERENCE, BY_NAME = f"ix_{ALLOCATIONS}_reference", f"ix_{VEHICLES}_name_by_code_point"
REFERENCE, CLOSED_FROM, REQUEST_ID, OWNER_ID = "reference", "closed_from", "request_id", "owner_id"


def upgrade() -> None:
    """Add the columns and the indexes; earlier events have none of the new values."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in (ALLOCATIONS, EVENTS):
        op.add_column(table, sa.Column(REFERENCE, sa.String(128)))
    for table in (VEHICLES, EVENTS):
        op.add_column(table, sa.Column(CLOSED_FROM, sa.DateTime(timezone=True)))
    op.add_column(EVENTS, sa.Column(REQUEST_ID, sa.String(128)))
    op.add_column(EVENTS, sa.Column(OWNER_ID, sa.String(255)))
    has_reference = sa.text(f"{REFERENCE} IS NOT NULL")
    op.create_index(
        op.f(BY_REFERENCE),
        ALLOCATIONS,
        [REFERENCE, sa.text("starts NULLS FIRST" if is_postgresql else "starts"), "key"],
        sqlite_where=has_reference,
        postgresql_where=has_reference,
    )
    if is_postgresql:
        # The unique index of names has the collation of the database. That of SQLite is already by code point.
        op.create_index(
            op.f(BY_NAME),
            VEHICLES,
            ["resource_type", sa.text('name COLLATE "C"')],
            postgresql_where=sa.text("decommissioned IS NULL"),
        )


def downgrade() -> None:
    """Drop the columns with their values, and the indexes."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index(BY_NAME, VEHICLES)
    op.drop_index(BY_REFERENCE, ALLOCATIONS)
    for column in (OWNER_ID, REQUEST_ID, CLOSED_FROM, REFERENCE):
        op.drop_column(EVENTS, column)
    op.drop_column(VEHICLES, CLOSED_FROM)
    op.drop_column(ALLOCATIONS, REFERENCE)
