"""Hours of 1 March 2099 in wire format, and a helper that expires all holds."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from invsys.inventory.db.models import ContinuousResourceAllocation, db

ALWAYS = (None, None)


def hour_start(hour):
    """Return the start of an hour of 1 March 2099 in wire format; None (infinite or omitted) stays None."""
    return None if hour is None else f"2099-03-01T{hour:02}:00:00Z"


def period_fields(start, end):
    """Return the four JSON members that describe a period from ``start`` to ``end``, which are hours or None."""
    return {
        "from_datetime": hour_start(start),
        "to_datetime": hour_start(end),
        "from_infinity": start is None,
        "to_infinity": end is None,
    }


FOUR = tuple(period_fields(None, None))


def hours_of(row):
    """Return the period of an object in a response as (start, end) in hours; None means infinite."""
    start, end = (value and int(value[11:13]) for value in (row["from_datetime"], row["to_datetime"]))
    assert {field: row[field] for field in FOUR} == period_fields(start, end)
    return (start, end)


def let_holds_expire(app):
    """Make every hold expire, by setting its ``expires`` to an hour ago."""
    past = datetime.now(UTC) - timedelta(hours=1)
    statement = update(ContinuousResourceAllocation).where(ContinuousResourceAllocation.expires.is_not(None))
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(statement.values(expires=past))
