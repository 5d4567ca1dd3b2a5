"""What the metrics show of the database: holds, the change feed, the last purge, the archive, PostgreSQL's sessions."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select, text

from invsys.inventory.db import session
from invsys.inventory.db.functions import db_now, seconds_between
from invsys.inventory.db.models import ContinuousResourceAllocation, CursorState, Event
from invsys.inventory.db.predicates import is_expired
from invsys.inventory.errors import DatabaseUnavailable
from invsys.inventory.queries import event_horizon

_HOLDS = select(func.count(), func.count(case((is_expired(), 1)))).where(
    ContinuousResourceAllocation.expires.is_not(None)
)
_MAINTENANCE = select(seconds_between(CursorState.purged_at, db_now()), CursorState.archived_until)

# Of the role of the service: PostgreSQL hides the state of the sessions of other roles.
_SESSIONS = text(
    "SELECT count(*) FILTER (WHERE state <> 'idle') AS active, count(*) FILTER (WHERE state = 'idle') AS idle,"
    " count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting_for_lock"
    " FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
    " AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True)
class ServiceState:
    """The state of the database.

    ``feed_lag`` is the age in seconds of the oldest change that readers of the feed cannot see yet, 0 if there is none;
    None on a standby. ``purge_age`` is the number of seconds since the last purge, or None. ``archived_until`` is the
    greatest end of an archived allocation, or None. ``sessions`` are numbers of sessions of PostgreSQL by state; there
    are none on SQLite.
    """

    active_holds: int
    expired_holds: int
    feed_lag: float | None
    purge_age: float | None
    archived_until: datetime | None
    sessions: dict[str, int]


def read() -> ServiceState:
    """Read the state; raises DatabaseUnavailable, Overloaded."""
    with session.read() as connection:
        holds, expired = connection.execute(_HOLDS).one()
        purge_age, archived_until = connection.execute(_MAINTENANCE).one()
        is_sqlite = connection.dialect.name == "sqlite"
        return ServiceState(
            holds - expired,
            expired,
            _feed_lag(connection),
            purge_age,
            archived_until,
            {} if is_sqlite else dict(connection.execute(_SESSIONS).mappings().one()),
        )


def _feed_lag(connection: Connection) -> float | None:
    try:
        horizon = event_horizon.last_visible_key(connection)
    except DatabaseUnavailable:
        return None
    oldest = select(func.min(Event.at)).where(Event.key > horizon).scalar_subquery()
    lag: float | None = connection.execute(select(seconds_between(oldest, db_now()))).scalar()
    return lag or 0.0
