"""The horizon of the change feed: no event up to it can still appear (migration 0002 describes how)."""

import sys

from sqlalchemy import Connection, case, func, null, select

from invsys.inventory.errors import DatabaseUnavailable

# Null on a standby: the announcements of writers are on the primary only.
_HORIZON = select(case((func.pg_is_in_recovery(), null()), else_=func.event_horizon()))


def settled(connection: Connection) -> int:
    """Return the key up to which every event is committed and visible, or will never come.

    Read events by a later statement: only that is sure to see all of them. Raises DatabaseUnavailable on a standby.
    """
    if connection.dialect.name == "sqlite":  # which has one writer: keys are drawn in the order of commits
        return sys.maxsize
    key: int | None = connection.scalar(_HORIZON)
    if key is None:
        raise DatabaseUnavailable("The change feed is read from the primary; this service is connected to a standby.")
    return key
