"""The horizon of the change feed: no event up to it can still be committed (migration 0002 explains why)."""

import sys

from sqlalchemy import Connection, case, func, null, select

from invsys.inventory.errors import DatabaseUnavailable

# Null on a standby: the advisory locks of writers exist only on the primary.
_HORIZON = select(case((func.pg_is_in_recovery(), null()), else_=func.event_horizon()))


def last_visible_key(connection: Connection) -> int:
    """Return the key up to which no further event will be committed.

    Read the events in a later statement, which is certain to see all of them. Raises DatabaseUnavailable on a standby.
    """
    if connection.dialect.name == "sqlite":  # has one writer, so the keys are in the order of commits
        return sys.maxsize
    key: int | None = connection.scalar(_HORIZON)
    if key is None:
        raise DatabaseUnavailable("The change feed is read from the primary; this service is connected to a standby.")
    return key
