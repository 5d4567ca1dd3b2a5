"""How a migration runs: alone, in one transaction, and on SQLite without a rebuilt table deleting its children."""

from alembic import context
from sqlalchemy import Connection, text

from depot.db import session
from depot.db.models import db

# Any number will do, as long as every depot takes the same.
_ADVISORY_LOCK = 0x1_2705_1958


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        # Both run the whole migration in one transaction; Alembic would not expect it of SQLite.
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


def _migrate_postgresql(connection: Connection) -> None:
    with connection.begin():
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        # A second upgrade at the same time waits here, and then finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        _migrate(connection)


def _migrate_sqlite(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    # Alembic changes a table by building it anew. With foreign keys on, dropping the old one deletes or refuses its
    # children; and inside a transaction the pragma would do nothing.
    driver.execute("PRAGMA foreign_keys=OFF")
    driver.execute("PRAGMA busy_timeout=60000")
    try:
        # BEGIN IMMEDIATE: a second upgrade at the same time waits here, and then finds nothing left to do.
        with connection.begin():
            _migrate(connection)
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise RuntimeError("the migration would have broken a foreign key; nothing was changed")
    finally:
        # The pragmas are the connection's own: it must not go back to the pool with them.
        connection.invalidate()


with session.connect_for_migration() as opened:
    _migrate_sqlite(opened) if opened.dialect.name == "sqlite" else _migrate_postgresql(opened)
