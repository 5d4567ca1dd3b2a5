"""Refuses a wrong ``[database] read_url`` at the start. What can heal by itself only causes a warning."""

import logging
import time

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from invsys.inventory.db import engine, revisions
from invsys.inventory.db.standbys import positions, reads
from invsys.inventory.db.standbys.positions import PrimaryPosition, driver_of
from invsys.inventory.db.standbys.standby import NOT_A_STANDBY, Standby, first_line, other_cluster
from invsys.inventory.errors import UnusableDatabase

logger = logging.getLogger("invsys.inventory")

# Seconds between two looks at a standby with an old schema, which may be replaying the migration.
_PAUSE = 0.1


def require_usable_at_start() -> None:
    """Raise UnusableDatabase if ``read_url`` names a primary, another cluster or database, or an old schema.

    The schema may be old for up to ``max_staleness`` seconds. One of several servers may be the primary, as after a
    failover. If a server does not answer, log a warning: it is used as soon as it does.
    """
    standbys = reads.of_app()
    if standbys is None:
        return
    primary = _primary()
    for standby in standbys.standbys:
        try:
            _require_usable(standby, primary, standbys)
        except (DBAPIError, PoolTimeout) as error:
            _warn(standby, f"it does not answer: {first_line(error)}")


def _primary() -> PrimaryPosition | None:
    """Return the position of the primary; None if it does not answer, which another check reports."""
    try:
        with engine.current().autocommit.connect() as connection:
            return positions.of_primary(driver_of(connection))
    except (DBAPIError, PoolTimeout, UnusableDatabase):
        return None


def _require_usable(standby: Standby, primary: PrimaryPosition | None, standbys: reads.Standbys) -> None:
    """Raise UnusableDatabase, DBAPIError."""
    deadline = time.monotonic() + standbys.max_staleness
    while True:
        with standby.engine.connect() as connection:
            server, schema = positions.of_standby(driver_of(connection)), revisions.current(connection)
        if primary is not None and server.cluster != primary.cluster:
            raise _refusal(standby, other_cluster(server.cluster, primary.cluster))
        if not server.is_standby and len(standbys.standbys) == 1:
            raise _refusal(standby, NOT_A_STANDBY)
        if not server.is_standby:
            if primary is None or server.started != primary.started:
                _warn(standby, NOT_A_STANDBY)
            return
        if (problem := revisions.incompatibility(schema)) is None:
            return
        if time.monotonic() > deadline:
            raise _refusal(standby, problem)
        time.sleep(_PAUSE)


def _refusal(standby: Standby, problem: str) -> UnusableDatabase:
    return UnusableDatabase(f"[database] read_url names {standby.name}, but {problem}: correct it, or leave it empty.")


def _warn(standby: Standby, problem: str) -> None:
    logger.warning("The standby %s of [database] read_url is not used yet: %s.", standby.name, problem)
