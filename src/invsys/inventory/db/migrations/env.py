"""Runs migrations: one process at a time, in one transaction, and on SQLite with foreign keys off."""

from alembic import context
from sqlalchemy import Connection, text

from invsys.inventory.db import session
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import event_partitions, index_growth, table_locks
from invsys.inventory.db.session import disable_timeouts

# An arbitrary number, the same for every InvSys.
_ADVISORY_LOCK = 0x1_2705_1957


def _is_compared(item: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    # Indexes that only improve speed, and partitions, are in the migrations, not in the models.
    is_partition = kind == "table" and str(name).startswith(("archived_allocations_", "events_"))
    return not (reflected and other is None and (kind == "index" or is_partition))


def _migrate(connection: Connection) -> bool:
    """Run the migrations; return whether one of them was a downgrade."""
    downgrades = []
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_object=_is_compared,
        # Both databases run all migrations in one transaction. Alembic does not assume this for SQLite.
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
        on_version_apply=lambda step, **_: downgrades.append(not step.is_upgrade),
    )
    context.run_migrations()
    return any(downgrades)


def _migrate_postgresql(connection: Connection) -> None:
    with connection.begin():
        disable_timeouts(connection)
        # A concurrent upgrade waits here until this connection is closed, and then finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    table_locks.with_short_waits(connection, _migrate_all)
    if _is_to_newest():
        event_partitions.settle(connection)


def _migrate_all(connection: Connection) -> None:
    _migrate(connection)
    if _is_to_newest():
        index_growth.grow(connection)


def _is_to_newest() -> bool:
    try:
        return context.get_revision_argument() == context.get_head_revision()
    except KeyError:
        # Commands that only read have no target revision.
        return False


def _triggers_and_rows(connection: Connection) -> dict[str, dict[str, int]]:
    """Return counts for each table: the number of rows under its own name, and 1 under the name of each trigger."""
    rows = connection.execute(
        text("SELECT type, name, tbl_name FROM sqlite_master WHERE type IN ('table', 'trigger') ORDER BY type")
    )
    counts: dict[str, dict[str, int]] = {}
    for kind, name, table in rows.all():
        if kind == "table":
            counts[table] = {name: connection.scalar(text(f'SELECT count(*) FROM "{table}"')) or 0}
        else:
            counts[table][name] = 1
    return counts


def _refuse_losses(connection: Connection, before: dict[str, dict[str, int]], *, is_downgrade: bool) -> None:
    """Raise RuntimeError, which rolls back the migration, if copying a table lost rows or triggers.

    A missing table was dropped on purpose, for example by a downgrade. A downgrade also drops triggers on purpose.
    """
    after = _triggers_and_rows(connection)
    before.pop("alembic_version", None)
    lost = [
        name
        for table, counts in before.items()
        if table in after
        for name, count in counts.items()
        if after[table].get(name, 0) < count and (name == table or not is_downgrade)
    ]
    if lost:
        raise RuntimeError(f"the migration would have lost {', '.join(sorted(lost))}; nothing was changed")
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise RuntimeError("the migration would have violated a foreign key; nothing was changed")


def _migrate_sqlite(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    # Alembic changes a table by copying it to a new one. With foreign keys on, dropping the old table fails or deletes
    # the rows that refer to it. The pragma has no effect inside a transaction.
    driver.execute("PRAGMA foreign_keys=OFF")
    # Renaming the new table would otherwise fail, because triggers of other tables refer to the dropped one.
    driver.execute("PRAGMA legacy_alter_table=ON")
    driver.execute("PRAGMA busy_timeout=60000")
    try:
        # BEGIN IMMEDIATE: a concurrent upgrade waits here, and then finds nothing left to do.
        with connection.begin():
            before = _triggers_and_rows(connection)
            is_downgrade = _migrate(connection)
            _refuse_losses(connection, before, is_downgrade=is_downgrade)
    finally:
        # The connection must not return to the pool with these pragmas.
        connection.invalidate()


with session.connect_for_migration() as new_connection:
    migrate = _migrate_sqlite if new_connection.dialect.name == "sqlite" else _migrate_postgresql
    migrate(new_connection)
