"""The demonstration fleet: vehicles with names, attributes and two weeks of allocations, drawn from a seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from invsys.inventory.period import Period

# Before and after the current day.
_DAYS = 7

_QUARTER = timedelta(minutes=15)
# Most bookings start between these hours, in UTC.
_FIRST_HOUR, _LAST_HOUR = 6, 19

_BASES = ("Leeds", "York", "Hull", "Sheffield")
_LETTERS = "ABCDEFGHJKLMNOPRSTUVWXYZ"
_NOTES = (
    "Airport pick-up, terminal 2",
    "Two drivers, one of them under 25",
    "Paid by invoice",
    "Child seat in the boot",
    "Return to another depot",
    "Customer calls before collection",
)
_REPAIRS = ("Gearbox", "Brakes and tyres", "Annual inspection", "Windscreen", "Waits for a spare part")
# Seconds; the longest hold that the API accepts is a day.
_HOLDS = (15 * 60, 30 * 60, 60 * 60, 6 * 60 * 60, 24 * 60 * 60)


@dataclass(frozen=True)
class DemoAllocation:
    """An allocation to create; with ``hold_seconds``, it is a hold."""

    period: Period
    allocation_type: str = "booking"
    description: str | None = None
    reference: str | None = None
    hold_seconds: int | None = None


@dataclass(frozen=True)
class DemoVehicle:
    """A vehicle to register, under the first of the infinitely many ``names`` that is not taken.

    After its allocations, it is closed from ``closed_from`` on.
    """

    names: Iterator[str]
    attributes: dict[str, Any]
    allocations: Sequence[DemoAllocation]
    closed_from: datetime | None


@dataclass(frozen=True)
class _Profile:
    """What the vehicles of a collection have in common; the ranges are in hours."""

    count: int
    models: Sequence[str]
    attributes: dict[str, Sequence[Any]]
    booked: tuple[int, int]
    idle: tuple[int, int]


_PROFILES = {
    "cars": _Profile(
        40,
        ("Golf", "Corsa", "Octavia", "Leaf", "Zoe", "Transit"),
        {"base": _BASES, "seats": (5,), "fuel": ("petrol", "diesel"), "automatic": (True, False)},
        booked=(2, 11),
        idle=(1, 16),
    ),
    "lorries": _Profile(
        20,
        ("Atego", "Eurocargo", "Canter", "TGL"),
        {"base": _BASES, "payload_t": (3.5, 5, 7.5), "tail_lift": (True, True, False)},
        booked=(5, 30),
        idle=(2, 20),
    ),
    "trucks": _Profile(
        12,
        ("Actros", "S-Way", "TGX", "R 450"),
        {"base": _BASES, "payload_t": (18, 24, 26), "axles": (2, 3, 4), "refrigerated": (True, False, False)},
        booked=(12, 70),
        idle=(3, 30),
    ),
}
# The attributes of these models are always the same.
_OF_MODEL: dict[str, dict[str, Any]] = {
    "Leaf": {"fuel": "electric", "automatic": True},
    "Zoe": {"fuel": "electric", "automatic": True},
    "Transit": {"seats": 9, "fuel": "diesel"},
    "Canter": {"payload_t": 3.5},
}
# The profile of the collections that an operator has added.
_OTHER = _Profile(12, ("Vehicle",), {"base": _BASES}, booked=(3, 24), idle=(2, 20))


def vehicles(collection: str, seed: int, now: datetime) -> Iterator[DemoVehicle]:
    """Yield the vehicles of a collection; the same seed gives the same fleet, with periods relative to ``now``."""
    profile = _PROFILES.get(collection, _OTHER)
    for number in range(profile.count):
        # A generator for each vehicle, so that changing the data of one does not change the others.
        draw = random.Random(f"{seed} {collection} {number}")  # noqa: S311 - not for cryptography
        model = draw.choice(profile.models)
        names = _names(random.Random(f"{seed} {collection} {number} name"), model)  # noqa: S311 - the same
        attributes = {key: draw.choice(values) for key, values in profile.attributes.items()} | _OF_MODEL.get(model, {})
        fixed = _special_allocations(number, draw, now)
        # Of every twelve vehicles, one has no allocations.
        bookings = [] if number % 12 == 5 else list(_bookings(profile, draw, now, fixed))
        # A vehicle in maintenance without an end is also closed; the page at / does the same.
        is_closed = any((item.allocation_type, item.period.end) == ("maintenance", None) for item in fixed)
        closed_from = fixed[0].period.start if is_closed else None
        yield DemoVehicle(names, attributes, [*fixed, *_with_a_hold(number, draw, now, bookings)], closed_from)


def _names(draw: random.Random, model: str) -> Iterator[str]:
    while True:
        area, year, serial = _letters(draw, 2), draw.randint(17, 26), _letters(draw, 3)
        yield f"{model} {area}{year} {serial}"


def _letters(draw: random.Random, count: int) -> str:
    return "".join(draw.choices(_LETTERS, k=count))


def _special_allocations(number: int, draw: random.Random, now: datetime) -> list[DemoAllocation]:
    """Return at most one allocation with a special property, such as an open end; half of the vehicles have one."""
    repair = DemoAllocation(Period(), "maintenance", draw.choice(_REPAIRS))
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    special = {
        1: replace(repair, period=Period(_at(now, -1, 9), None)),
        2: DemoAllocation(Period(None, _at(now, 2, 9)), description="Lent to the head office"),
        3: DemoAllocation(Period(_at(now, -4), None), description="Long-term rental", reference="contract-88"),
        4: replace(repair, period=Period(_at(now, 1, 7), _at(now, 2, 16))),
        6: replace(repair, period=Period(_at(now, -3, 8), _at(now, -3, 17))),
        7: DemoAllocation(
            Period(quarter, quarter + timedelta(hours=4)),
            description="Customer at the counter",
            hold_seconds=_HOLDS[0],
        ),
    }
    return [special[number % 12]] if number % 12 in special else []


def _bookings(
    profile: _Profile, draw: random.Random, now: datetime, fixed: Sequence[DemoAllocation]
) -> Iterator[DemoAllocation]:
    """Yield bookings over the two weeks, some followed by a cleaning; none overlaps the ``fixed`` allocations."""
    start, last = _at(now, -_DAYS), _at(now, _DAYS)
    while True:
        start = _in_working_hours(start + _hours(draw, profile.idle), draw)
        if start >= last:
            return
        end = start + _hours(draw, profile.booked)
        booking = _booking(draw, Period(start, end))
        cleaning = DemoAllocation(Period(end, end + 2 * _QUARTER), "cleaning")
        for allocation in (booking, cleaning) if draw.random() < 0.2 else (booking,):
            if not any(allocation.period.overlaps(other.period) for other in fixed):
                yield allocation
            start = allocation.period.end or start


def _booking(draw: random.Random, period: Period) -> DemoAllocation:
    note, number = draw.choice(_NOTES), draw.randint(10_000, 99_999)
    return DemoAllocation(
        period,
        description=note if draw.random() < 0.3 else None,
        reference=f"order-{number}" if draw.random() < 0.7 else None,
    )


def _with_a_hold(
    number: int, draw: random.Random, now: datetime, bookings: Sequence[DemoAllocation]
) -> Iterator[DemoAllocation]:
    """Yield the bookings; for every fourth vehicle, turn the first future booking into a hold."""
    hold_seconds = draw.choice(_HOLDS) if number % 4 == 0 else None
    for booking in bookings:
        is_future = booking.period.start is not None and booking.period.start > now
        if hold_seconds and is_future and booking.allocation_type == "booking":
            yield replace(booking, description="Waits for the payment", hold_seconds=hold_seconds)
            hold_seconds = None
        else:
            yield booking


def _hours(draw: random.Random, between: tuple[int, int]) -> timedelta:
    """Return a random duration in whole quarters of an hour."""
    return draw.randint(between[0] * 4, between[1] * 4) * _QUARTER


def _at(now: datetime, day: int, hour: int = 0) -> datetime:
    """Return a full hour of a day; day 0 is the day of ``now``."""
    return now.replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=day)


def _in_working_hours(start: datetime, draw: random.Random) -> datetime:
    """Return ``start``, moved to the next morning if it is at night."""
    if _FIRST_HOUR <= start.hour < _LAST_HOUR:
        return start
    morning = start.replace(hour=_FIRST_HOUR, minute=0) + draw.randint(0, 12) * _QUARTER
    return morning if morning > start else morning + timedelta(days=1)
