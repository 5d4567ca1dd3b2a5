"""What the service has to do, in plain integers: periods in days, holds in hours of a clock that is moved by hand.

Pure: it asks nobody. Ids are whatever the service gave.
"""

from dataclasses import dataclass, field, replace

LOW, HIGH = -1, 99
# The present lies between this day and the next.
TODAY = 6

Period = tuple[int | None, int | None]


def numbers(period):
    """Give a period's sides so that they compare; None is infinite."""
    return (LOW if period[0] is None else period[0]), (HIGH if period[1] is None else period[1])


def period_of(start, end):
    """Give the period of two such sides."""
    return (None if start == LOW else start), (None if end == HIGH else end)


def is_empty(period):
    start, end = numbers(period)
    return start >= end


def overlap(one, other):
    (start, end), (other_start, other_end) = numbers(one), numbers(other)
    return start < other_end and other_start < end


def divided(taken, window):
    """Give the free and the busy periods of a window, worked out one by one."""
    start, end = numbers(window)
    is_busy = {cell: any(overlap((cell, cell + 1), period) for period in taken) for cell in range(start, end)}
    edges = [cell for cell in range(start + 1, end) if is_busy[cell] != is_busy[cell - 1]]
    parts = list(zip([start, *edges], [*edges, end], strict=True))
    return tuple([period_of(*part) for part in parts if is_busy[part[0]] is busy] for busy in (False, True))


@dataclass(frozen=True)
class Vehicle:
    """A vehicle in circulation."""

    name: str
    attributes: dict[str, object]

    def has(self, attributes):
        return attributes.items() <= self.attributes.items()


@dataclass(frozen=True)
class Allocation:
    """An allocation, held until the hour ``expires``, or for good."""

    vehicle: str
    period: Period
    description: str | None = None
    expires: int | None = None

    @property
    def status(self):
        return "confirmed" if self.expires is None else "held"


@dataclass
class Fleet:
    """Vehicles in circulation and every allocation that was not given back, expired ones too, by their ids."""

    vehicles: dict[str, Vehicle] = field(default_factory=dict)
    allocations: dict[str, Allocation] = field(default_factory=dict)
    now: int = 0

    def is_expired(self, one):
        return one.expires is not None and one.expires <= self.now

    def live(self):
        """Give the allocations that count, of vehicles that are in circulation."""
        return {
            each: one
            for each, one in self.allocations.items()
            if one.vehicle in self.vehicles and not self.is_expired(one)
        }

    def end_holds(self, vehicle):
        """Remove the holds of a vehicle that have not expired; return their ids."""
        ended = [each for each, one in self.live().items() if (one.vehicle, one.status) == (vehicle, "held")]
        for each in ended:
            del self.allocations[each]
        return ended

    def of(self, vehicle):
        """Give the periods that a vehicle is allocated for."""
        return [one.period for one in self.live().values() if one.vehicle == vehicle]

    def in_the_way(self, vehicle, period, but=None):
        """Give the ids of a vehicle's allocations that overlap the period, by start."""
        found = {
            each: one
            for each, one in self.live().items()
            if one.vehicle == vehicle and each != but and overlap(one.period, period)
        }
        return sorted(found, key=lambda each: numbers(found[each].period))

    def not_ended(self, vehicle):
        """Give the ids of a vehicle's allocations that end after the present, by start."""
        return self.in_the_way(vehicle, (TODAY, None))

    def free(self, window, attributes=None):
        """Give the ids of the vehicles that are free for all of the window, and have these attributes."""
        return [
            each
            for each, vehicle in self.vehicles.items()
            if vehicle.has(attributes or {}) and not self.in_the_way(each, window)
        ]

    def is_named(self, name, but=None):
        return any(vehicle.name == name for each, vehicle in self.vehicles.items() if each != but)

    def until(self, hold):
        """Give the hour until which a hold of so many hours is held; None stays None."""
        return None if hold is None else self.now + hold

    def changed(self, one, start=..., end=..., hold=None, confirm=False, **rest):
        """Give the allocation as these changes would leave it; ``...`` is no change of a side."""
        sides = zip((start, end), one.period, strict=True)
        period = tuple(before if side is ... else side for side, before in sides)
        expires = None if confirm else one.expires if hold is None else self.until(hold)
        return replace(one, period=period, expires=expires, **rest)

    def refusal_of(self, allocation, changes):
        """Give why an allocation cannot be changed so, and the ids of what is in the way; None where it can."""
        one = self.allocations[allocation]
        new = self.changed(one, **changes)
        if (changes.get("hold") and one.expires is None) or new.vehicle not in self.vehicles or is_empty(new.period):
            return "invalid_fields", None
        if conflicts := self.in_the_way(new.vehicle, new.period, but=allocation):
            return "period_taken", conflicts
        return None
