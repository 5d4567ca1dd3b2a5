"""Days around the present, written as callers do: half a day ago day 6 began, in half a day begins day 7."""

from datetime import UTC, datetime, timedelta

from tests.support.model import TODAY

_FIRST = datetime.now(UTC).replace(microsecond=0) - timedelta(days=TODAY + 0.5)


def on(day):
    """Write a day's beginning; None stays None: infinity, or not said."""
    return None if day is None else (_FIRST + timedelta(days=day)).isoformat().replace("+00:00", "Z")


def side(name, day):
    """Give the field that says where a period begins (``from``) or ends (``to``)."""
    return {f"{name}_infinity": True} if day is None else {f"{name}_datetime": on(day)}


def wire(period):
    """Give the fields of a period."""
    return side("from", period[0]) | side("to", period[1])


def days(answered):
    """Read a period of an answer back: (start, end) in days, None for infinity."""
    sides = (answered["from_datetime"], answered["to_datetime"])
    assert [answered["from_infinity"], answered["to_infinity"]] == [each is None for each in sides]
    return tuple(each and (datetime.fromisoformat(each) - _FIRST) // timedelta(days=1) for each in sides)


def query(period, names=("from", "to")):
    """Give the parameters that ask for a window."""
    return {name: on(day) for name, day in zip(names, period, strict=True) if day is not None}
