"""The change feed, idempotency keys, and an index of holds by expiry.

On PostgreSQL, transactions may commit in a different order than they take numbers from the sequence. Before a
transaction takes its first number for an event, it therefore announces the last number taken so far. The announcement
is a shared advisory lock, which the server releases after the commit has become visible. No event up to the lowest
announced number can still be committed, so ``event_horizon()`` lets readers read up to that number. A change waits for
its locks before its event takes a number, so events that depend on each other are in the order of their commits.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
NOW = {"postgresql": "statement_timestamp()", "sqlite": "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"}


def upgrade() -> None:
    """Create both tables and the index; on PostgreSQL, also the functions that number events."""
    dialect = op.get_bind().dialect.name
    _create_events(NOW[dialect])
    _create_idempotency_keys(NOW[dialect])
    is_hold = sa.text("expires IS NOT NULL")
    op.create_index(
        op.f("ix_continuous_resource_allocations_expires"),
        "continuous_resource_allocations",
        ["expires"],
        sqlite_where=is_hold,
        postgresql_where=is_hold,
    )
    if dialect == "postgresql":
        _number_events()


def downgrade() -> None:
    """Drop both tables, and with them the change feed."""
    op.drop_index("ix_continuous_resource_allocations_expires", "continuous_resource_allocations")
    op.drop_table("idempotency_keys")
    op.drop_table("events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION event_horizon, next_event_key")
        op.execute("DROP SEQUENCE events_key_seq")


def _create_events(now: str) -> None:
    op.create_table(
        "events",
        # PostgreSQL takes the number from ``next_event_key()``. SQLite increments the highest number in the table.
        sa.Column("key", KEY, nullable=False, autoincrement=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, server_default=sa.text(now), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("resource_type", sa.String(36), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("allocation_id", sa.Uuid()),
        sa.Column("client_id", sa.String(255)),
        sa.Column("created", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(36)),
        sa.Column("attributes", sa.JSON()),
        sa.Column("starts", INSTANT),
        sa.Column("ends", INSTANT),
        sa.Column("allocation_type", sa.String(20)),
        sa.Column("description", sa.String(100)),
        sa.Column("dump", sa.JSON()),
        sa.Column("expires", INSTANT),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_events")),
    )
    # When a client confirms a hold that no longer exists, this index finds the event of its expiry.
    has_expired = sa.text("kind = 'expired'")
    op.create_index(
        op.f("ix_events_allocation_id_of_expired"),
        "events",
        ["allocation_id"],
        sqlite_where=has_expired,
        postgresql_where=has_expired,
    )


def _create_idempotency_keys(now: str) -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("client_id", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("created", INSTANT, server_default=sa.text(now), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key", name=op.f("pk_idempotency_keys")),
    )


# Advisory locks of the feed have this number in the upper 16 bits and the key of an event in the lower 48.
_FEED = 0x4556
# Not SELECT last_value FROM events_key_seq: while a number is being taken, it may be up to 32 too high for a moment.
# The function returns null after ALTER SEQUENCE ... RESTART, until a number is taken.
_LAST_DRAWN = "coalesce(pg_sequence_last_value('events_key_seq'), 0)"


def _number_events() -> None:
    op.execute("CREATE SEQUENCE events_key_seq AS bigint MINVALUE 0 START 0")
    # The announcements assume that the last value of the sequence has been taken.
    op.execute("SELECT nextval('events_key_seq')")
    op.execute(
        f"""
        CREATE FUNCTION next_event_key() RETURNS bigint LANGUAGE plpgsql AS $$
        BEGIN
            -- One announcement is enough for a transaction: the first is the least.
            IF coalesce(current_setting('invsys.writes_events', true), '') = '' THEN
                PERFORM pg_advisory_xact_lock_shared(({_FEED}::bigint << 48) + {_LAST_DRAWN});
                PERFORM set_config('invsys.writes_events', 'yes', true);
            END IF;
            RETURN nextval('events_key_seq');
        END $$"""
    )
    # Volatile, so that each statement in it has its own snapshot: first the last number, then the running writers.
    op.execute(
        f"""
        CREATE FUNCTION event_horizon() RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            last_drawn bigint := {_LAST_DRAWN};
            announced bigint;
        BEGIN
            SELECT min(((classid::bigint << 32) | objid::bigint) & ((1::bigint << 48) - 1)) INTO announced
            FROM pg_locks
            WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = {_FEED} AND granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
            RETURN least(last_drawn, announced);
        END $$"""
    )
    op.execute("ALTER TABLE events ALTER COLUMN key SET DEFAULT next_event_key()")
