"""A transaction that writes events and stays open until the test ends it."""

from sqlalchemy import bindparam, func, select, update

from invsys.inventory.caller import NO_CALLER
from invsys.inventory.db.models import ContinuousResource, db
from invsys.inventory.db.outbox import caller_params, with_event

# How long pg_terminate_backend waits for the process to exit.
_MILLISECONDS = 30_000

_resource = ContinuousResource.__table__
_CHANGE = with_event(
    lambda _: (
        update(_resource)
        .where(_resource.c.id == bindparam("vehicle", type_=_resource.c.id.type))
        .values(version=_resource.c.version + 1)
    ),
    "resource_changed",
)


class LateWriter:
    """An open transaction; ``keys`` are the keys of the events that it has written."""

    def __init__(self, app):
        with app.app_context():
            self._connection = db.engine.connect()
        self._connection.begin()
        self.keys = []

    def change(self, vehicle):
        """Change a vehicle, which also writes an event."""
        self.keys.append(self._change(vehicle))

    def change_and_roll_back(self, vehicle):
        """Change a vehicle inside a savepoint, and roll the savepoint back."""
        with self._connection.begin_nested() as savepoint:
            self._change(vehicle)
            savepoint.rollback()

    def _change(self, vehicle):
        (row,) = _CHANGE.run_in(self._connection, {"vehicle": vehicle, **caller_params(NO_CALLER)})
        return row["event_key"]

    def execute(self, statement):
        self._connection.exec_driver_sql(statement)

    def commit(self):
        self._connection.commit()
        self._connection.close()

    def rollback(self):
        """Roll back; do nothing if the transaction has ended."""
        self._connection.close()

    def discard_connection(self):
        """Discard a connection that the server has already closed."""
        self._connection.invalidate()
        self._connection.close()

    def vanish(self):
        """End the transaction as if the process were killed: the connection is lost, and the database rolls back."""
        if self._connection.dialect.name == "postgresql":
            pid = self._connection.connection.driver_connection.info.backend_pid
            with self._connection.engine.connect() as other:
                assert other.scalar(select(func.pg_terminate_backend(pid, _MILLISECONDS)))
        self.discard_connection()
