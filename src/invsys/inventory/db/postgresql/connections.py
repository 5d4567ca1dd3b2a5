"""Connections to PostgreSQL: timeouts, durability checks, changes in one round trip."""

import logging
import select
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, Executable, event, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from invsys.inventory.db.driver import compile_statement
from invsys.inventory.db.models import Row
from invsys.inventory.db.outbox import OutboxChange
from invsys.inventory.db.postgresql import pooler_check
from invsys.inventory.db.postgresql.session_settings import ENCODING, Session, open_session
from invsys.inventory.errors import UnusableDatabase

logger = logging.getLogger("invsys.inventory")

# The server cancels a statement after statement_timeout; the client waits this much longer for the error message.
_GRACE_SECONDS = 0.5

# SQLSTATEs (PostgreSQL, appendix A).
# The connection is lost, or the server shuts down. Errors of the driver itself have no SQLSTATE.
_CONNECTION_LOST = ("08", "57P")
# The server works, but not on this statement: serialization failure, deadlock, too many connections, lock not
# available, statement timeout.
_BUSY = frozenset({"40001", "40P01", "53300", "55P03", "57014"})
# The role or the transaction may not write.
_READ_ONLY = frozenset({"42501", "25006"})


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits for the server only until a timeout, so that a hanging server cannot block requests."""

    # None: wait without a timeout.
    seconds: float | None = None
    # Called a few times a second while the connection waits; True ends the wait.
    gives_up: Callable[[], bool] | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server; close the connection on a timeout, because its state is then unknown."""
        if self.gives_up is not None:
            gen = _unless(self.gives_up, gen)
        try:
            return super().wait(gen, interval, self.seconds if timeout is None else timeout)
        except psycopg.OperationalError as error:
            # Only errors that the server reports have a SQLSTATE.
            if error.sqlstate is None:
                self.close()
            raise

    def __del__(self, *_: Any) -> None:
        # SQLAlchemy's ``dispose`` leaves the connections in use to the garbage collector, and the driver would warn.
        self.close()


def _unless(gives_up: Callable[[], bool], gen: Any) -> Any:
    """Return a generator like ``gen``, which raises OperationalError when ``gives_up`` returns True during a wait.

    The driver's generators yield what they wait for, and get what is ready, or 0 after each interval.
    """
    try:
        waits_for = next(gen)
        while True:
            ready = yield waits_for
            if not ready and gives_up():
                raise psycopg.OperationalError("the server does not answer")
            waits_for = gen.send(ready)
    except StopIteration as end:
        return end.value


def engine_options(database: dict[str, Any]) -> dict[str, Any]:
    """Return the engine options for the section ``[database]`` of the settings."""
    url, seconds = make_url(database["url"]), database["connect_timeout"]
    arguments = {
        **ENCODING,
        # Skip standbys, unless the URL allows them: they may lag, and they lack the advisory locks that the change feed
        # needs.
        "target_session_attrs": url.query.get("target_session_attrs", "read-write"),
        # The driver tries one host after the other with this timeout, which it raises to at least 2 seconds.
        "connect_timeout": max(1, seconds // _hosts(url)),
        # These let the kernel close a connection to a vanished host within the same time.
        "tcp_user_timeout": seconds * 1000,
        "keepalives_idle": 1,
        "keepalives_interval": 1,
        "keepalives_count": seconds,
    }
    return {"connect_args": arguments, "use_native_hstore": False, "skip_autocommit_rollback": True}


def _hosts(url: URL) -> int:
    hosts = url.query.get("host", "")
    return len(hosts) if isinstance(hosts, tuple) else hosts.count(",") + 1


def standby_urls(database: dict[str, Any]) -> dict[str, URL]:
    """Return the URL of each host in ``[database] read_url`` by its name, such as ``10.0.0.22:5432``."""
    if not database["read_url"]:
        return {}
    url = make_url(database["read_url"])
    arguments = url.get_dialect()().create_connect_args(url)[1]
    hosts, ports = (str(arguments.get(name, default)).split(",") for name, default in (("host", ""), ("port", "5432")))
    servers = [(host or "localhost", port or "5432") for host, port in zip(hosts, ports, strict=True)]
    alone = url.set(host=None, port=None).difference_update_query(["host", "port"])
    return {
        f"{host}:{port}": alone.update_query_dict({"host": host, "port": port, "target_session_attrs": "any"})
        for host, port in servers
    }


def add_listeners(
    engine: Engine, database: dict[str, Any], *, autocommit: bool = True, reads_standby: bool = False
) -> None:
    """Set up and check each new connection of the engine; ``autocommit`` is not used on PostgreSQL.

    With ``reads_standby``, the sessions cannot write, also if the standby has been promoted.
    """
    timeout = database["statement_timeout"]
    settings = {"default_transaction_read_only": "on"} if reads_standby else {}

    # Not the event "connect": before it, SQLAlchemy already executes queries.
    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, record: Any, arguments: Any, keywords: Any) -> BoundedConnection:
        def open_another() -> BoundedConnection:
            connection = BoundedConnection.connect(*arguments, **keywords)
            connection.seconds = timeout + _GRACE_SECONDS
            return connection

        connection = open_another()
        try:
            session = open_session(connection, timeout, settings)
            if not reads_standby:
                _require_durable(session, allow_unsafe=database["allow_unsafe_durability"])
            pooler_check.require_session_mode(connection, session.pid, open_another)
        except (UnusableDatabase, psycopg.Error):
            connection.close()
            raise
        return connection

    @event.listens_for(engine, "checkout")
    def checkout(connection: BoundedConnection, record: Any, proxy: Any) -> None:
        # On an idle connection, data can only mean that the server has closed it. This needs no round trip.
        if connection.closed or _has_data(connection.fileno()):
            raise InvalidatePoolError


def _has_data(descriptor: int) -> bool:
    # Not select(), which fails for descriptors from 1,024 on.
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def execute(engine: Engine, change: OutboxChange, params: dict[str, Any], timeout: float) -> list[Row]:
    """Execute a change on a connection in autocommit, in one round trip, and return its rows.

    Raises the exceptions that SQLAlchemy would raise. ``timeout`` is not used: the connection already has a timeout.
    """

    def execute_statement(statement: Executable, values: dict[str, Any]) -> list[Row]:
        compiled = compile_statement(statement, engine.dialect, "pyformat")
        rows = connection.execute(compiled.sql.encode(), compiled.bind(values)).fetchall()
        return [compiled.read(row) for row in rows]

    try:
        with closing(engine.raw_connection()) as pooled:
            connection: Any = pooled.driver_connection
            return change.run("postgresql", execute_statement, params)
    except psycopg.Error as error:
        if error.sqlstate is None or error.sqlstate.startswith(_CONNECTION_LOST):
            # The other connections of the pool are lost as well.
            engine.dispose()
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error


def reason(engine: Engine, error: BaseException | None) -> str:
    """Return the reason why the database cannot be used, as a sentence for operators."""
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return "The database is read-only: it is a standby, or default_transaction_read_only is on."
    return f"The database does not answer: {str(error).strip().partition(chr(10))[0]}"


def is_busy(error: BaseException | None) -> bool:
    """Return whether the server works, but did not execute this statement because of a conflict or too much load."""
    return getattr(error, "sqlstate", None) in _BUSY


def is_read_only(error: BaseException | None) -> bool:
    """Return whether the role or the transaction may not write."""
    return getattr(error, "sqlstate", None) in _READ_ONLY


def is_overlap(error: BaseException | None) -> bool:
    """Return whether the exclusion constraint rejected the row."""
    return isinstance(error, psycopg.errors.ExclusionViolation)


def is_duplicate_key(error: BaseException | None) -> bool:
    """Return whether the error is a unique violation of ``idempotency_keys``: the Idempotency-Key is already stored."""
    return isinstance(error, psycopg.errors.UniqueViolation) and error.diag.constraint_name == "pk_idempotency_keys"


def _require_durable(session: Session, *, allow_unsafe: bool) -> None:
    fsync, synchronous_commit = session.fsync, session.synchronous_commit
    if "off" not in (fsync, synchronous_commit):
        return
    danger = f"PostgreSQL runs with fsync={fsync} and synchronous_commit={synchronous_commit}: it may lose"
    danger += " allocations that it has confirmed."
    if not allow_unsafe:
        raise UnusableDatabase(f"{danger} Switch both on, or set [database] allow_unsafe_durability = yes.")
    logger.warning("%s [database] allow_unsafe_durability allows it.", danger)
