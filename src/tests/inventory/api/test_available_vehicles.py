"""Lists of the vehicles that are free for a whole period, with ``available_from`` and ``available_to``."""

import pytest

from tests.support.hours_in_2099 import ALWAYS, hour_start, let_holds_expire
from tests.support.period_cases import CASES
from tests.support.tables import table_driven

# Allocated period, window, and whether the vehicle is free in the window. A window needs at least one bound.
BOTH_WAYS = [case[1:] for case in CASES] + [(other, one, overlap) for _, one, other, overlap in CASES]
WINDOWS = [(allocated, window, not overlap) for allocated, window, overlap in BOTH_WAYS if window != ALWAYS]


@pytest.fixture
def environ(environ, request):
    return environ | getattr(request, "param", {})


@pytest.fixture
def names(client):
    def names(start=None, end=None, collection="cars", **query):
        window = {"available_from": hour_start(start), "available_to": hour_start(end)}
        response = client.get(f"/api/{collection}", query_string=window | query)
        assert response.status_code == 200, response.text
        return [vehicle["name"] for vehicle in response.json]

    return names


@table_driven(("allocated", "window", "free"), WINDOWS)
def test_a_vehicle_is_listed_exactly_if_nothing_overlaps(client, car, allocate, names, allocated, window, free):
    created = allocate(car, hour_start(allocated[0]), hour_start(allocated[1]))
    listed = names(*window)
    assert client.delete(created.headers["Location"]).status_code == 204
    assert listed == (["Car1"] if free else [])


def test_without_a_window_all_vehicles_are_listed(car, allocate, names):
    allocate(car, None, None)
    assert names() == ["Car1"]


def test_a_vehicle_is_free_between_two_allocations(car, allocate, names):
    for start, end in ((None, 10), (12, 14), (16, None)):
        allocate(car, hour_start(start), hour_start(end))
    assert names(10, 12) == names(14, 16) == ["Car1"]
    assert names(10, 13) == names(9, 12) == names(10, None) == names(None, 12) == names(11, 15) == []


def test_an_overlap_of_one_microsecond_counts(client, car, allocate):
    allocate(car, "2099-03-01T10:00:00.000001Z", "2099-03-01T10:00:00.000002Z")
    listed = [
        len(client.get("/api/cars", query_string={"available_from": start, "available_to": end}).json)
        for start, end in (
            (hour_start(9), "2099-03-01T10:00:00.000001Z"),
            (hour_start(9), "2099-03-01T10:00:00.000002Z"),
            ("2099-03-01T10:00:00.000001Z", hour_start(11)),
            ("2099-03-01T10:00:00.000002Z", hour_start(11)),
        )
    ]
    assert listed == [1, 0, 0, 1]


def test_the_offset_of_a_window_is_respected(client, car, booking):
    for start, listed in (("2099-03-01T13:59:59+02:00", 0), ("2099-03-01T14:00:00+02:00", 1)):
        assert len(client.get("/api/cars", query_string={"available_from": start}).json) == listed


def test_each_collection_lists_its_own_free_vehicles(car, booking, register, names):
    register("Lorry1", "lorries")
    register("Car2")
    assert names(10, 12) == ["Car2"]
    assert names(10, 12, "lorries") == ["Lorry1"]
    assert names(10, 12, "trucks") == []


def test_a_vehicle_is_free_after_a_deletion_and_after_an_expiry(app, client, car, booking, allocate, names):
    client.delete(booking)
    assert names(10, 12) == ["Car1"]
    allocate(car, hour_start(10), hour_start(12), hold_seconds=60)
    assert names(10, 12) == []
    let_holds_expire(app)
    assert names(10, 12) == ["Car1"]


def test_a_decommissioned_vehicle_is_not_listed(client, car, names):
    client.delete(car)
    assert names(10, 12) == []


@pytest.fixture
def fleet(register, allocate):
    """Register nine cars: every third one is allocated from 10:00 to 12:00, every second one is in Leeds."""
    for number in range(9):
        car = register(f"Car{number}", attributes={"city": ("Leeds", "York")[number % 2], "number": number})
        if number % 3 == 0:
            allocate(car, hour_start(10), hour_start(12))


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_the_next_links_list_the_free_vehicles_and_keep_all_filters(fleet, follow_pages, limit):
    query = "available_from=2099-03-01T10:00:00%2B00:00&available_to=2099-03-01T12:00:00Z&attribute.city=Leeds"
    pages = list(follow_pages(f"/api/cars?{query}&limit={limit}"))
    assert [car["name"] for page in pages for car in page] == ["Car2", "Car4", "Car8"]
    assert all(len(page) == limit for page in pages[:-1])
    assert 0 < len(pages[-1]) <= limit


def test_all_filters_can_be_combined(fleet, names):
    assert names(10, 12) == ["Car1", "Car2", "Car4", "Car5", "Car7", "Car8"]
    assert names(10, 12, name="Car4") == ["Car4"]
    assert names(10, 12, name="Car3") == []
    assert names(10, 12, name="Car4", **{"attribute.city": "York"}) == []
    assert names(10, None, name="Car4", **{"attribute.city": "Leeds", "attribute.number": "4"}) == ["Car4"]


BAD = [
    ("available_from=x", "available_from"),
    ("available_to=2099-03-01", "available_to"),
    ("available_from=", "available_from"),
    ("available_to=infinity", "available_to"),
    ("available_from=2099-03-01T10:00:00.1234567Z", "available_from"),
    ("available_from=9999-01-01T00:00:00Z", "available_from"),
    ("available_from=2099-03-01T10:00:00Z&available_to=2099-03-01T10:00:00Z", "available_to"),
    ("available_from=2099-03-01T12:00:00Z&available_to=2099-03-01T10:00:00Z", "available_to"),
    ("available_from=2099-03-01T12:00:00Z&available_from=2099-03-01T10:00:00Z", "available_from"),
    ("Available_from=2099-03-01T12:00:00Z", "Available_from"),
]


@pytest.mark.one_engine
@table_driven(("query", "field"), BAD)
def test_an_invalid_window_is_named(client, car, refused, query, field):
    refused(client.get(f"/api/cars?{query}"), 422, "invalid_fields", field)


@pytest.mark.one_engine
@pytest.mark.parametrize("field", ["available_from", "available_to"])
def test_lists_of_allocations_refuse_an_availability_window(client, car, refused, field):
    for url in (f"{car}/allocations", "/api/cars/all/allocations"):
        refused(client.get(url, query_string={field: hour_start(10)}), 422, "invalid_fields", field)


@pytest.mark.one_engine
@pytest.mark.parametrize("environ", [{"INVSYS_API_NAIVE_DATETIMES": "refuse"}], indirect=True, ids=["naive refused"])
@pytest.mark.parametrize("field", ["available_from", "available_to"])
def test_an_instant_without_an_offset_is_refused_if_the_settings_say_so(client, refused, field):
    refused(client.get("/api/cars", query_string={field: "2099-03-01T10:00:00"}), 422, "invalid_fields", field)
