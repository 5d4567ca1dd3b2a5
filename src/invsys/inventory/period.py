"""``Period``: from an instant up to, not including, another; open ends are ``None``."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from marshmallow import ValidationError

# The instants that are accepted: the years 1900 to 9998.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open ``[start, end)``, both in UTC; ``None`` is infinitely early, or late.

    Raises ValueError where ``start`` is not before ``end``.
    """

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("a period has to start before it ends")

    def overlaps(self, other: "Period") -> bool:
        """Say whether the two share an instant; periods that only touch do not.

        ``predicates.overlaps`` is the same in SQL.
        """
        return _before(self.start, other.end) and _before(other.start, self.end)

    def is_within(self, window: "Period") -> bool:
        """Return whether every instant of the period is in ``window``."""
        starts_within = window.start is None or (self.start is not None and self.start >= window.start)
        ends_within = window.end is None or (self.end is not None and self.end <= window.end)
        return starts_within and ends_within

    def intersection(self, window: "Period") -> "Period":
        """Give the part that lies within ``window``, which the period overlaps."""
        start = self.start if _before(window.start, self.start) and self.start is not None else window.start
        end = self.end if _before(self.end, window.end) and self.end is not None else window.end
        return Period(start, end)


ALWAYS = Period()


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end


def free_and_busy(taken: Iterable[Period], window: Period) -> tuple[list[Period], list[Period]]:
    """Split ``window`` by periods that overlap it but not one another, in order; those that touch become one."""
    busy = [period.intersection(window) for period in _merged(taken)]
    return list(_between(busy, window)), busy


def _merged(periods: Iterable[Period]) -> Iterator[Period]:
    joined: Period | None = None
    for period in periods:
        if joined is not None and joined.end == period.start:
            joined = Period(joined.start, period.end)
            continue
        if joined is not None:
            yield joined
        joined = period
    if joined is not None:
        yield joined


def _between(busy: Iterable[Period], window: Period) -> Iterator[Period]:
    start, is_left = window.start, True
    for period in busy:
        if period.start != start:
            yield Period(start, period.start)
        start, is_left = period.end, period.end != window.end
    if is_left:
        yield Period(start, window.end)


def require_order(start: datetime | None, end: datetime | None, field: str = "to_datetime") -> None:
    """Raise marshmallow's ValidationError for a period that would not end after its start."""
    if start is not None and end is not None and start >= end:
        raise ValidationError({field: ["Must be after the start of the period."]})
