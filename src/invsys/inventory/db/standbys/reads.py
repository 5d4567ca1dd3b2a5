"""Reads from standbys: the standbys of an application, and the standby of the current request."""

import math
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from flask import Flask, current_app
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from invsys.chassis.ops.draining import WORKERS_VARIABLE
from invsys.inventory.db import engine
from invsys.inventory.db.standbys.monitor import Monitor
from invsys.inventory.db.standbys.positions import Primary
from invsys.inventory.db.standbys.standby import Standby, Unfit
from invsys.inventory.errors import UnusableDatabase

_EXTENSION = "invsys.standbys"
# Seconds between two checks, at most.
_INTERVAL = 0.5
# Checks in the time of max_staleness, at least.
_CHECKS = 10
# Seconds without a successful check after which no request uses a standby, or waits for it.
_PATIENCE = 1.5


class Standbys(NamedTuple):
    """The standbys of an application. Answers are at most ``max_staleness`` seconds old."""

    standbys: tuple[Standby, ...]
    monitor: Monitor
    max_staleness: int

    def choose(self) -> Standby | None:
        """Return one of the standbys that may answer reads, or None."""
        self.monitor.ensure_running()
        usable = [standby for standby in self.standbys if standby.may_answer()]
        return random.choice(usable) if usable else None  # noqa: S311 - not a secret


class StandbyFailed(Exception):
    """The standby failed, or its data are too old: the primary has to answer the request."""


class Reading:
    """The reads of one request from a standby, whose data may be ``max_age`` seconds old."""

    def __init__(self, standby: Standby, max_age: float) -> None:
        self._standby = standby
        self._max_age = max_age
        self._as_of = math.inf

    @contextmanager
    def connect(self, **options: Any) -> Iterator[Connection]:
        """Yield a connection to the standby with these execution options; raises StandbyFailed."""
        try:
            with self._standby.connect() as connection:
                self._as_of = min(self._as_of, self._standby.as_of(connection, self._max_age))
                yield connection.execution_options(**options) if options else connection
        except DBAPIError as error:
            self._standby.suspect(error)
            raise StandbyFailed from error
        except (PoolTimeout, UnusableDatabase, Unfit) as error:
            raise StandbyFailed from error

    def age(self) -> int:
        """Return the age of what was read in whole seconds, rounded up; 0 if nothing was read."""
        return max(0, math.ceil(time.monotonic() - self._as_of)) if self._as_of < math.inf else 0


_current: ContextVar[Reading | None] = ContextVar("standby_reading", default=None)


def current() -> Reading | None:
    """Return the reads from the standby of the current request; None if the primary answers it."""
    return _current.get()


@contextmanager
def from_standby(standby: Standby, max_age: float) -> Iterator[Reading]:
    """Let ``session.read`` and ``session.snapshot`` use the standby within the block."""
    reading = Reading(standby, max_age)
    token = _current.set(reading)
    try:
        yield reading
    finally:
        _current.reset(token)


def configure(app: Flask, max_staleness: int) -> None:
    """Prepare the checks of the standbys of ``app``, whose engines must exist; no connection is opened yet."""
    with app.app_context():
        engines = engine.current()
    if not engines.standbys:
        return
    interval = min(_INTERVAL, max_staleness / _CHECKS)
    primary = Primary(max_staleness, engines.autocommit)
    standbys = tuple(Standby(name, used, primary, max_staleness, _PATIENCE) for name, used in engines.standbys.items())
    monitor = Monitor(primary, engines.autocommit, standbys, interval)
    app.extensions[_EXTENSION] = Standbys(standbys, monitor, max_staleness)
    if WORKERS_VARIABLE in os.environ:
        # In a worker of the server, for the metrics; otherwise the first read starts the checks.
        monitor.ensure_running()


def of_app() -> Standbys | None:
    """Return the standbys of the current application; None if it has none."""
    standbys: Standbys | None = current_app.extensions.get(_EXTENSION)
    return standbys


def stop() -> None:
    """End the checks of the current application's standbys."""
    if (standbys := of_app()) is not None:
        standbys.monitor.stop()
