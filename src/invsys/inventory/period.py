"""Periods of time, half-open and possibly infinite."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from marshmallow import ValidationError

# The accepted instants: the years 1900 to 9998.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """The instants from ``start`` up to, but not including, ``end``; both in UTC, ``None`` is infinity.

    Raises ValueError unless ``start`` is before ``end``.
    """

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("a period has to start before it ends")

    def __str__(self) -> str:
        """Return the bounds, for messages to operators."""
        start = "-infinity" if self.start is None else self.start.isoformat()
        end = "infinity" if self.end is None else self.end.isoformat()
        return f"{start} to {end}".replace("+00:00", "Z")

    def overlaps(self, other: "Period") -> bool:
        """Return whether the periods share an instant; periods that only touch do not.

        ``predicates.overlaps`` is the equivalent in SQL.
        """
        return _before(self.start, other.end) and _before(other.start, self.end)

    def is_within(self, window: "Period") -> bool:
        """Return whether every instant of the period is in ``window``."""
        starts_within = window.start is None or (self.start is not None and self.start >= window.start)
        ends_within = window.end is None or (self.end is not None and self.end <= window.end)
        return starts_within and ends_within

    def adds_from(self, instant: datetime, old: "Period | None" = None) -> bool:
        """Return whether the period has time at or after ``instant`` that ``old`` (None: empty) does not have."""
        if self.end is not None and self.end <= instant:
            return False
        return old is None or not self.intersection(Period(instant)).is_within(old)

    def adds_before(self, instant: datetime, old: "Period | None" = None) -> bool:
        """Return whether the period has time before ``instant`` that ``old`` (None: empty) does not have."""
        if self.start is not None and self.start >= instant:
            return False
        return old is None or not self.intersection(Period(None, instant)).is_within(old)

    def intersection(self, window: "Period") -> "Period":
        """Return the part of the period that is in ``window``; the two must overlap."""
        start = self.start if _before(window.start, self.start) and self.start is not None else window.start
        end = self.end if _before(self.end, window.end) and self.end is not None else window.end
        return Period(start, end)


ALWAYS = Period()


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end


def with_closure(periods: Iterable[Period], closed_from: datetime | None, window: Period) -> list[Period]:
    """Return the busy periods of a vehicle together with the time from ``closed_from`` on (None: never closed).

    ``periods`` are the periods of its allocations that overlap ``window``, ordered by start. So is the result, which is
    valid input for ``free_and_busy``.
    """
    busy = list(periods)
    if closed_from is None or not _before(closed_from, window.end):
        return busy
    return [*(period for period in busy if _before(period.start, closed_from)), Period(closed_from)]


def free_and_busy(periods: Iterable[Period], window: Period) -> tuple[list[Period], list[Period]]:
    """Return the free and the busy periods of ``window``, each list in order.

    ``periods`` are the busy periods, ordered by start; each overlaps the window. Those that touch or overlap are merged
    in the result. The database rejects overlaps, but it can contain some from a time when its constraint was missing.
    """
    busy = [period.intersection(window) for period in _merged(periods)]
    return list(_between(busy, window)), busy


def _merged(periods: Iterable[Period]) -> Iterator[Period]:
    last: Period | None = None
    for period in periods:
        if last is not None and not _is_gap(last.end, period.start):
            last = Period(last.start, _latest_end(last.end, period.end))
            continue
        if last is not None:
            yield last
        last = period
    if last is not None:
        yield last


def _is_gap(end: datetime | None, start: datetime | None) -> bool:
    """Return whether time passes between the end of a period and the start of the next one."""
    return end is not None and start is not None and end < start


def _latest_end(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)


def _between(busy: Iterable[Period], window: Period) -> Iterator[Period]:
    start, reaches_end = window.start, False
    for period in busy:
        if period.start != start:
            yield Period(start, period.start)
        start, reaches_end = period.end, period.end == window.end
    if not reaches_end:
        yield Period(start, window.end)


def require_order(start: datetime | None, end: datetime | None, field: str = "to_datetime") -> None:
    """Raise marshmallow's ValidationError for ``field`` unless the period ends after its start."""
    if start is not None and end is not None and start >= end:
        raise ValidationError({field: ["Must be after the start of the period."]})
