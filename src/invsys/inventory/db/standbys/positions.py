"""Positions in the write-ahead log: they prove how old the data of a standby is.

The bound needs neither synchronous clocks nor the standby's own account of its lag (``pg_last_xact_replay_timestamp``
says nothing while nobody writes, or while the connection to the primary is lost).
"""

from collections import deque
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

# Positions are numbers of bytes. A commit is flushed before anybody sees it, unless it is asynchronous. The inserted
# position is not used otherwise: what it includes beyond the flushed one may not be sent to standbys for a long time.
_OF_PRIMARY = """
    SELECT is_standby, cluster, (position - '0/0')::bigint, left(pg_walfile_name(position), 8)
    FROM (
        SELECT pg_is_in_recovery() AS is_standby, system_identifier::text AS cluster, CASE
            WHEN pg_is_in_recovery() THEN NULL
            WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn()
            ELSE pg_current_wal_flush_lsn()
        END AS position
        FROM pg_control_system()
    ) AS server"""
_OF_STANDBY = """
    SELECT pg_is_in_recovery(), system_identifier::text, pg_postmaster_start_time()::text,
    (pg_last_wal_replay_lsn() - '0/0')::bigint FROM pg_control_system()"""


class PrimaryPosition(NamedTuple):
    """The position up to which the server has stored its log; None if it is a standby.

    ``timeline`` changes with each failover.
    """

    is_standby: bool
    cluster: str
    position: int | None
    timeline: str | None


class StandbyPosition(NamedTuple):
    """The position up to which the server has replayed the log.

    ``started`` is the time when the server started, which distinguishes it from all others of the cluster.
    """

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


def of_standby(connection: psycopg.Connection[Any]) -> StandbyPosition:
    """Read the position of a standby, in one round trip; raises DBAPIError."""
    return StandbyPosition(*_row(connection, _OF_STANDBY))


def _row(connection: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    try:
        row: tuple[Any, ...] | None = connection.execute(statement.encode(), prepare=True).fetchone()
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error
    assert row is not None
    return row


class Mark(NamedTuple):
    """A position that the primary had reached at the time ``at`` of the monotonic clock, or before."""

    position: int
    at: float


class History(NamedTuple):
    """The newest marks of one primary, oldest first. A failover begins a new history."""

    cluster: str
    timeline: str
    marks: tuple[Mark, ...]

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
    """The history of the current primary; one thread adds to it, and others read it."""

    def __init__(self, keep: int) -> None:
        self._marks: deque[Mark] = deque(maxlen=keep)
        self.history: History | None = None

    def add(self, at: float, found: PrimaryPosition) -> None:
        """Add what was read from the primary; the request for it was sent at the time ``at``."""
        if found.position is None or found.timeline is None:
            return
        current = (found.cluster, found.timeline)
        if self.history is None or self.history[:2] != current:
            self._marks.clear()
        self._marks.append(Mark(found.position, at))
        self.history = History(*current, tuple(self._marks))
