"""Runs migrations: one process at a time, in one transaction, on SQLite with foreign keys off."""

from alembic import context
from sqlalchemy import Connection, text

from depot.db import session
from depot.db.models import db

# An arbitrary number; all processes that migrate the database use the same one.
_ADVISORY_LOCK = 0x1_2705_1958


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        # Both databases run all migrations in one transaction. Alembic does not assume this for SQLite.
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


def _migrate_postgresql(connection: Connection) -> None:
    with connection.begin():
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        # A concurrent upgrade waits here, and then finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        _migrate(connection)


def _migrate_sqlite(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    # Alembic changes a table by copying it to a new one. With foreign keys on, dropping the old table fails or deletes
    # the rows that refer to it. The pragma has no effect inside a transaction.
    driver.execute("PRAGMA foreign_keys=OFF")
    driver.execute("PRAGMA busy_timeout=60000")
    try:
        # BEGIN IMMEDIATE: a concurrent upgrade waits here, and then finds nothing left to do.
        with connection.begin():
            _migrate(connection)
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise RuntimeError("the migration would have violated a foreign key; nothing was changed")
    finally:
        # The connection must not return to the pool with these pragmas.
        connection.invalidate()


with session.connect_for_migration() as new_connection:
    migrate = _migrate_sqlite if new_connection.dialect.name == "sqlite" else _migrate_postgresql
    migrate(new_connection)
