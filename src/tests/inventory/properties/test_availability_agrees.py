"""Availability and POST agree with each other, and with a model that uses plain integers."""

from datetime import datetime
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, or_, select, update

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, db
from tests.support.effort import hypothesis_settings
from tests.support.hours_in_2099 import ALWAYS, hour_start, hours_of
from tests.support.model import divide_window, overlap

LAST = 4

hour = st.none() | st.integers(0, 12)
periods = st.tuples(hour, hour).filter(lambda period: None in period or period[0] < period[1])


def small_windows():
    bounds = [None, *range(LAST + 1)]
    pairs = ((start, end) for start in bounds for end in bounds)
    return [pair for pair in pairs if None in pair or pair[0] < pair[1]]


def register_car(register, allocate, requested):
    """Register a car and request the periods; return its URL, its name and the periods that were allocated."""
    name = uuid4().hex
    car = register(name, attributes={"example": name})
    allocated = [
        period for period in requested if allocate(car, hour_start(period[0]), hour_start(period[1])).status_code == 201
    ]
    return car, name, allocated


def free_and_busy(client, car, window):
    query = {"from": hour_start(window[0]), "to": hour_start(window[1])}
    response = client.get(f"{car}/availability", query_string=query).json
    return tuple([hours_of(period) for period in response[kind]] for kind in ("free", "busy"))


def is_listed(client, name, window):
    query = {"available_from": hour_start(window[0]), "available_to": hour_start(window[1]), "attribute.example": name}
    return [vehicle["name"] for vehicle in client.get("/api/cars", query_string=query).json] == [name]


def can_allocate(client, response):
    if response.status_code == 201:
        assert client.delete(response.headers["Location"]).status_code == 204
    return response.status_code == 201


def archive(app, car, hour, allocated):
    """Archive the allocations that start before an hour, as if they had ended; return the periods of the others."""
    # The command archives only what has ended, and the hours are in 2099.
    start = datetime.fromisoformat(hour_start(hour))
    with app.app_context(), db.engine.begin() as connection:
        key = connection.scalar(select(ContinuousResource.key).where(ContinuousResource.id == UUID(car[-36:])))
        row = ContinuousResourceAllocation
        connection.execute(delete(row).where(row.resource_key == key, or_(row.starts.is_(None), row.starts < start)))
        connection.execute(update(ContinuousResource).where(ContinuousResource.key == key).values(archived_until=start))
    return [period for period in allocated if period[0] is not None and period[0] >= hour]


@hypothesis_settings(3, 10)
@given(requested=st.lists(periods, max_size=6), window=periods)
def test_free_and_busy_periods_match_the_model(client, register, allocate, requested, window):
    car, _, allocated = register_car(register, allocate, requested)
    assert free_and_busy(client, car, window) == divide_window(allocated, window)


@hypothesis_settings(3, 10)
@given(
    requested=st.lists(
        st.sampled_from([period for period in small_windows() if period != ALWAYS]), min_size=1, max_size=4
    ),
    closed_from=st.none() | st.integers(0, LAST),
    archived_until=st.none() | st.integers(0, LAST),
)
def test_availability_filters_and_creates_all_agree(
    app, client, register, allocate, requested, closed_from, archived_until
):
    car, name, allocated = register_car(register, allocate, requested)
    if archived_until is not None:
        allocated = [(None, archived_until), *archive(app, car, archived_until, allocated)]
    if closed_from is not None:
        assert client.patch(car, json={"closed_from": hour_start(closed_from)}).status_code == 200
        allocated.append((closed_from, None))
    for window in small_windows():
        span = (hour_start(window[0]), hour_start(window[1]))
        free, busy = free_and_busy(client, car, window)
        results = [
            free == [window],
            busy == [],
            can_allocate(client, allocate(car, *span)),
            can_allocate(client, allocate("/api/cars/any", *span, attributes={"example": name})),
        ]
        # The filter of the list needs at least one bound, so it cannot express an infinite window.
        results += [] if window == ALWAYS else [is_listed(client, name, window)]
        expected = not any(overlap(window, period) for period in allocated)
        assert results == [expected] * len(results), (window, allocated)
