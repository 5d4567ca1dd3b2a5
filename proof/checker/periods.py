"""Periods of a history as sets of bits, so that one operation decides whether two of them overlap.

All bounds in the history are sorted. Between two neighbouring bounds nothing begins or ends; each such slot is one bit.
"""

import math
from bisect import bisect_left
from datetime import datetime
from typing import Any


class Period:
    """A half-open period; ``mask`` has a bit for each slot that it covers."""

    __slots__ = ("end", "mask", "start")

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end, self.mask = start, end, 0

    def __repr__(self) -> str:
        return f"[{_text(self.start)}, {_text(self.end)})"


def _text(instant: float) -> str:
    return str(instant) if math.isinf(instant) else datetime.fromtimestamp(instant).isoformat()  # noqa: DTZ006


class Periods:
    """All periods of a history, each only once. ``number`` must be called before the masks are used."""

    def __init__(self) -> None:
        self._instants: dict[str, float] = {}
        self._periods: dict[tuple[float, float], Period] = {}

    def of(self, fields: dict[str, Any]) -> Period:
        """Return the period of an allocation, a conflict or a request, in wire format."""
        return self.between(fields.get("from_datetime"), fields.get("to_datetime"))

    def between(self, start: str | None, end: str | None) -> Period:
        """Return the period between two instants in wire format; None is infinity."""
        bounds = self._instant(start, -math.inf), self._instant(end, math.inf)
        period = self._periods.get(bounds)
        if period is None:
            period = self._periods[bounds] = Period(*bounds)
        return period

    def _instant(self, text: str | None, infinity: float) -> float:
        if text is None:
            return infinity
        instant = self._instants.get(text)
        if instant is None:
            instant = self._instants[text] = datetime.fromisoformat(text).timestamp()
        return instant

    def number(self) -> None:
        """Set the masks of all periods."""
        bounds = sorted({bound for pair in self._periods for bound in pair})
        for period in self._periods.values():
            first, last = bisect_left(bounds, period.start), bisect_left(bounds, period.end)
            period.mask = ((1 << (last - first)) - 1) << first
