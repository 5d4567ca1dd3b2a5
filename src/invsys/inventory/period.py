"""``Period``: from an instant up to, not including, another; open ends are ``None``."""

from dataclasses import dataclass
from datetime import datetime


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

        ``models.overlaps`` is the same predicate in SQL.
        """
        return _before(self.start, other.end) and _before(other.start, self.end)


ALWAYS = Period()


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end
