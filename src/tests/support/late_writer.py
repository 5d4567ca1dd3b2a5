"""A transaction of another process that writes events, and ends when the test says so."""

from sqlalchemy import bindparam, func, select, update

from invsys.inventory.caller import NOBODY
from invsys.inventory.db.models import ContinuousResource, db
from invsys.inventory.db.outbox import caller_params, with_event

# For which to wait until a terminated process is gone.
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
    """The transaction, begun; ``keys`` are those of its events so far."""

    def __init__(self, app):
        with app.app_context():
            self._connection = db.engine.connect()
        self._connection.begin()
        self.keys = []

    def change(self, vehicle):
        """Change a vehicle, and write the event of it."""
        self.keys.append(self._change(vehicle))

    def change_and_take_back(self, vehicle):
        """Change a vehicle, and undo that alone."""
        with self._connection.begin_nested() as savepoint:
            self._change(vehicle)
            savepoint.rollback()

    def _change(self, vehicle):
        (row,) = _CHANGE.run_in(self._connection, {"vehicle": vehicle, **caller_params(NOBODY)})
        return row["event_key"]

    def execute(self, statement):
        self._connection.exec_driver_sql(statement)

    def commit(self):
        self._connection.commit()
        self._connection.close()

    def rollback(self):
        """Undo everything; nothing happens where it has ended."""
        self._connection.close()

    def forget(self):
        """Close what the server has closed already."""
        self._connection.invalidate()
        self._connection.close()

    def vanish(self):
        """End as if the process was killed: the connection is gone, and the server knows."""
        if self._connection.dialect.name == "postgresql":
            pid = self._connection.connection.driver_connection.info.backend_pid
            with self._connection.engine.connect() as other:
                assert other.scalar(select(func.pg_terminate_backend(pid, _MILLISECONDS)))
        self.forget()
