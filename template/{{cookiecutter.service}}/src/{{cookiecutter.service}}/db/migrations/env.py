"""Alembic's environment: one migration at a time, each in one transaction, on SQLite with foreign keys off."""

from alembic import context
from sqlalchemy import Connection, text

from depot.db import session
from depot.db.models import db

# An arbitrary number; all processes of the depot use the same one.
_ADVISORY_LOCK = 0x1_2705_1958


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        # Both databases run a migration in one transaction; Alembic does not assume this for SQLite.
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


def _migrate_postgresql(connection: Connection) -> None:
    with connection.begin():
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        # A concurrent upgrade waits here, and then finds nothing to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        _migrate(connection)


def _migrate_sqlite(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    # Alembic changes a table by creating a new one and dropping the old one. With foreign keys on, this would fail or
    # delete the rows that refer to it. Inside a transaction the pragma has no effect.
    driver.execute("PRAGMA foreign_keys=OFF")
    driver.execute("PRAGMA busy_timeout=60000")
    try:
        # BEGIN IMMEDIATE: a concurrent upgrade waits here, and then finds nothing to do.
        with connection.begin():
            _migrate(connection)
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise RuntimeError("the migration would violate a foreign key; nothing was changed")
    finally:
        # The pragmas must not stay set on a connection of the pool.
        connection.invalidate()


with session.connect_for_migration() as connection:
    _migrate_sqlite(connection) if connection.dialect.name == "sqlite" else _migrate_postgresql(connection)
