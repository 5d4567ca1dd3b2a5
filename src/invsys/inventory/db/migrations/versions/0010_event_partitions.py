"""Partitions of the events on PostgreSQL, by ranges of keys, so that old events are dropped instead of deleted.

The primary key on ``key`` rules out partitions by time. The previous table becomes the default partition, which needs
no copy and no scan. ``db.postgresql.event_partitions`` then turns it into a range, while the service goes on. A range
is called ``events_to_KEY``; the key is the first one after it.

The service's role owns no tables. Two functions, which run with the rights of the owner, add and drop ranges for roles
that can insert and delete events. SQLite keeps its plain table.
"""

import logging

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

logger = logging.getLogger("invsys.inventory")

# The indexes of migrations 0002 and 0003: their columns and conditions.
INDEXES = {
    "ix_events_allocation_id_of_expired": "(allocation_id) WHERE kind = 'expired'",
    "ix_events_allocation_id_of_owned_hold": (
        "(allocation_id) WHERE kind = 'allocated' AND client_id IS NOT NULL AND expires IS NOT NULL"
    ),
}


def upgrade() -> None:
    """Make the table of events the default partition of a new table."""
    if op.get_bind().dialect.name == "postgresql":
        _replace_table()
        _create_functions()


def downgrade() -> None:
    """Make one plain table of all partitions. The events of all but the largest are copied."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION add_event_partition, drop_event_partition")
        _merge_partitions()


def _replace_table() -> None:
    op.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
    op.execute("ALTER TABLE events RENAME TO events_default")
    for name in ("pk_events", *INDEXES):
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_of_default")
    op.execute("CREATE TABLE events (LIKE events_default INCLUDING DEFAULTS) PARTITION BY RANGE (key)")
    op.execute("ALTER TABLE events ADD CONSTRAINT pk_events PRIMARY KEY (key)")
    for name, columns in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON events {columns}")
    op.execute("ALTER TABLE events ATTACH PARTITION events_default DEFAULT")
    # The owner and the privileges of the previous table.
    op.execute(
        """
        DO $$
        DECLARE
            granted record;
        BEGIN
            FOR granted IN
                SELECT relowner::regrole AS owner, privilege_type,
                    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS grantee
                FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
                WHERE oid = 'events_default'::regclass
            LOOP
                EXECUTE format('GRANT %s ON events TO %s', granted.privilege_type, granted.grantee);
                EXECUTE format('ALTER TABLE events OWNER TO %s', granted.owner);
            END LOOP;
        END $$"""
    )


def _create_functions() -> None:
    statement = "SELECT relnamespace::regnamespace, relowner::regrole FROM pg_class WHERE oid = 'events'::regclass"
    schema, owner = op.get_bind().execute(sa.text(statement)).one()
    # A caller cannot change which tables a function refers to (PostgreSQL, CREATE FUNCTION: "Writing SECURITY DEFINER
    # functions safely").
    rights = f"LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp"
    # Returns false if the default partition has events: attaching a range would read all of them under a lock.
    op.execute(
        f"""
        CREATE FUNCTION add_event_partition(upper_key bigint) RETURNS boolean {rights} AS $$
        DECLARE
            lower_key bigint := (
                SELECT max(substr(relname, length('events_to_') + 1)::bigint)
                FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                WHERE inhparent = 'events'::regclass AND relname ~ '^events_to_[0-9]+$'
            );
            name text := format('events_to_%s', upper_key);
        BEGIN
            {_require_privilege("INSERT")}
            IF EXISTS (SELECT FROM events_default) THEN
                RETURN false;
            END IF;
            EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS)', name);
            EXECUTE format(
                'ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                name, coalesce(lower_key::text, 'MINVALUE'), upper_key
            );
            RETURN true;
        END $$"""
    )
    op.execute(
        f"""
        CREATE FUNCTION drop_event_partition(upper_key bigint) RETURNS void {rights} AS $$
        BEGIN
            {_require_privilege("DELETE")}
            EXECUTE format('DROP TABLE %I', format('events_to_%s', upper_key));
        END $$"""
    )
    for function in ("add_event_partition", "drop_event_partition"):
        op.execute(f"ALTER FUNCTION {function} OWNER TO {owner}")


def _require_privilege(privilege: str) -> str:
    return f"""IF NOT has_table_privilege(session_user, 'events', '{privilege}') THEN
                RAISE insufficient_privilege USING MESSAGE = 'permission denied for table events';
            END IF;"""


def _merge_partitions() -> None:
    connection = op.get_bind()
    op.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
    columns = ", ".join(column["name"] for column in sa.inspect(connection).get_columns("events"))
    largest, *others = connection.scalars(
        sa.text(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'events'::regclass"
            " ORDER BY pg_relation_size(oid) DESC"
        )
    ).all()
    indexes = connection.execute(
        sa.text(
            "SELECT child.relname AS name, parent.relname AS final_name FROM pg_index"
            " JOIN pg_inherits ON inhrelid = indexrelid"
            " JOIN pg_class AS child ON child.oid = indexrelid JOIN pg_class AS parent ON parent.oid = inhparent"
            " WHERE indrelid = CAST(:largest AS regclass)"
        ),
        {"largest": largest},
    ).all()
    op.execute(f"ALTER TABLE events DETACH PARTITION {largest}")
    for number, other in enumerate(others, start=1):
        logger.info("Copying the events of %s, partition %d of %d.", other, number, len(others))
        op.execute(f"INSERT INTO {largest} ({columns}) SELECT {columns} FROM {other}")
    op.execute("DROP TABLE events")
    op.execute(f"ALTER TABLE {largest} RENAME TO events")
    for index in indexes:
        op.execute(f"ALTER INDEX {index.name} RENAME TO {index.final_name}")
    # What an interrupted migration may have left behind.
    for check in sa.inspect(connection).get_check_constraints("events"):
        op.execute(f"ALTER TABLE events DROP CONSTRAINT {check['name']}")
