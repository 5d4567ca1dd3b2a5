"""The horizon of the change feed: no event up to it can still be committed (migration 0002 explains why)."""

import sys

from sqlalchemy import Connection, case, func, null, select

from invsys.inventory.errors import DatabaseUnavailable

# Null on a standby: the advisory locks of writers exist only on the primary.
_HORIZON = select(case((func.pg_is_in_recovery(), null()), else_=func.event_horizon()))


def last_visible_key(connection: Connection) -> int:
    """Return the key up to which no further event will be committed.

    Only a later statement is certain to see all events up to this key. Raises DatabaseUnavailable on a standby.
    """
    if connection.dialect.name == "sqlite":  # one writer at a time, so events commit in the order of their keys
        return sys.maxsize
    key: int | None = connection.scalar(_HORIZON)
    if key is None:
        raise DatabaseUnavailable("The change feed is read from the primary; this service is connected to a standby.")
    return key
