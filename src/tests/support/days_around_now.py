"""Days around the present, in wire format: day 6 began half a day ago, day 7 begins in half a day."""

from datetime import UTC, datetime, timedelta

from tests.support.model import TODAY

_FIRST = datetime.now(UTC).replace(microsecond=0) - timedelta(days=TODAY + 0.5)


def day_start(day):
    """Return the start of a day in wire format; None (infinite or omitted) stays None."""
    return None if day is None else (_FIRST + timedelta(days=day)).isoformat().replace("+00:00", "Z")


def bound_fields(name, day):
    """Return the JSON member for a bound of a period; ``name`` is ``from`` or ``to``."""
    return {f"{name}_infinity": True} if day is None else {f"{name}_datetime": day_start(day)}


def period_fields(period):
    """Return the JSON members for a period, a pair of days."""
    return bound_fields("from", period[0]) | bound_fields("to", period[1])


def days_of(row):
    """Return the period of an object in a response as (start, end) in days; None means infinite."""
    instants = (row["from_datetime"], row["to_datetime"])
    assert [row["from_infinity"], row["to_infinity"]] == [instant is None for instant in instants]
    return tuple(instant and (datetime.fromisoformat(instant) - _FIRST) // timedelta(days=1) for instant in instants)


def query(period, names=("from", "to")):
    """Return the query parameters for a window; an infinite bound has no parameter."""
    return {name: day_start(day) for name, day in zip(names, period, strict=True) if day is not None}
