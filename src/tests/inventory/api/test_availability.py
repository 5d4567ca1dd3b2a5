"""Free and busy periods of vehicles: adjacent allocations are merged, and periods are cut to the window."""

from xml.etree import ElementTree as ET

import pytest

from tests.support.hours_in_2099 import ALWAYS, hour_start, hours_of, let_holds_expire
from tests.support.tables import table_driven

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
URL = "/api/cars/all/availability"


def get_availability(client, url, start=None, end=None):
    response = client.get(url, query_string={"from": hour_start(start), "to": hour_start(end)})
    assert response.status_code == 200, response.text
    return response.json


def free_and_busy(availability):
    return [hours_of(period) for period in availability["free"]], [hours_of(period) for period in availability["busy"]]


@table_driven(
    ("allocated", "window", "free", "busy"),
    [
        ([], ALWAYS, [ALWAYS], []),
        ([], (8, 16), [(8, 16)], []),
        ([ALWAYS], ALWAYS, [], [ALWAYS]),
        ([ALWAYS], (8, 16), [], [(8, 16)]),
        ([(10, 12)], ALWAYS, [(None, 10), (12, None)], [(10, 12)]),
        ([(10, 12)], (8, 14), [(8, 10), (12, 14)], [(10, 12)]),
        ([(10, 12)], (11, 14), [(12, 14)], [(11, 12)]),
        ([(10, 12)], (8, 11), [(8, 10)], [(10, 11)]),
        ([(8, 16)], (10, 12), [], [(10, 12)]),
        ([(10, 12)], (10, 12), [], [(10, 12)]),
        ([(10, 12)], (8, 10), [(8, 10)], []),
        ([(10, 12)], (12, 14), [(12, 14)], []),
        ([(10, 12)], (11, None), [(12, None)], [(11, 12)]),
        ([(10, 12)], (None, 11), [(None, 10)], [(10, 11)]),
        ([(10, 12)], (12, None), [(12, None)], []),
        ([(10, 12)], (None, 10), [(None, 10)], []),
        ([(10, 12), (12, 14)], (8, 16), [(8, 10), (14, 16)], [(10, 14)]),
        ([(12, 14), (10, 12), (14, 15)], ALWAYS, [(None, 10), (15, None)], [(10, 15)]),
        ([(10, 12), (13, 14)], (8, 16), [(8, 10), (12, 13), (14, 16)], [(10, 12), (13, 14)]),
        ([(10, 12), (12, 13), (14, 15), (15, 16)], (11, 15), [(13, 14)], [(11, 13), (14, 15)]),
        ([(None, 8), (8, None)], ALWAYS, [], [ALWAYS]),
        ([(None, 8), (8, None)], (7, 9), [], [(7, 9)]),
        ([(None, 8), (8, 10)], (9, 20), [(10, 20)], [(9, 10)]),
        ([(None, 8), (16, None)], ALWAYS, [(8, 16)], [(None, 8), (16, None)]),
        ([(None, 8), (16, None)], (8, 16), [(8, 16)], []),
        ([(8, None)], (None, 10), [(None, 8)], [(8, 10)]),
        ([(8, None)], (10, None), [], [(10, None)]),
        ([(8, None)], (4, None), [(4, 8)], [(8, None)]),
        ([(None, 8)], (None, 6), [], [(None, 6)]),
        ([(None, 8)], (6, None), [(8, None)], [(6, 8)]),
        ([(None, 8)], (None, 10), [(8, 10)], [(None, 8)]),
    ],
)
def test_a_window_is_divided_into_free_and_busy_periods(client, car, allocate, allocated, window, free, busy):
    created = [allocate(car, hour_start(start), hour_start(end)) for start, end in allocated]
    availability = get_availability(client, f"{car}/availability", *window)
    availabilities = get_availability(client, URL, *window)
    for response in created:
        assert client.delete(response.headers["Location"]).status_code == 204
    assert free_and_busy(availability) == (free, busy)
    assert availabilities == [availability]


def test_the_response_names_the_vehicle_and_the_window(client, car):
    availability = get_availability(client, f"{car}/availability", 8, 16)
    assert set(availability) == {"resource_id", "from_datetime", "to_datetime", "free", "busy"}
    assert (availability["resource_id"], availability["from_datetime"], availability["to_datetime"]) == (
        car[-36:],
        hour_start(8),
        hour_start(16),
    )
    unbounded = get_availability(client, f"{car}/availability")
    assert (unbounded["from_datetime"], unbounded["to_datetime"]) == (None, None)


def test_the_offset_of_a_window_is_respected(client, car, booking):
    query = {"from": "2099-03-01T13:00:00+02:00", "to": "2099-03-01T08:00:00-05:00"}
    availability = client.get(f"{car}/availability", query_string=query).json
    assert (availability["from_datetime"], availability["to_datetime"]) == (hour_start(11), hour_start(13))
    assert free_and_busy(availability) == ([(12, 13)], [(11, 12)])


def micro(number):
    return f"2099-03-01T10:00:00.{number:06}Z"


def test_availability_is_exact_to_the_microsecond(client, car, allocate):
    for start, end in ((1, 3), (3, 4), (5, 6)):
        allocate(car, micro(start), micro(end))
    availability = client.get(f"{car}/availability", query_string={"from": micro(2), "to": micro(9)}).json
    periods = {
        kind: [(period["from_datetime"], period["to_datetime"]) for period in availability[kind]]
        for kind in ("free", "busy")
    }
    assert periods == {
        "free": [(micro(4), micro(5)), (micro(6), micro(9))],
        "busy": [(micro(2), micro(4)), (micro(5), micro(6))],
    }


def test_all_of_many_allocations_are_considered(client, car, allocate):
    for minute in range(0, 240, 2):
        start, end = (f"2099-03-01T{time // 60:02}:{time % 60:02}:00Z" for time in (minute, minute + 1))
        allocate(car, start, end)
    for availability in (get_availability(client, f"{car}/availability"), *get_availability(client, URL)):
        assert (len(availability["busy"]), len(availability["free"])) == (120, 121)


def test_a_hold_is_busy_until_it_expires(app, client, car, allocate):
    allocate(car, hour_start(10), hour_start(12), hold_seconds=60)
    assert free_and_busy(get_availability(client, f"{car}/availability", 8, 16)) == ([(8, 10), (12, 16)], [(10, 12)])
    let_holds_expire(app)
    for availability in (get_availability(client, f"{car}/availability", 8, 16), *get_availability(client, URL, 8, 16)):
        assert free_and_busy(availability) == ([(8, 16)], [])


def test_the_list_contains_every_vehicle_of_the_type_in_circulation(client, car, booking, register, allocate):
    second, lorry = register("Car2"), register("Lorry1", "lorries")
    client.delete(register("Car3"))
    allocate(second, hour_start(11), None)
    allocate(lorry, None, None)
    availability = get_availability(client, URL, 9, 13)
    assert [row["resource_id"] for row in availability] == [car[-36:], second[-36:]]
    assert availability == [get_availability(client, f"{vehicle}/availability", 9, 13) for vehicle in (car, second)]
    assert [free_and_busy(row)[1] for row in availability] == [[(10, 12)], [(11, 13)]]


@pytest.mark.through_gateway
def test_the_next_links_list_every_vehicle_once_and_keep_the_window(client, register, follow_pages):
    ids = [register(f"Car{number}")[-36:] for number in range(5)]
    pages = list(follow_pages(f"{URL}?from=2099-03-01T10:00:00%2B00:00&limit=2"))
    assert [[row["resource_id"] for row in page] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    assert {free for page in pages for row in page for free in free_and_busy(row)[0]} == {(10, None)}


def test_without_vehicles_the_list_is_empty(client):
    assert get_availability(client, URL) == []


BAD = [
    ("from=x", "from"),
    ("to=2099-03-01", "to"),
    ("from=", "from"),
    ("from=2099-03-01T10:00:00.1234567Z", "from"),
    ("from=2099-03-01T10:00:00Z&to=2099-03-01T10:00:00Z", "to"),
    ("from=2099-03-01T12:00:00Z&to=2099-03-01T10:00:00Z", "to"),
    ("from=2099-03-01T10:00:00Z&from=2099-03-01T10:00:00Z", "from"),
    ("available_from=2099-03-01T10:00:00Z", "available_from"),
    ("status=held", "status"),
    ("colour=red", "colour"),
]


@pytest.mark.one_engine
@table_driven(("query", "field"), BAD)
def test_an_invalid_parameter_is_named(client, car, refused, query, field):
    for url in (f"{car}/availability", URL):
        refused(client.get(f"{url}?{query}"), 422, "invalid_fields", field)


@pytest.mark.one_engine
@table_driven(("query", "field"), [("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=x", "cursor")])
def test_an_invalid_paging_parameter_is_named(client, car, refused, query, field):
    refused(client.get(f"{URL}?{query}"), 422, "invalid_fields", field)


def test_an_unknown_vehicle_has_no_availability(client, car, register, refused):
    decommissioned = register("Car2")
    client.delete(decommissioned)
    for url in (f"/api/cars/{ANOTHER_ID}", car.replace("cars", "lorries"), decommissioned):
        refused(client.get(f"{url}/availability"), 404, "resource_not_found")
    for url in ("/api/vans/all", "/api/cars/x"):
        refused(client.get(f"{url}/availability"), 404, "not_found")


@pytest.mark.one_engine
def test_xml_contains_the_same_data(client, car, booking, register):
    register("Car2")
    one, every = (
        ET.fromstring(client.get(url, headers={"Accept": "application/xml"}).data)
        for url in (f"{car}/availability", URL)
    )
    assert (one.tag, [child.tag for child in one]) == (
        "availability",
        list(get_availability(client, f"{car}/availability")),
    )
    assert [period.findtext("to_datetime") for period in one.find("free")] == [hour_start(10), ""]
    assert [period.findtext("from_datetime") for period in one.find("busy")] == [hour_start(10)]
    assert [element.findtext("resource_id") for element in every] == [
        row["resource_id"] for row in get_availability(client, URL)
    ]
