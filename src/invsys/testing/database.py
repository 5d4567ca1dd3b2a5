"""Empties the database of a service for tests."""

from invsys.inventory.db.models import CursorState, db


def delete_all_rows() -> None:
    """Delete every row except the cursor state, which a migration inserts; reset that row to its initial values."""
    state = CursorState.__table__
    deletes = [f"DELETE FROM {table.name}" for table in reversed(db.metadata.sorted_tables) if table is not state]
    reset = (
        f"UPDATE {state.name} SET purged_key = NULL, purged_id = NULL, archived_until = NULL"
        " WHERE purged_key IS NOT NULL OR archived_until IS NOT NULL"
    )
    with db.engine.begin() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        # PostgreSQL executes several statements in one round trip.
        for sql in [*deletes, reset] if is_sqlite else ["; ".join([*deletes, reset])]:
            connection.exec_driver_sql(sql)
