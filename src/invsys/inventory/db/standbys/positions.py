"""Positions in the write-ahead log: they prove how old the data of a standby is.

The bound needs neither synchronous clocks nor the standby's own account of its lag (``pg_last_xact_replay_timestamp``
says nothing while nobody writes, or while the connection to the primary is lost).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

# Positions are numbers of bytes. A commit is flushed before anybody sees it, unless it is asynchronous. The inserted
# position is not used otherwise: what it includes beyond the flushed one may not be sent to standbys for a long time.
_OF_PRIMARY = """
    SELECT is_standby, cluster, (position - '0/0')::bigint, left(pg_walfile_name(position), 8),
    statement_timestamp()::text, pg_postmaster_start_time()::text
    FROM (
        SELECT pg_is_in_recovery() AS is_standby, system_identifier::text AS cluster, CASE
            WHEN pg_is_in_recovery() THEN NULL
            WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn()
            ELSE pg_current_wal_flush_lsn()
        END AS position
        FROM pg_control_system()
    ) AS server"""
# The session gets the time of the newest mark that the server has reached (functions.db_now): by a later time, a hold
# could seem expired that was confirmed meanwhile.
_OF_STANDBY = """
    SELECT is_standby, cluster, started, position, set_config('invsys.now', coalesce((
        SELECT clock FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY AS mark (reached, clock, number)
        WHERE reached <= position ORDER BY number DESC LIMIT 1
    ), ''), false)
    FROM (
        SELECT pg_is_in_recovery() AS is_standby, system_identifier::text AS cluster,
        pg_postmaster_start_time()::text AS started, (pg_last_wal_replay_lsn() - '0/0')::bigint AS position
        FROM pg_control_system()
    ) AS server"""


# The number of marks, and how many of the newest ones stay when others are left out.
_MOST_MARKS, _NEWEST = 32, 12


class PrimaryPosition(NamedTuple):
    """The position up to which the server has stored its log; None if it is a standby.

    ``timeline`` changes with each failover. ``clock`` is the time of the server before the position was read.
    ``started`` is the time when it started, which distinguishes it from all others of the cluster.
    """

    is_standby: bool
    cluster: str
    position: int | None
    timeline: str | None
    clock: str
    started: str


class StandbyPosition(NamedTuple):
    """The position up to which the server has replayed the log; ``started`` is as in ``PrimaryPosition``."""

    is_standby: bool
    cluster: str
    started: str
    position: int | None


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """Return the driver's connection."""
    driver: Any = connection.connection.driver_connection
    return driver  # type: ignore[no-any-return]


def of_primary(connection: psycopg.Connection[Any]) -> PrimaryPosition:
    """Read the position of the primary, in one round trip; raises DBAPIError."""
    return PrimaryPosition(*_row(connection, _OF_PRIMARY))


def of_standby(connection: psycopg.Connection[Any], history: "History | None" = None) -> StandbyPosition:
    """Read the position of a standby and set the time of its data, in one round trip; raises DBAPIError."""
    marks = () if history is None else history.marks
    params = ([mark.position for mark in marks], [mark.clock for mark in marks])
    return StandbyPosition(*_row(connection, _OF_STANDBY, params)[:4])


def _row(connection: psycopg.Connection[Any], statement: str, params: Sequence[Any] = ()) -> tuple[Any, ...]:
    try:
        row: tuple[Any, ...] | None = connection.execute(statement.encode(), params, prepare=True).fetchone()
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error
    assert row is not None
    return row


class Mark(NamedTuple):
    """A position that the primary had not exceeded at the time ``at`` of the monotonic clock.

    ``clock`` is the time of the primary, between ``at`` and the reading of the position.
    """

    position: int
    at: float
    clock: str


class History(NamedTuple):
    """The newest marks of one primary, oldest first. A failover begins a new history."""

    cluster: str
    timeline: str
    marks: tuple[Mark, ...]
    started: str

    def newest_reached(self, position: int) -> float | None:
        """Return the time of the newest mark that ``position`` has reached, or None."""
        return next((mark.at for mark in reversed(self.marks) if mark.position <= position), None)

    def has_written(self, position: int, since: float) -> bool | None:
        """Return whether the primary has written up to ``position``, by a mark after the time ``since``.

        None: there is no such mark yet. A standby that has replayed more than that does not follow this primary.
        """
        newest = self.marks[-1]
        return None if newest.at < since else position <= newest.position


class Primary:
    """The history of the current primary for so many seconds; one thread adds to it, and others read it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.history: History | None = None

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
        self.history = History(*primary, (*marks, Mark(current.position, at, current.clock)), current.started)
