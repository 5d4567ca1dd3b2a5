"""When vehicles are free and when they are busy: merged, clipped to the window, and open where the window is."""

from xml.etree import ElementTree as ET

import pytest

from tests.support.instants import ALWAYS, at, hours_of, let_holds_expire

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
URL = "/api/cars/all/availability"


def ask(client, url, start=None, end=None):
    response = client.get(url, query_string={"from": at(start), "to": at(end)})
    assert response.status_code == 200, response.text
    return response.json


def free_and_busy(said):
    return [hours_of(period) for period in said["free"]], [hours_of(period) for period in said["busy"]]


@pytest.mark.parametrize(
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
def test_a_window_is_divided_into_free_and_busy(client, car, allocate, allocated, window, free, busy):
    for period in allocated:
        assert allocate(car, at(period[0]), at(period[1])).status_code == 201
    said = ask(client, f"{car}/availability", *window)
    assert free_and_busy(said) == (free, busy)
    assert ask(client, URL, *window) == [said]


def test_it_says_of_which_vehicle_and_window_it_speaks(client, car):
    said = ask(client, f"{car}/availability", 8, 16)
    assert set(said) == {"resource_id", "from_datetime", "to_datetime", "free", "busy"}
    assert (said["resource_id"], said["from_datetime"], said["to_datetime"]) == (car[-36:], at(8), at(16))
    unbounded = ask(client, f"{car}/availability")
    assert (unbounded["from_datetime"], unbounded["to_datetime"]) == (None, None)


def test_a_window_is_read_with_its_offset(client, car, booking):
    query = {"from": "2099-03-01T13:00:00+02:00", "to": "2099-03-01T08:00:00-05:00"}
    said = client.get(f"{car}/availability", query_string=query).json
    assert (said["from_datetime"], said["to_datetime"]) == (at(11), at(13))
    assert free_and_busy(said) == ([(12, 13)], [(11, 12)])


def micro(number):
    return f"2099-03-01T10:00:00.{number:06}Z"


def test_it_is_right_to_the_microsecond(client, car, allocate):
    for start, end in ((1, 3), (3, 4), (5, 6)):
        allocate(car, micro(start), micro(end))
    said = client.get(f"{car}/availability", query_string={"from": micro(2), "to": micro(9)}).json
    answered = {
        kind: [(period["from_datetime"], period["to_datetime"]) for period in said[kind]] for kind in ("free", "busy")
    }
    assert answered == {
        "free": [(micro(4), micro(5)), (micro(6), micro(9))],
        "busy": [(micro(2), micro(4)), (micro(5), micro(6))],
    }


def test_no_allocation_is_left_out_however_many_there_are(client, car, allocate):
    for minute in range(0, 240, 2):
        start, end = (f"2099-03-01T{each // 60:02}:{each % 60:02}:00Z" for each in (minute, minute + 1))
        allocate(car, start, end)
    for said in (ask(client, f"{car}/availability"), *ask(client, URL)):
        assert (len(said["busy"]), len(said["free"])) == (120, 121)


def test_a_hold_is_busy_until_it_expires(app, client, car, allocate):
    allocate(car, at(10), at(12), hold_seconds=60)
    assert free_and_busy(ask(client, f"{car}/availability", 8, 16)) == ([(8, 10), (12, 16)], [(10, 12)])
    let_holds_expire(app)
    for said in (ask(client, f"{car}/availability", 8, 16), *ask(client, URL, 8, 16)):
        assert free_and_busy(said) == ([(8, 16)], [])


def test_each_vehicle_of_the_type_has_its_own(client, car, booking, register, allocate):
    second, _gone, lorry = register("Car2"), client.delete(register("Car3")), register("Lorry1", "lorries")
    allocate(second, at(11), None)
    allocate(lorry, None, None)
    said = ask(client, URL, 9, 13)
    assert [each["resource_id"] for each in said] == [car[-36:], second[-36:]]
    assert said == [ask(client, f"{each}/availability", 9, 13) for each in (car, second)]
    assert [free_and_busy(each)[1] for each in said] == [[(10, 12)], [(11, 13)]]


def test_link_leads_through_every_vehicle_once_and_keeps_the_window(client, register, follow):
    made = [register(f"Car{number}")[-36:] for number in range(5)]
    pages = list(follow(f"{URL}?from=2099-03-01T10:00:00%2B00:00&limit=2"))
    assert [[each["resource_id"] for each in page] for page in pages] == [made[:2], made[2:4], made[4:]]
    assert {free for page in pages for each in page for free in free_and_busy(each)[0]} == {(10, None)}


def test_without_vehicles_there_is_nothing_to_say(client):
    assert ask(client, URL) == []


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


@pytest.mark.parametrize(("query", "field"), BAD)
def test_a_bad_parameter_is_named(client, car, refused, query, field):
    for url in (f"{car}/availability", URL):
        refused(client.get(f"{url}?{query}"), 422, "invalid_fields", field)


@pytest.mark.parametrize(("query", "field"), [("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=x", "cursor")])
def test_a_bad_page_is_named(client, car, refused, query, field):
    refused(client.get(f"{URL}?{query}"), 422, "invalid_fields", field)


def test_a_vehicle_that_is_not_there_has_none(client, car, register, refused):
    gone = register("Car2")
    client.delete(gone)
    for url in (f"/api/cars/{ANOTHER_ID}", car.replace("cars", "lorries"), gone):
        refused(client.get(f"{url}/availability"), 404, "resource_not_found")
    for url in ("/api/vans/all", "/api/cars/x"):
        refused(client.get(f"{url}/availability"), 404, "not_found")


def test_xml_says_the_same(client, car, booking, register):
    register("Car2")
    one, every = (
        ET.fromstring(client.get(url, headers={"Accept": "application/xml"}).data)
        for url in (f"{car}/availability", URL)
    )
    assert (one.tag, [child.tag for child in one]) == ("availability", list(ask(client, f"{car}/availability")))
    assert [period.findtext("to_datetime") for period in one.find("free")] == [at(10), ""]
    assert [period.findtext("from_datetime") for period in one.find("busy")] == [at(10)]
    assert [each.findtext("resource_id") for each in every] == [each["resource_id"] for each in ask(client, URL)]
