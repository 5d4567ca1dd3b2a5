"""The archive: a table for allocations that ended long ago, and what keeps new allocations out of their time.

``invsys-manage archive`` moves rows there and sets ``archived_until`` of their vehicle. The new columns are nullable
and have no default, so neither database rewrites its tables. An allocation that starts before ``archived_until`` could
overlap an archived one; the triggers refuse it, whatever program writes it. On PostgreSQL they run only for periods
that began in the past, so an ordinary allocation does not pay for them.

PostgreSQL partitions the table by the month of ``ends``. The role of the service may not create tables, so a function
with the rights of the owner creates the months that ``archive`` needs. All rows from before 2020 share one partition:
callers can allocate in any year from 1900 on, and each month would otherwise get its own.

An older version of the service works on this schema, so ``compatible_revision`` stays as it is. It does not know the
archive, so ``archive`` raises it when it moves the first row.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

LIVE, ARCHIVE, VEHICLES, STATE = (
    "continuous_resource_allocations",
    "archived_allocations",
    "continuous_resources",
    "cursor_state",
)
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
ARCHIVED_UNTIL = "archived_until"
COLUMNS = (
    ("key", KEY),
    ("id", sa.Uuid()),
    ("resource_key", KEY),
    ("starts", INSTANT),
    ("ends", INSTANT),
    ("allocation_type", sa.String(20)),
    ("description", sa.String(100)),
    ("dump", sa.JSON()),
    ("expires", INSTANT),
    ("created", INSTANT),
    ("version", sa.Integer()),
    ("client_id", sa.String(255)),
    ("changed", INSTANT),
    ("reference", sa.String(128)),
)
REQUIRED = {"key", "id", "resource_key", "ends", "allocation_type", "dump", "created", "version"}
OLD_YEARS_END = datetime(2020, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    """Add the columns and the table, with its indexes and triggers."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in (VEHICLES, STATE):
        op.add_column(table, sa.Column(ARCHIVED_UNTIL, INSTANT))
    _create_archive()
    if is_postgresql:
        _create_partitions()
        _create_triggers_of_postgresql()
    else:
        _create_triggers_of_sqlite()


def downgrade() -> None:
    """Move the archived rows back, then drop the table, the columns and the triggers.

    If a row overlaps one that was allocated since, which only a program without these triggers can do, nothing changes.
    """
    _drop_triggers()
    # With their keys, which are not used again (``sqlite.allocation_keys``).
    names = ", ".join(name for name, _ in COLUMNS)
    op.execute(f"INSERT INTO {LIVE} ({names}) SELECT {names} FROM {ARCHIVE}")
    op.drop_table(ARCHIVE)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION create_archive_partition")
    for table in (STATE, VEHICLES):
        op.drop_column(table, ARCHIVED_UNTIL)
    # Older versions work on this database again, also after another upgrade, until ``archive`` moves a row.
    op.execute(f"UPDATE alembic_version SET compatible_revision = '{down_revision}'")


def _create_archive() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        ARCHIVE,
        *(sa.Column(name, kind, nullable=name not in REQUIRED) for name, kind in COLUMNS),
        # The partition key must be in it.
        sa.PrimaryKeyConstraint("id", "ends", name=op.f(f"pk_{ARCHIVE}")),
        sa.CheckConstraint("starts < ends", name=op.f(f"ck_{ARCHIVE}_period_not_empty")),
        sa.CheckConstraint("expires IS NULL", name=op.f(f"ck_{ARCHIVE}_is_confirmed")),
        postgresql_partition_by="RANGE (ends)",
    )
    nulls_first = sa.text("starts NULLS FIRST" if is_postgresql else "starts")
    # By vehicle, by start for all vehicles (``ends`` excludes rows that do not reach into a window without
    # reading them), by owner and by reference.
    op.create_index(op.f(f"ix_{ARCHIVE}_resource_key"), ARCHIVE, ["resource_key", nulls_first])
    op.create_index(op.f(f"ix_{ARCHIVE}_starts"), ARCHIVE, [nulls_first, "ends", "key"])
    for column in ("client_id", "reference"):
        has_value = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            op.f(f"ix_{ARCHIVE}_{column}"),
            ARCHIVE,
            [column, nulls_first],
            sqlite_where=has_value,
            postgresql_where=has_value,
        )


def _create_partitions() -> None:
    before = OLD_YEARS_END.isoformat()
    op.execute(f"CREATE TABLE {ARCHIVE}_before_2020 PARTITION OF {ARCHIVE} FOR VALUES FROM (MINVALUE) TO ('{before}')")
    # The table is attached only when it is complete: this does not wait for readers of the archive.
    op.execute(
        f"""
        CREATE FUNCTION create_archive_partition(ended timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
        DECLARE
            month timestamp := date_trunc('month', ended AT TIME ZONE 'UTC');
            partition text := '{ARCHIVE}_' || to_char(month, 'YYYY_MM');
        BEGIN
            IF ended < '{before}' OR ended > statement_timestamp() OR to_regclass(partition) IS NOT NULL THEN
                RETURN;
            END IF;
            -- Another run may create the same partition.
            LOCK TABLE {ARCHIVE} IN SHARE UPDATE EXCLUSIVE MODE;
            IF to_regclass(partition) IS NULL THEN
                EXECUTE format('CREATE TABLE %I (LIKE {ARCHIVE} INCLUDING ALL)', partition);
                EXECUTE format(
                    'ALTER TABLE {ARCHIVE} ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    partition, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC'
                );
            END IF;
        END $$"""
    )
    _set_search_path("create_archive_partition(timestamptz)")


def _set_search_path(function: str) -> None:
    """Let a function use the schema of the tables only, whoever calls it."""
    op.execute(
        f"""
        DO $$ BEGIN
            EXECUTE format(
                'ALTER FUNCTION {function} SET search_path = %s, pg_temp',
                (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = '{LIVE}'::regclass)
            );
        END $$"""
    )


def _create_triggers_of_postgresql() -> None:
    # The lock makes the statement wait for a running ``archive``; the result is then the committed row. The error is
    # that of the exclusion constraint, so programs treat both alike.
    op.execute(
        f"""
        CREATE FUNCTION require_after_archived() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            archived timestamptz;
        BEGIN
            SELECT {ARCHIVED_UNTIL} INTO archived FROM {VEHICLES} WHERE key = NEW.resource_key FOR KEY SHARE;
            IF archived IS NOT NULL AND (NEW.starts IS NULL OR NEW.starts < archived) THEN
                RAISE EXCEPTION USING
                    ERRCODE = 'exclusion_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME,
                    MESSAGE = format('the allocations of vehicle %s are archived until %s', NEW.resource_key, archived);
            END IF;
            RETURN NEW;
        END $$"""
    )
    _set_search_path("require_after_archived()")
    began = "(NEW.starts IS NULL OR NEW.starts < statement_timestamp())"
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in ("resource_key", "starts", "ends"))
    for event, condition in (
        ("INSERT", began),
        ("UPDATE OF resource_key, starts, ends", f"{began} AND ({changed})"),
    ):
        op.execute(
            f"CREATE TRIGGER {_trigger(event)} BEFORE {event} ON {LIVE} FOR EACH ROW"
            f" WHEN ({condition}) EXECUTE FUNCTION require_after_archived()"
        )


def _create_triggers_of_sqlite() -> None:
    archived = f"(SELECT {ARCHIVED_UNTIL} FROM {VEHICLES} WHERE key = NEW.resource_key)"
    is_archived = f"{archived} IS NOT NULL AND (NEW.starts IS NULL OR NEW.starts < {archived})"
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in ("resource_key", "starts", "ends"))
    for event, condition in (("INSERT", is_archived), ("UPDATE", f"({changed}) AND {is_archived}")):
        op.execute(
            # The manual uses the printed statements to restore missing triggers.
            f"CREATE TRIGGER IF NOT EXISTS {_trigger(event)} BEFORE {event} ON {LIVE}"
            # The message of the other triggers (0001), by which the service recognises an overlap.
            f" WHEN {condition}\n BEGIN SELECT RAISE(ABORT, 'period_taken'); END"
        )


def _drop_triggers() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for event in ("INSERT", "UPDATE"):
        op.execute(f"DROP TRIGGER {_trigger(event)}{f' ON {LIVE}' if is_postgresql else ''}")
    if is_postgresql:
        op.execute("DROP FUNCTION require_after_archived")


def _trigger(event: str) -> str:
    return f"tr_{LIVE}_after_archived_{event.split(maxsplit=1)[0].lower()}"
