"""Limits of each client: the number of its active holds, and how long and how far ahead its periods may be.

The limits apply to every client that the gateway identifies (``X-Client-Id``), including those that can see all
allocations. They do not apply to imports, to commands of operators and to callers without an id. A limit of 0 is off
and costs no query.
"""

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from flask import current_app
from marshmallow import ValidationError
from sqlalchemy import Connection, Integer, String, bindparam, func, literal_column, select

from invsys.chassis.http.problems import InvalidFields
from invsys.inventory.caller import Caller
from invsys.inventory.db import session
from invsys.inventory.db.functions import db_now, seconds_between
from invsys.inventory.db.models import ContinuousResourceAllocation
from invsys.inventory.errors import TooManyHolds
from invsys.inventory.period import Period

_allocation = ContinuousResourceAllocation.__table__

# The query uses the index on ``expires``. Without the concatenation, the planner may choose the index on ``client_id``,
# which is slow if one client owns most allocations.
_ACTIVE_HOLD_OF_CLIENT = (
    _allocation.c.client_id.concat(literal_column("''")) == bindparam("of_client", type_=String),
    _allocation.c.expires > db_now(),
)
_SOME_HOLDS = select(_allocation.c.key).where(*_ACTIVE_HOLD_OF_CLIENT).limit(bindparam("max_holds", type_=Integer))
_COUNT_UP_TO = select(func.count()).select_from(_SOME_HOLDS.subquery())
_COUNT = select(func.count()).select_from(_allocation).where(*_ACTIVE_HOLD_OF_CLIENT)
_SECONDS_LEFT = (
    select(seconds_between(db_now(), _allocation.c.expires))
    .where(*_ACTIVE_HOLD_OF_CLIENT)
    .order_by(_allocation.c.expires)
    .limit(literal_column("1"))
    .offset(bindparam("position", type_=Integer))
)


def max_holds(caller: Caller, hold_seconds: int | None) -> int:
    """Return how many active holds the caller may have; 0 means no limit, or a request that creates no hold."""
    if caller.client_id is None or hold_seconds is None:
        return 0
    limit: int = current_app.config["CLIENT_LIMITS"]["held_per_client"]
    return limit


def has_room(caller: Caller, max_holds: int, count: int = 1) -> bool:
    """Return whether the caller may have ``count`` more holds; ``max_holds`` is the limit, or 0.

    Concurrent requests do not see each other's holds, so together they can slightly exceed the limit.
    """
    if not max_holds:
        return True
    params = {"of_client": caller.client_id, "max_holds": max_holds}
    with session.read() as connection:
        holds: int = connection.execute(_COUNT_UP_TO, params).scalar_one()
    return holds + count <= max_holds


def require_room(caller: Caller, max_holds: int, count: int = 1) -> None:
    """Raise TooManyHolds if the caller's holds and ``count`` more exceed ``max_holds``.

    Raises InvalidFields if ``count`` alone exceeds it.
    """
    if not max_holds:
        return
    if count > max_holds:
        message = f"At most {max_holds}: a client may not have more holds at a time."
        raise InvalidFields("Not valid: quantity.", errors={"quantity": [message]})
    with session.read() as connection:
        seconds = _seconds_until_room(connection, caller, max_holds, count)
    if seconds is not None:
        detail = f"A client may have {max_holds} holds at a time; confirm or free some, or wait until they expire."
        raise TooManyHolds(detail, max(1, math.ceil(seconds)))


def _seconds_until_room(connection: Connection, caller: Caller, max_holds: int, count: int) -> float | None:
    """Return the seconds until enough holds will have expired, or None if ``count`` more are allowed now."""
    client = {"of_client": caller.client_id}
    excess = connection.execute(_COUNT, client).scalar_one() + count - max_holds
    if excess <= 0:
        return None
    seconds: float | None = connection.execute(_SECONDS_LEFT, {**client, "position": excess - 1}).scalar()
    return seconds


def require_period(caller: Caller, period: Period, old_period: Period | None = None) -> None:
    """Raise marshmallow's ValidationError if the period is too far ahead or too long for the caller.

    A change that only shortens ``old_period`` is always allowed. Whether a period is too far ahead depends on
    the clock of this process.
    """
    if caller.client_id is None:
        return
    limits = current_app.config["CLIENT_LIMITS"]
    days_ahead, days_long = limits["max_days_ahead"], limits["max_days_long"]
    if not (days_ahead or days_long) or (old_period is not None and period.is_within(old_period)):
        return
    errors: dict[str, list[str]] = defaultdict(list)
    if days_ahead:
        for field in _too_far(period, datetime.now(UTC) + timedelta(days=days_ahead)):
            errors[field].append(f"Must not be more than {days_ahead} days ahead.")
    if days_long:
        for field in _too_long(period, timedelta(days=days_long), old_period):
            errors[field].append(f"The period must not be longer than {days_long} days.")
    if errors:
        raise ValidationError(dict(errors))


def _too_far(period: Period, latest: datetime) -> list[str]:
    """Return the fields of the bounds that are too far ahead; a period may end at ``latest`` but not start there."""
    fields = []
    if period.start is not None and period.start >= latest:
        fields.append("from_datetime")
    if period.end is None:
        fields.append("to_infinity")
    elif period.end > latest:
        fields.append("to_datetime")
    return fields


def _too_long(period: Period, longest: timedelta, old_period: Period | None) -> list[str]:
    """Return the fields that make the period too long, if any.

    These are the infinite bounds. If there are none, it is the start if only the start has changed, otherwise the end.
    """
    bounds = (("from", period.start), ("to", period.end))
    fields = [f"{name}_infinity" for name, instant in bounds if instant is None]
    if not fields and period.start is not None and period.end is not None and period.end - period.start > longest:
        is_end_unchanged = old_period is not None and old_period.end == period.end
        fields.append("from_datetime" if is_end_unchanged else "to_datetime")
    return fields
