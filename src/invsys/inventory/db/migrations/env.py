"""How a migration runs: alone, in one transaction, and on SQLite without a rebuilt table deleting its children."""

from alembic import context
from sqlalchemy import Connection, text

from invsys.inventory.db import session
from invsys.inventory.db.models import db
from invsys.inventory.db.session import disable_timeouts

# Any number will do, as long as every InvSys takes the same.
_ADVISORY_LOCK = 0x1_2705_1957


def _is_compared(item: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    # Indexes that only serve speed stand in migrations and not in the models.
    return not (kind == "index" and reflected and other is None)


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_object=_is_compared,
        # Both run the whole migration in one transaction; Alembic would not expect it of SQLite.
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


def _migrate_postgresql(connection: Connection) -> None:
    with connection.begin():
        disable_timeouts(connection)
        # A second upgrade at the same time waits here, and then finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        _migrate(connection)


def _triggers_and_rows(connection: Connection) -> dict[str, dict[str, int]]:
    """Return, for each table, how many rows it has under its own name, and 1 under the name of each trigger."""
    found = connection.execute(
        text("SELECT type, name, tbl_name FROM sqlite_master WHERE type IN ('table', 'trigger') ORDER BY type")
    )
    counts: dict[str, dict[str, int]] = {}
    for kind, name, table in found.all():
        if kind == "table":
            counts[table] = {name: connection.scalar(text(f'SELECT count(*) FROM "{table}"')) or 0}
        else:
            counts[table][name] = 1
    return counts


def _refuse_losses(connection: Connection, before: dict[str, dict[str, int]]) -> None:
    """Raise, which rolls everything back, where building a table anew took rows or triggers with it.

    A table that is gone was dropped on purpose, as a downgrade does.
    """
    after = _triggers_and_rows(connection)
    before.pop("alembic_version", None)
    lost = [
        name
        for table, counts in before.items()
        if table in after
        for name, count in counts.items()
        if after[table].get(name, 0) < count
    ]
    if lost:
        raise RuntimeError(f"the migration would have lost something of {', '.join(sorted(lost))}; nothing was changed")
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise RuntimeError("the migration would have broken a foreign key; nothing was changed")


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
            before = _triggers_and_rows(connection)
            _migrate(connection)
            _refuse_losses(connection, before)
    finally:
        # The pragmas are the connection's own: it must not go back to the pool with them.
        connection.invalidate()


with session.connect_for_migration() as opened:
    _migrate_sqlite(opened) if opened.dialect.name == "sqlite" else _migrate_postgresql(opened)
