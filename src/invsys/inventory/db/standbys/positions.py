"""Positions in the write-ahead log: they prove how old the data of a standby is.

The bound needs neither synchronous clocks nor the standby's own account of its lag (``pg_last_xact_replay_timestamp``
says nothing while nobody writes, or while the connection to the primary is lost).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

# Positions are numbers of bytes. A commit is flushed before anybody sees it, unless it is asynchronous. The inserted
# position is not used otherwise: what it includes beyond the flushed one may not be sent to standbys for a long time.
_OF_PRIMARY = """
    SELECT is_standby, cluster, (position - '0/0')::bigint, left(pg_walfile_name(position), 8),
    statement_timestamp()::text, pg_postmaster_start_time()::text,
    (SELECT key FROM events ORDER BY key DESC LIMIT 1), (SELECT id::text FROM events ORDER BY key DESC LIMIT 1)
    FROM (
        SELECT pg_is_in_recovery() AS is_standby, concat(system_identifier, '/', current_database()) AS cluster, CASE
            WHEN pg_is_in_recovery() THEN NULL
            WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn()
            ELSE pg_current_wal_flush_lsn()
        END AS position
        FROM pg_control_system()
    ) AS server"""
_NEWEST_EVENT = "SELECT max(key), (SELECT id::text FROM events ORDER BY key DESC LIMIT 1) FROM events"
# The session gets the time of the newest mark that the server has reached (functions.db_now): by a later time, a hold
# could seem expired that was confirmed meanwhile.
_OF_STANDBY = """
    SELECT is_standby, cluster, started, position, set_config('invsys.now', coalesce((
        SELECT clock FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY AS mark (reached, clock, number)
        WHERE reached <= position ORDER BY number DESC LIMIT 1
    ), ''), false)
    FROM (
        SELECT pg_is_in_recovery() AS is_standby, concat(system_identifier, '/', current_database()) AS cluster,
        pg_postmaster_start_time()::text AS started, (pg_last_wal_replay_lsn() - '0/0')::bigint AS position
        FROM pg_control_system()
    ) AS server"""
# Every role sees what its own sessions wait for.
_WAITS_FOR_STANDBY = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')"

# The number of marks, and how many of the newest ones stay when others are left out.
_MOST_MARKS, _NEWEST = 32, 12


Driver = psycopg.Connection[Any]


class PrimaryPosition(NamedTuple):
    """The position up to which the server has stored its log; None if it is a standby.

    ``cluster`` is the system identifier and the name of the database. ``timeline`` changes with each failover.
    ``clock`` is the time of the server before the position was read. ``started`` is the time when it started, which
    distinguishes it from all others of the cluster. The event is the newest one.
    """

    is_standby: bool
    cluster: str
    position: int | None
    timeline: str | None
    clock: str
    started: str
    event_key: int | None
    event_id: str | None


class StandbyPosition(NamedTuple):
    """The position up to which the server has replayed the log; ``started`` is as in ``PrimaryPosition``."""

    is_standby: bool
    cluster: str
    started: str
    position: int | None


def driver_of(connection: Connection) -> Driver:
    """Return the driver's connection."""
    driver: Any = connection.connection.driver_connection
    return driver  # type: ignore[no-any-return]


def of_primary(connection: Driver) -> PrimaryPosition:
    """Read the position of the primary, in one round trip; raises DBAPIError."""
    return PrimaryPosition(*_row(connection, _OF_PRIMARY))


def of_standby(connection: Driver, history: "History | None" = None) -> StandbyPosition:
    """Read the position of a standby and set the time of its data, in one round trip; raises DBAPIError."""
    marks = () if history is None else history.marks
    params = ([mark.position for mark in marks], [mark.clock for mark in marks])
    return StandbyPosition(*_row(connection, _OF_STANDBY, params)[:4])


def _row(connection: Driver, statement: str, params: Sequence[Any] = ()) -> tuple[Any, ...]:
    try:
        row: tuple[Any, ...] | None = connection.execute(statement.encode(), params, prepare=True).fetchone()
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error
    assert row is not None
    return row


class Event(NamedTuple):
    """The number of an event, and its random id."""

    key: int
    id: str


def newest_event(connection: Driver) -> Event | None:
    """Return the newest event of a server; raises DBAPIError."""
    key, id_ = _row(connection, _NEWEST_EVENT)
    return None if key is None else Event(key, id_)


def has_event(connection: Driver, event: Event) -> bool:
    """Return whether a server has an event; raises DBAPIError."""
    return bool(_row(connection, "SELECT EXISTS (SELECT FROM events WHERE key = %s AND id = %s::uuid)", event)[0])


class Mark(NamedTuple):
    """A position that the primary had not exceeded at the time ``at`` of the monotonic clock.

    ``clock`` is the time of the primary, between ``at`` and the reading of the position. The event is the newest one.
    """

    position: int
    at: float
    clock: str
    event_key: int | None
    event_id: str | None


class History(NamedTuple):
    """The newest marks of one primary, oldest first. A failover begins a new history."""

    cluster: str
    timeline: str
    marks: tuple[Mark, ...]
    started: str

    def newest_reached(self, position: int | None) -> Mark | None:
        """Return the newest mark that ``position`` has reached, or None."""
        return next((mark for mark in reversed(self.marks) if position is not None and mark.position <= position), None)

    def has_written(self, position: int, since: float) -> bool | None:
        """Return whether the primary has written up to ``position``, by a mark after the time ``since``.

        None: there is no such mark yet. A standby that has replayed more than that does not follow this primary.
        """
        newest = self.marks[-1]
        return None if newest.at < since else position <= newest.position


class Primary:
    """The history of the current primary for so many seconds; one thread adds to it, and others read it."""

    def __init__(self, seconds: float, engine: Engine | None = None) -> None:
        self._seconds, self._engine = seconds, engine
        self.history: History | None = None

    def has(self, event: Event) -> bool:
        """Return whether the primary has an event, now; raises the exceptions of a connection."""
        assert self._engine is not None
        with self._engine.connect() as connection:
            return has_event(driver_of(connection), event)

    def waits_for_standby(self) -> bool:
        """Return whether a commit waits for a synchronous standby, now; raises the exceptions of a connection."""
        assert self._engine is not None
        with self._engine.connect() as connection:
            return bool(_row(driver_of(connection), _WAITS_FOR_STANDBY)[0])

    def add(self, at: float, current: PrimaryPosition) -> None:
        """Add what was read from the primary; the request for it was sent at the time ``at``."""
        if current.position is None or current.timeline is None:
            return
        primary = (current.cluster, current.timeline)
        is_same = self.history is not None and self.history[:2] == primary
        marks = [
            mark for mark in (self.history.marks if self.history and is_same else ()) if mark.at > at - self._seconds
        ]
        if len(marks) >= _MOST_MARKS:
            # Reads send the marks to the standby. Ages between the older ones are rounded up.
            marks = [*marks[:-_NEWEST:2], *marks[-_NEWEST:]]
        mark = Mark(current.position, at, current.clock, current.event_key, current.event_id)
        self.history = History(*primary, (*marks, mark), current.started)
