"""A model of the service in plain integers: periods in days, holds in hours of a simulated clock.

It sends no requests. Its ids are those that the service has assigned.
"""

from dataclasses import dataclass, field, replace

LOW, HIGH = -1, 99
# The present lies between this day and the next.
TODAY = 6

Period = tuple[int | None, int | None]


def numbers(period):
    """Return a period's bounds as comparable integers; None becomes LOW or HIGH."""
    return (LOW if period[0] is None else period[0]), (HIGH if period[1] is None else period[1])


def period_of(start, end):
    """Return the period with these integer bounds; LOW and HIGH become None."""
    return (None if start == LOW else start), (None if end == HIGH else end)


def days(period):
    """Return the days of a period."""
    return range(*numbers(period))


def is_empty(period):
    start, end = numbers(period)
    return start >= end


def overlap(one, other):
    (start, end), (other_start, other_end) = numbers(one), numbers(other)
    return start < other_end and other_start < end


def divide_window(allocated, window):
    """Return the free and the busy periods of a window, computed separately for each day."""
    start, end = numbers(window)
    is_busy = {cell: any(overlap((cell, cell + 1), period) for period in allocated) for cell in range(start, end)}
    edges = [cell for cell in range(start + 1, end) if is_busy[cell] != is_busy[cell - 1]]
    parts = list(zip([start, *edges], [*edges, end], strict=True))
    return tuple([period_of(*part) for part in parts if is_busy[part[0]] is busy] for busy in (False, True))


@dataclass(frozen=True)
class Vehicle:
    """A vehicle in circulation."""

    name: str
    attributes: dict[str, object]
    closed_from: int | None = None

    def has(self, attributes):
        return attributes.items() <= self.attributes.items()


@dataclass(frozen=True)
class Allocation:
    """An allocation; ``expires`` is an hour, or None if it is confirmed."""

    vehicle: str
    period: Period
    description: str | None = None
    expires: int | None = None

    @property
    def status(self):
        return "confirmed" if self.expires is None else "held"


@dataclass
class Fleet:
    """Vehicles in circulation and all allocations that were not deleted, including expired ones, by id."""

    vehicles: dict[str, Vehicle] = field(default_factory=dict)
    allocations: dict[str, Allocation] = field(default_factory=dict)
    now: int = 0

    def is_expired(self, allocation):
        return allocation.expires is not None and allocation.expires <= self.now

    def active(self):
        """Return the active allocations of vehicles in circulation."""
        return {
            key: allocation
            for key, allocation in self.allocations.items()
            if allocation.vehicle in self.vehicles and not self.is_expired(allocation)
        }

    def end_holds(self, vehicle):
        """Remove the active holds of a vehicle; return their ids."""
        ended = [
            key
            for key, allocation in self.active().items()
            if (allocation.vehicle, allocation.status) == (vehicle, "held")
        ]
        for key in ended:
            del self.allocations[key]
        return ended

    def busy_periods(self, vehicle):
        """Return the periods of a vehicle's active allocations, and the one in which it is closed."""
        closed_from = self.vehicles[vehicle].closed_from
        closed = [] if closed_from is None else [(closed_from, None)]
        return closed + [allocation.period for allocation in self.active().values() if allocation.vehicle == vehicle]

    def is_closed(self, vehicle, period, covered=()):
        """Return whether the vehicle is closed on a day of the period that is not in ``covered``."""
        closed_from = self.vehicles[vehicle].closed_from
        return closed_from is not None and any(day >= closed_from for day in set(days(period)) - set(covered))

    def is_newly_closed(self, allocation, new):
        """Return whether the change to ``new`` adds days on which the vehicle is closed."""
        one = self.allocations[allocation]
        return self.is_closed(new.vehicle, new.period, days(one.period) if new.vehicle == one.vehicle else ())

    def conflicts(self, vehicle, period, except_id=None):
        """Return the ids of a vehicle's allocations that overlap the period, ordered by start."""
        conflicts = {
            key: allocation
            for key, allocation in self.active().items()
            if allocation.vehicle == vehicle and key != except_id and overlap(allocation.period, period)
        }
        return sorted(conflicts, key=lambda key: numbers(conflicts[key].period))

    def current_and_future(self, vehicle):
        """Return the ids of a vehicle's allocations that end after the present, ordered by start."""
        return self.conflicts(vehicle, (TODAY, None))

    def free(self, window, attributes=None):
        """Return the ids of the vehicles with these attributes that are free during the whole window."""
        return [
            key
            for key, vehicle in self.vehicles.items()
            if vehicle.has(attributes or {}) and not self.conflicts(key, window) and not self.is_closed(key, window)
        ]

    def has_name(self, name, except_id=None):
        return any(vehicle.name == name for key, vehicle in self.vehicles.items() if key != except_id)

    def until(self, hold):
        """Return the hour at which a hold of ``hold`` hours expires; None stays None."""
        return None if hold is None else self.now + hold

    def changed(self, allocation, start=..., end=..., hold=None, confirm=False, **rest):
        """Return the allocation after these changes; ``...`` leaves a bound unchanged."""
        bounds = zip((start, end), allocation.period, strict=True)
        period = tuple(before if bound is ... else bound for bound, before in bounds)
        expires = None if confirm else allocation.expires if hold is None else self.until(hold)
        return replace(allocation, period=period, expires=expires, **rest)

    def is_invalid(self, allocation, changes):
        """Return whether the changes do not fit the allocation, regardless of other allocations."""
        one = self.allocations[allocation]
        new = self.changed(one, **changes)
        return (changes.get("hold") and one.expires is None) or new.vehicle not in self.vehicles or is_empty(new.period)

    def refusal_of(self, allocation, changes):
        """Return the error code and the conflicting ids if these changes must be refused, else None."""
        if self.is_invalid(allocation, changes):
            return "invalid_fields", None
        new = self.changed(self.allocations[allocation], **changes)
        if self.is_newly_closed(allocation, new):
            return "resource_closed", None
        if conflicts := self.conflicts(new.vehicle, new.period, except_id=allocation):
            return "period_taken", conflicts
        return None
