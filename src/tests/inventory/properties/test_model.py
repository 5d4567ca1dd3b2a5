"""Random sequences of requests: the service agrees with a model that uses plain integers."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from tests.support.effort import hypothesis_settings

START = datetime(2026, 1, 1, tzinfo=UTC)

hours = st.integers(0, 12)
bounds = st.tuples(st.none() | hours, st.none() | hours)
vehicles = st.integers(0, 1)
allocate = st.tuples(st.just("allocate"), vehicles, bounds)
deallocate = st.tuples(st.just("deallocate"), vehicles, st.integers(0, 5))
steps = st.lists(st.one_of(allocate, allocate, deallocate), max_size=14)


def overlaps(one, other):
    low, high = -1, 99
    return (low if one[0] is None else one[0]) < (high if other[1] is None else other[1]) and (
        low if other[0] is None else other[0]
    ) < (high if one[1] is None else one[1])


def body(period):
    start, end = (None if hour is None else (START + timedelta(hours=hour)).isoformat() for hour in period)
    return {"from_datetime": start, "from_infinity": start is None, "to_datetime": end, "to_infinity": end is None}


def hours_of(allocation):
    ends = (allocation["from_datetime"], allocation["to_datetime"])
    return tuple(None if end is None else (datetime.fromisoformat(end) - START) // timedelta(hours=1) for end in ends)


def is_empty(period):
    return None not in period and period[0] >= period[1]


class Vehicle:
    """A vehicle of the service, with the allocated periods and their URLs according to the model."""

    def __init__(self, client):
        self.client = client
        self.path = client.post("/api/cars", json={"name": uuid4().hex}).headers["Location"] + "/allocations"
        self.periods = {}

    def allocate(self, period):
        response = self.client.post(self.path, json=body(period))
        if is_empty(period):
            assert response.status_code == 422
        elif conflicts := [other for other in self.periods if overlaps(other, period)]:
            assert response.status_code == 409
            assert [hours_of(conflict) for conflict in response.json["conflicts"]] == sorted(conflicts, key=by_start)[
                :10
            ]
        else:
            assert response.status_code == 201
            self.periods[period] = response.headers["Location"]

    def deallocate(self, number):
        if number < len(self.periods):
            period = sorted(self.periods, key=by_start)[number]
            assert self.client.delete(self.periods.pop(period)).status_code == 204

    def check(self):
        assert [hours_of(row) for row in self.client.get(self.path).json] == sorted(self.periods, key=by_start)


def by_start(period):
    return -1 if period[0] is None else period[0]


@hypothesis_settings(15, 60)
@given(steps=steps)
def test_the_service_agrees_with_the_model(client, steps):
    fleet = [Vehicle(client), Vehicle(client)]
    for verb, number, argument in steps:
        getattr(fleet[number], verb)(argument)
        fleet[number].check()


@hypothesis_settings(15, 60)
@given(periods=st.lists(bounds, max_size=8), window=bounds.filter(lambda window: not is_empty(window)))
def test_a_window_lists_exactly_the_overlapping_allocations(client, periods, window):
    vehicle = Vehicle(client)
    for period in periods:
        vehicle.allocate(period)
    query = {
        name: None if hour is None else (START + timedelta(hours=hour)).isoformat()
        for name, hour in zip(("from", "to"), window, strict=True)
    }
    rows = client.get(vehicle.path, query_string={name: value for name, value in query.items() if value}).json
    expected = [period for period in sorted(vehicle.periods, key=by_start) if overlaps(period, window)]
    assert [hours_of(row) for row in rows] == expected
