"""Utilisation agrees with a model that adds up the overlap of each allocation with each step."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, db
from invsys.testing.database import delete_all_rows
from tests.support.effort import hypothesis_settings

BASE = datetime(2099, 3, 1, tzinfo=UTC)
NOTHING, MICROSECOND, SECOND, MINUTE = (timedelta(microseconds=number) for number in (0, 1, 10**6, 60 * 10**6))

minutes = st.integers(-90, 210).map(lambda number: BASE + number * MINUTE)
instants = minutes | st.builds(
    lambda instant, shift: instant + shift * MICROSECOND, minutes, st.sampled_from([-1, 1, 250_000])
)
bounds = st.lists(instants, max_size=10, unique=True).map(sorted)
EXPIRES = {"confirmed": None, "held": datetime(2098, 1, 1, tzinfo=UTC), "expired": datetime(2000, 1, 1, tzinfo=UTC)}
details = st.tuples(st.sampled_from(["booking", "maintenance", "x y"]), st.sampled_from(list(EXPIRES)))
vehicles = st.fixed_dictionaries(
    {
        "resource_type": st.sampled_from(["Car", "Car", "Car", "Lorry"]),
        "life": st.tuples(instants, st.none() | instants).filter(lambda life: life[1] is None or life[0] < life[1]),
        "bounds": bounds,
        "open_start": st.booleans(),
        "open_end": st.booleans(),
        "details": st.lists(details, min_size=7, max_size=7),
    }
)
windows = st.tuples(instants, instants).filter(lambda window: window[0] < window[1])
steps = st.sampled_from([SECOND * 61, 7 * MINUTE, 30 * MINUTE, 60 * MINUTE, timedelta(days=2)])


def periods(vehicle):
    """Return periods that do not overlap, some of them adjacent; the first and the last one may be infinite."""
    cuts = [None] * vehicle["open_start"] + vehicle["bounds"] + [None] * vehicle["open_end"]
    return [pair for number, pair in enumerate(pairwise(cuts)) if number % 3 != 1]


def store(fleet):
    """Store the vehicles and their allocations; return the allocations of cars as (start, end, type, status)."""
    stored = []
    with db.engine.begin() as connection:
        for vehicle in fleet:
            created, decommissioned = vehicle["life"]
            values = {"resource_type": vehicle["resource_type"], "name": uuid4().hex, "created": created}
            row = insert(ContinuousResource).values(**values, decommissioned=decommissioned)
            key = connection.scalar(row.returning(ContinuousResource.key))
            for (start, end), (kind, status) in zip(periods(vehicle), vehicle["details"], strict=False):
                values = {"resource_key": key, "starts": start, "ends": end, "allocation_type": kind}
                connection.execute(insert(ContinuousResourceAllocation).values(**values, expires=EXPIRES[status]))
                if vehicle["resource_type"] == "Car":
                    stored.append((start, end, kind, status))
    return stored


def seconds(periods, start, end):
    """Return the total number of seconds in which the periods overlap ``[start, end)``."""
    overlaps = [min(until or end, end) - max(since or start, start) for since, until in periods]
    total = sum((overlap for overlap in overlaps if overlap > NOTHING), NOTHING)
    return total / SECOND if total % SECOND else total // SECOND


def expected_step(fleet, allocated, start, end):
    """Return the step that the response must contain."""
    lives = [vehicle["life"] for vehicle in fleet if vehicle["resource_type"] == "Car"]
    periods = defaultdict(list)
    for since, until, kind, status in allocated:
        periods[kind if status == "confirmed" else status].append((since, until))
    by_kind = {kind: seconds(of_kind, start, end) for kind, of_kind in periods.items()}
    return {
        "from_datetime": wire(start),
        "vehicles": sum(created <= start and (gone is None or gone > start) for created, gone in lives),
        "held": by_kind.get("held", 0),
        "allocated": {kind: number for kind, number in by_kind.items() if number and kind not in ("held", "expired")},
    }


def wire(instant):
    return instant.isoformat().replace("+00:00", "Z")


@hypothesis_settings(10, 50)
@given(fleet=st.lists(vehicles, max_size=5), window=windows, step=steps)
def test_utilisation_agrees_with_the_model(app, client, fleet, window, step):
    with app.app_context():
        delete_all_rows()
        allocated = store(fleet)
    start, end = window
    query = {"from": wire(start), "to": wire(end), "step": f"PT{step // SECOND}S"}
    response = client.get("/api/cars/utilisation", query_string=query)
    assert response.status_code == 200, response.text
    starts = [start + number * step for number in range(-((start - end) // step))]
    assert response.json["steps"] == [
        expected_step(fleet, allocated, since, until) for since, until in zip(starts, [*starts[1:], end], strict=True)
    ]
