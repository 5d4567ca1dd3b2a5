"""Pages of the change feed: ``after``, ``limit`` and ``next``, and what they may not be."""

from xml.etree import ElementTree as ET

import pytest

from tests.support.change_feed import FeedReader
from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.instants import at, period_fields

FEED = "/api/events"


@pytest.fixture
def seven(register):
    """The ids of seven cars, in the order in which they were registered."""
    return [register(f"Car{number}")[-36:] for number in range(7)]


def resources(events):
    return [one["resource_id"] for one in events]


def ask(client, **query):
    response = client.get(FEED, query_string=query)
    assert response.status_code == 200, response.text
    assert set(response.json) == {"events", "next"}
    assert isinstance(response.json["next"], str)
    return response.json


def test_an_empty_feed_has_a_next_that_finds_what_comes_later(client, register):
    empty_page = ask(client)
    assert empty_page["events"] == []
    assert ask(client, after=empty_page["next"])["events"] == []
    car = register("Car1")
    assert resources(ask(client, after=empty_page["next"])["events"]) == [car[-36:]]
    assert resources(ask(client)["events"]) == [car[-36:]]


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (2, [2, 2, 2, 1]), (3, [3, 3, 1]), (7, [7]), (1000, [7])])
def test_next_leads_through_every_event_exactly_once(client, seven, limit, sizes):
    reader = FeedReader(client, limit)
    pages = [reader.next_page() for _ in sizes]
    assert [len(page) for page in pages] == sizes
    assert resources(one for page in pages for one in page) == seven
    assert reader.next_page() == reader.next_page() == []


def test_the_end_of_the_feed_can_be_asked_again_and_again(client, seven, register):
    reader = FeedReader(client)
    assert resources(reader.next_page()) == seven
    for number in range(3):
        assert reader.next_page() == []
        car = register(f"New{number}")
        assert resources(reader.next_page()) == [car[-36:]]


def test_the_same_page_can_be_read_again(client, seven, register):
    after = ask(client, limit=3)["next"]
    first = ask(client, after=after, limit=3)
    register("New")
    assert ask(client, after=after, limit=3) == first
    assert resources(ask(client, after=after)["events"])[:4] == seven[3:]


def test_a_page_has_100_unless_told_otherwise(client, register):
    cars = [register(f"Car{number}")[-36:] for number in range(101)]
    first = ask(client)
    assert resources(first["events"]) == cars[:100]
    assert resources(ask(client, after=first["next"])["events"]) == cars[100:]


def test_vehicles_and_allocations_of_all_types_come_in_one_order(client, register, allocate):
    car, lorry = register("Car1"), register("Lorry1", "lorries")
    allocate(lorry, at(10), at(12))
    allocate(car, at(8), at(9))
    client.delete(register("Truck1", "trucks"))
    told = [(one["kind"], one["resource_type"]) for one in FeedReader(client, limit=2).new_events()]
    assert told == [
        ("resource_registered", "Car"),
        ("resource_registered", "Lorry"),
        ("allocated", "Lorry"),
        ("allocated", "Car"),
        ("resource_registered", "Truck"),
        ("resource_decommissioned", "Truck"),
    ]


BAD_AFTER = ["", " ", "x", "!", "é", "\0", "-1", "1.5", "null", "9" * 30, "a" * 5000, "' OR 1=1 --", "W10", "e30"]
BAD_LIMIT = ["0", "-1", "1001", "x", "", "1.5", "1e2", "9" * 30, "9" * 5000, "0x10", "1_0", "\uff11", "null", "1,2"]


@pytest.mark.parametrize("after", BAD_AFTER)
def test_a_cursor_that_we_did_not_give_is_refused(client, seven, refused, after):
    refused(client.get(FEED, query_string={"after": after}), 422, "invalid_fields", "after")


@pytest.mark.parametrize("limit", BAD_LIMIT)
def test_any_other_limit_is_refused(client, refused, limit):
    refused(client.get(FEED, query_string={"limit": limit}), 422, "invalid_fields", "limit")


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=1&limit=1", "limit"), ("cursor=x", "cursor"), ("kind=allocated", "kind"), ("After=x", "After")],
)
def test_any_other_parameter_is_named(client, refused, query, field):
    refused(client.get(f"{FEED}?{query}"), 422, "invalid_fields", field)


def test_a_damaged_cursor_is_no_failure_of_ours(client, seven, refused):
    given = ask(client, limit=3)["next"]
    damaged = [given[:place] + letter + given[place + 1 :] for place in range(len(given)) for letter in "A9_z"]
    for after in [*damaged, given[:-1], given + "A", given + given]:
        response = client.get(FEED, query_string={"after": after})
        if response.status_code == 410:
            refused(response, 410, "cursor_expired")
        elif response.status_code != 200:
            refused(response, 422, "invalid_fields", "after")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_feed_is_only_read(client, refused, method):
    refused(client.open(FEED, method=method), 405, "method_not_allowed")


def test_xml_says_the_same(client, register, allocate):
    allocate(register("<Kä&fer>"), at(10), at(12), dump={"a b": "<&>", "1": [1, {"x": None}]}, description="\x01")
    response = client.get(FEED, headers={"Accept": "application/xml"})
    found, told = ET.fromstring(response.data), ask(client)
    assert (response.status_code, response.mimetype) == (200, "application/xml")
    assert found.findtext("next") == told["next"]
    for field in ("id", "at", "kind", "resource_type", "resource_id"):
        assert [one.findtext(field) for one in found.find("events")] == [one[field] for one in told["events"]]
    assert [one.findtext("data/id") for one in found.find("events")] == [one["data"]["id"] for one in told["events"]]


def test_what_is_written_at_once_is_told_once_in_one_order(app, client, register):
    cars = [register(f"Car{number}") for number in range(6)]
    reader, told = FeedReader(client, limit=2), []
    for hour in range(5):
        orders = [
            {"method": "POST", "path": f"{car}/allocations", "json": period_fields(hour, hour + 1)} for car in cars
        ]
        reading = [{"method": "GET", "path": FEED}] * 2
        assert count_outcomes(send_concurrently(app, orders + reading)) == {201: 6, 200: 2}
        told += reader.next_page()
    told += reader.new_events()
    assert told == FeedReader(client).new_events()
    made = [one["id"] for one in client.get("/api/cars/all/allocations").json]
    assert sorted(one["allocation_id"] for one in told if one["allocation_id"]) == sorted(made)
