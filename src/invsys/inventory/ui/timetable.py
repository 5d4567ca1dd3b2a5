"""What the list shows about each vehicle: its state at the start of the window, and its allocations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from invsys.inventory.db.models import Row

# The smallest width of a bar, in percent, so that a short allocation is visible.
_MIN_WIDTH = 0.3

# The fields of other owners' allocations, for a client that sees only its own.
_ANONYMOUS = {"client_id": None, "allocation_type": "taken", "description": None, "expires": None}
# The allocation types with a colour of their own; also "closed", from which the vehicle takes no new allocations.
_COLOURED = frozenset({"booking", "maintenance", "taken", "closed"})


@dataclass(frozen=True)
class Window:
    """The days that the list shows; ``begins_now`` means that they begin at the current time, not at midnight."""

    start: datetime
    days: int
    begins_now: bool

    @property
    def end(self) -> datetime:
        """The end of the last day."""
        return self.start + timedelta(days=self.days)

    @property
    def starts_of_days(self) -> list[datetime]:
        """The start of each day."""
        return [self.start + timedelta(days=day) for day in range(self.days)]

    def percent(self, instant: datetime) -> float:
        """Return the position of an instant in the window, from 0 to 100."""
        return round(min(max((instant - self.start) / timedelta(days=self.days) * 100, 0.0), 100.0), 2)


def visible_to(owner: str | None, allocations: Sequence[Row]) -> Sequence[Row]:
    """Return the allocations that the client may see; the input is sorted by vehicle and start.

    Allocations of other owners become anonymous and are merged where they touch, as in availability. Without them, the
    vehicle would look free.
    """
    if owner is None:
        return allocations
    visible: list[Row] = []
    for allocation in allocations:
        if allocation["client_id"] == owner:
            visible.append(allocation)
            continue
        span = {name: allocation[name] for name in ("resource_key", "starts", "ends")}
        if visible and _touches(visible[-1], allocation):
            span["starts"] = visible.pop()["starts"]
        visible.append({**span, **_ANONYMOUS})
    return visible


def _touches(previous: Row, allocation: Row) -> bool:
    return (previous["client_id"], previous["resource_key"], previous["ends"]) == (
        None,
        allocation["resource_key"],
        allocation["starts"],
    )


def vehicle_row(vehicle: Row, allocations: Iterable[Row], window: Window) -> dict[str, Any]:
    """Return what the list shows about a vehicle; ``allocations`` are those of all vehicles, sorted by start."""
    of_vehicle = [allocation for allocation in allocations if allocation["resource_key"] == vehicle["key"]]
    start, closed_from = window.start, vehicle["closed_from"]
    current = next((row for row in of_vehicle[:1] if row["starts"] is None or row["starts"] <= start), None)
    closures = [_closure(closed_from)] if closed_from is not None and closed_from < window.end else []
    is_closed = bool(closures) and closed_from <= start
    starts = [row["starts"] for row in (*closures, *of_vehicle[:1])]
    return {
        "name": vehicle["name"],
        "current": current,
        "closed_since": closed_from if is_closed else None,
        "free_until": None if current or is_closed else min(starts, default=None),
        # Allocations are drawn over the closure.
        "bars": [_bar(row, window) for row in (*closures, *of_vehicle)],
        "periods": of_vehicle,
    }


def _closure(closed_from: datetime) -> Row:
    """Return the time from ``closed_from`` on as a row like that of an allocation."""
    return {**_ANONYMOUS, "allocation_type": "closed", "starts": closed_from, "ends": None}


def _bar(allocation: Row, window: Window) -> dict[str, Any]:
    """Return the position and the width of an allocation on the time line, in percent, and its style."""
    start = min(_percent(allocation["starts"], window, 0.0), 100.0 - _MIN_WIDTH)
    kind = allocation["allocation_type"]
    return {
        "left": start,
        "width": max(round(_percent(allocation["ends"], window, 100.0) - start, 2), _MIN_WIDTH),
        "style": f"{kind if kind in _COLOURED else 'other'}{' held' if allocation['expires'] else ''}",
        "allocation": allocation,
    }


def _percent(instant: datetime | None, window: Window, infinite: float) -> float:
    return infinite if instant is None else window.percent(instant)
