"""One standby: whether it may answer reads, and from which instant its answers are."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from invsys.inventory import counters
from invsys.inventory.db import revisions
from invsys.inventory.db.postgresql.connections import BoundedConnection, is_busy
from invsys.inventory.db.standbys import positions
from invsys.inventory.db.standbys.positions import Driver, Event, History, Primary, StandbyPosition
from invsys.inventory.errors import UnusableDatabase

logger = logging.getLogger("invsys.inventory")

NOT_A_STANDBY = "it is not a standby, but a primary"
# Of several hosts in read_url, one may be the primary: it answers anyway.
_IS_PRIMARY = "it is the primary"
# Never logged.
_BEING_CHECKED = "it is being checked"

# The primary shows a change within this time after writing it, unless it waits for another standby.
_COMMIT_SECONDS = 1.0


class Unfit(Exception):
    """The standby may not answer a read; the message is a clause for operators."""


class _Verified(NamedTuple):
    """The server that passed the checks, and the timeline of the primary that it follows."""

    cluster: str
    started: str
    timeline: str


class _UnknownEvent(NamedTuple):
    """An event of the standby that the primary does not have since this time of the monotonic clock."""

    event: Event
    since: float


class Standby:
    """A standby; the thread of ``monitor`` checks it, and the threads of requests read from it.

    ``problem`` is the reason why it may not answer reads, as a clause, or None.
    """

    def __init__(self, name: str, engine: Engine, primary: Primary, max_staleness: float, patience: float) -> None:
        self.name = name
        self.engine = engine
        self.problem: str | None = _BEING_CHECKED
        self._primary = primary
        self._max_staleness = max_staleness
        self._patience = patience
        self._verified: _Verified | None = None
        self._last: tuple[StandbyPosition, str, float] | None = None
        self._unknown_event: _UnknownEvent | None = None
        self._checked_at = -math.inf
        self._reached_at = -math.inf

    def may_answer(self) -> bool:
        """Return whether the last check allowed reads and was not long ago: the server may have stopped since then."""
        return self.problem is None and time.monotonic() - self._checked_at <= self._patience

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Yield a connection for a read, which stops waiting for the server when this may not answer any more."""
        with self.engine.connect() as connection:
            driver = positions.driver_of(connection)
            assert isinstance(driver, BoundedConnection)
            driver.gives_up = lambda: not self.may_answer()
            try:
                yield connection
            finally:
                driver.gives_up = None

    def check(self) -> None:
        """Check the standby, and log it if that changes whether it may answer reads."""
        try:
            self._check()
            problem = None
        except Unfit as error:
            problem = str(error)
        except (DBAPIError, PoolTimeout, UnusableDatabase) as error:
            self._last = None
            problem = f"it does not answer: {first_line(error)}"
        self._checked_at = time.monotonic()
        self._report(problem)
        usable = problem in (None, _IS_PRIMARY)
        counters.set_standby(self.name, usable=usable, age=self._checked_at - self._reached_at)

    def _check(self) -> None:
        history = self._primary.history
        before, self._last = self._last, None
        with self.engine.connect() as connection:
            driver = positions.driver_of(connection)
            server, read_at = positions.of_standby(driver), time.monotonic()
            if history is None:
                raise Unfit(_BEING_CHECKED)
            if not server.is_standby:
                raise Unfit(_IS_PRIMARY if server.started == history.started else NOT_A_STANDBY)
            if server.cluster != history.cluster:
                raise Unfit(other_cluster(server.cluster, history.cluster))
            if problem := revisions.incompatibility(revisions.current(connection)):
                raise Unfit(problem)
            has_same_events = self._has_same_events(driver, server, history)
        self._last = (server, history.timeline, read_at)
        self._verify(before, history, has_same_events)
        self._reached_at = max(self._reached_at, self._as_of(server, history, self._max_staleness))

    def _has_same_events(self, driver: Driver, server: StandbyPosition, history: History) -> bool | None:
        """Return whether standby and primary have the newest event of each other; None if that is not known yet.

        Positions alone do not prove that the standby follows this primary: after a failover, it may have replayed other
        changes up to the same position. The ids of events are random.
        """
        mark, newest = history.newest_reached(server.position), positions.newest_event(driver)
        expected = None if mark is None or mark.event_id is None else Event(mark.event_key or 0, mark.event_id)
        if expected is not None and not positions.has_event(driver, expected):
            return False
        try:
            return newest is None or self._primary_has(newest)
        except (DBAPIError, PoolTimeout, UnusableDatabase):
            return None

    def _primary_has(self, event: Event) -> bool | None:
        """Return whether the primary has an event; None if it may be committing it.

        A primary shows a change after it has written it, and with synchronous replication after the wait for another
        standby; meanwhile, this standby may show it already.
        """
        if self._primary.has(event):
            self._unknown_event = None
            return True
        before = self._unknown_event
        if before is None or self._primary.waits_for_standby() or self._primary.has(before.event):
            self._unknown_event = _UnknownEvent(event, time.monotonic())
            return None
        return None if time.monotonic() - before.since <= _COMMIT_SECONDS else False

    def _verify(
        self, before: tuple[StandbyPosition, str, float] | None, history: History, has_same_events: bool | None
    ) -> None:
        """Verify that the standby follows the primary, by the position of the check before.

        By now the primary must have written it. After a failover, a standby may have more than the new primary.
        """
        assert self._last is not None
        server, timeline, _ = self._last
        if before is None or (before[0].started, before[1]) != (server.started, timeline):
            self._verified = None
            raise Unfit(_BEING_CHECKED)
        position, _, read_at = before
        follows = position.position is not None and history.has_written(position.position, read_at)
        if follows is False or has_same_events is False:
            self._verified = None
            raise Unfit("its history is not that of the primary: it has changes that the primary does not have")
        if follows and has_same_events:
            self._verified = _Verified(server.cluster, server.started, timeline)

    def as_of(self, connection: Connection, max_age: float) -> float:
        """Return the time of the monotonic clock of which the data of this connection are; they may be newer.

        Raises Unfit if they are older than ``max_age`` seconds, or if the connection leads to another server than the
        one that was checked.
        """
        history = self._primary.history
        return self._as_of(positions.of_standby(positions.driver_of(connection), history), history, max_age)

    def _as_of(self, server: StandbyPosition, history: History | None, max_age: float) -> float:
        if not server.is_standby:
            raise Unfit(NOT_A_STANDBY)
        if history is None or self._verified != (server.cluster, server.started, history.timeline):
            raise Unfit(_BEING_CHECKED)
        oldest = time.monotonic() - max_age
        if history.marks[-1].at < oldest:
            raise Unfit("the primary does not answer, so the age of the data is not known")
        mark = history.newest_reached(server.position)
        if mark is None or mark.at < oldest:
            raise Unfit(f"it is more than {max_age:g} seconds behind")
        return mark.at

    def suspect(self, error: DBAPIError) -> None:
        """Leave the standby out until the next check, unless the server works and only this statement failed."""
        if not is_busy(error.orig):
            self._checked_at = -math.inf

    def _report(self, problem: str | None) -> None:
        before, self.problem = self.problem, problem
        # Of one that does not answer, each attempt may have another message.
        if problem == before or (problem and before and problem.startswith(f"{before.partition(':')[0]}:")):
            return
        if problem is None:
            logger.info("The standby %s answers reads.", self.name)
        elif problem == _IS_PRIMARY:
            logger.info("The server %s of [database] read_url is the primary.", self.name)
        elif problem != _BEING_CHECKED:
            logger.warning("The standby %s is left out, and the primary answers: %s.", self.name, problem)


def other_cluster(server: str, expected: str) -> str:
    """Return the clause about a standby of another cluster, or about another database of the same one."""
    return f"it belongs to another cluster or database ({server}, the primary has {expected})"


def first_line(error: Exception) -> str:
    """Return the first line of the message of an error of the driver, or of our own."""
    return str(getattr(error, "reason", None) or getattr(error, "orig", None) or error).strip().partition("\n")[0]
