"""Limits per client: live holds, how far ahead an allocation may be, and how long.

They apply to each client that the gateway names (``X-Client-Id``), also to one that may see everything. Imports,
operators and callers without a name are not limited. A limit of 0 is off, and costs no query.
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

# Finds live holds by the index on ``expires``. Without the concatenation the planner may choose the index on
# ``client_id``, and one client may own all allocations.
_LIVE_HOLD_OF_CLIENT = (
    _allocation.c.client_id.concat(literal_column("''")) == bindparam("of_client", type_=String),
    _allocation.c.expires > db_now(),
)
_UP_TO = select(_allocation.c.key).where(*_LIVE_HOLD_OF_CLIENT).limit(bindparam("most", type_=Integer))
_COUNT_UP_TO = select(func.count()).select_from(_UP_TO.subquery())
_COUNT = select(func.count()).select_from(_allocation).where(*_LIVE_HOLD_OF_CLIENT)
_SECONDS_LEFT = (
    select(seconds_between(db_now(), _allocation.c.expires))
    .where(*_LIVE_HOLD_OF_CLIENT)
    .order_by(_allocation.c.expires)
    .limit(literal_column("1"))
    .offset(bindparam("place", type_=Integer))
)


def max_holds(caller: Caller, hold_seconds: int | None) -> int:
    """Return how many holds the caller may have; 0 if there is no limit, or if the request is not for a hold."""
    if caller.client_id is None or hold_seconds is None:
        return 0
    most: int = current_app.config["CLIENT_LIMITS"]["held_per_client"]
    return most


def has_room(caller: Caller, most: int, wanted: int = 1) -> bool:
    """Return whether the caller may have ``wanted`` more holds.

    Requests at the same time do not see each other's holds: together they can exceed the limit by a few.
    """
    if not most:
        return True
    with session.read() as connection:
        held: int = connection.execute(_COUNT_UP_TO, {"of_client": caller.client_id, "most": most}).scalar_one()
    return held + wanted <= most


def require_room(caller: Caller, most: int, wanted: int = 1) -> None:
    """Raise TooManyHolds unless the caller may have ``wanted`` more holds; InvalidFields if it never may."""
    if not most:
        return
    if wanted > most:
        message = f"At most {most}: a client may not have more holds at a time."
        raise InvalidFields("Not valid: quantity.", errors={"quantity": [message]})
    with session.read() as connection:
        seconds = _seconds_until_room(connection, caller, most, wanted)
    if seconds is not None:
        detail = f"A client may have {most} holds at a time; confirm or free some, or wait until they expire."
        raise TooManyHolds(detail, max(1, math.ceil(seconds)))


def _seconds_until_room(connection: Connection, caller: Caller, most: int, wanted: int) -> float | None:
    """Return after how many seconds enough holds will have expired, or None if there is room now."""
    client = {"of_client": caller.client_id}
    excess = connection.execute(_COUNT, client).scalar_one() + wanted - most
    if excess <= 0:
        return None
    seconds: float | None = connection.execute(_SECONDS_LEFT, {**client, "place": excess - 1}).scalar()
    return seconds


def require_period(caller: Caller, period: Period, before: Period | None = None) -> None:
    """Raise marshmallow's ValidationError if the period is too far ahead or too long for the caller.

    A change that only shortens the period ``before`` is always allowed. "Ahead" is measured by this process's clock.
    """
    if caller.client_id is None:
        return
    limits = current_app.config["CLIENT_LIMITS"]
    days_ahead, days_long = limits["max_days_ahead"], limits["max_days_long"]
    if not (days_ahead or days_long) or (before is not None and period.is_within(before)):
        return
    errors: dict[str, list[str]] = defaultdict(list)
    if days_ahead:
        for field in _too_far(period, datetime.now(UTC) + timedelta(days=days_ahead)):
            errors[field].append(f"Must not be more than {days_ahead} days ahead.")
    if days_long:
        for field in _too_long(period, timedelta(days=days_long), before):
            errors[field].append(f"The period must not be longer than {days_long} days.")
    if errors:
        raise ValidationError(dict(errors))


def _too_far(period: Period, latest: datetime) -> list[str]:
    """Return the fields of the sides that are too far ahead; a period may end at ``latest``, but not begin there."""
    fields = []
    if period.start is not None and period.start >= latest:
        fields.append("from_datetime")
    if period.end is None:
        fields.append("to_infinity")
    elif period.end > latest:
        fields.append("to_datetime")
    return fields


def _too_long(period: Period, longest: timedelta, before: Period | None) -> list[str]:
    """Return the fields that make the period too long, without a side that was not changed."""
    fields = [f"{side}_infinity" for side, at in (("from", period.start), ("to", period.end)) if at is None]
    if not fields and period.start is not None and period.end is not None and period.end - period.start > longest:
        end_stays = before is not None and before.end == period.end
        fields.append("from_datetime" if end_stays else "to_datetime")
    return fields
