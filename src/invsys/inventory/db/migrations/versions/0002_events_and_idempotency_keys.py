"""The change feed, the keys of safe retries, and an index that finds expired holds.

On PostgreSQL transactions commit in another order than they draw numbers in. So each that writes an event announces,
before it draws the first number, the last one drawn until then; the announcement is a shared advisory lock, which the
server takes back after the commit is visible. No event up to the least announcement can still come: that is where
``event_horizon()`` lets readers go. An event's number is drawn after its change has waited for whatever it depends on,
so events that depend on one another are in the order of their commits.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
NOW = {"postgresql": "statement_timestamp()", "sqlite": "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"}


def upgrade() -> None:
    """Make both tables, and number the events."""
    dialect = op.get_bind().dialect.name
    _make_events(NOW[dialect])
    _make_idempotency_keys(NOW[dialect])
    held = sa.text("expires IS NOT NULL")
    op.create_index(
        op.f("ix_continuous_resource_allocations_expires"),
        "continuous_resource_allocations",
        ["expires"],
        sqlite_where=held,
        postgresql_where=held,
    )
    if dialect == "postgresql":
        _number_events()


def downgrade() -> None:
    """Drop both tables, with the whole feed."""
    op.drop_index("ix_continuous_resource_allocations_expires", "continuous_resource_allocations")
    op.drop_table("idempotency_keys")
    op.drop_table("events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION event_horizon, next_event_key")
        op.execute("DROP SEQUENCE events_key_seq")


def _make_events(now: str) -> None:
    op.create_table(
        "events",
        # PostgreSQL's numbers are drawn by a function, see above; SQLite's follow the highest that is there.
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
    # Who confirms a hold that is gone is told that it has expired.
    has_expired = sa.text("kind = 'expired'")
    op.create_index(
        op.f("ix_events_allocation_id_of_expired"),
        "events",
        ["allocation_id"],
        sqlite_where=has_expired,
        postgresql_where=has_expired,
    )


def _make_idempotency_keys(now: str) -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("client_id", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("created", INSTANT, server_default=sa.text(now), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key", name=op.f("pk_idempotency_keys")),
    )


# Advisory locks of the feed: this number in the upper 16 bits, an event's key in the lower 48.
_FEED = 0x4556
# Not last_value, read as from a table: while a number is drawn, that shows for a moment one up to 32 further on. It is
# null after ALTER SEQUENCE ... RESTART, until a number is drawn.
_LAST_DRAWN = "coalesce(pg_sequence_last_value('events_key_seq'), 0)"


def _number_events() -> None:
    op.execute("CREATE SEQUENCE events_key_seq AS bigint MINVALUE 0 START 0")
    # From here on the sequence's last value has been drawn, as the announcements take for granted.
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
    # Volatile, so that each statement in it sees what is there by then: the last number first, who still writes then.
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
