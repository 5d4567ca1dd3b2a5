"""Instants of one day of 2099 by their hours, and hours that pass for the holds of a database."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from invsys.inventory.db.models import ContinuousResourceAllocation, db

ALWAYS = (None, None)


def at(hour):
    """Write an hour of 1 March 2099 as callers do; None stays None: infinity, or not said."""
    return None if hour is None else f"2099-03-01T{hour:02}:00:00Z"


def wire(start, end):
    """Give the four fields of a period, as every answer has them."""
    return {
        "from_datetime": at(start),
        "to_datetime": at(end),
        "from_infinity": start is None,
        "to_infinity": end is None,
    }


FOUR = tuple(wire(None, None))


def hours(answered):
    """Read a period of an answer back: (start, end) in hours, None for infinity."""
    start, end = (value and int(value[11:13]) for value in (answered["from_datetime"], answered["to_datetime"]))
    assert {field: answered[field] for field in FOUR} == wire(start, end)
    return (start, end)


def hours_pass(app):
    """Let every hold that there is expire, as far as the database's clock can tell."""
    past = datetime.now(UTC) - timedelta(hours=1)
    held = update(ContinuousResourceAllocation).where(ContinuousResourceAllocation.expires.is_not(None))
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(held.values(expires=past))
