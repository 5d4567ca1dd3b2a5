"""Pages of the change feed: ``after``, ``limit`` and ``next``, and invalid values of the parameters."""

from xml.etree import ElementTree as ET

import pytest

from tests.support.change_feed import FeedReader
from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.hours_in_2099 import hour_start, period_fields
from tests.support.tables import table_driven

FEED = "/api/events"


@pytest.fixture
def seven_cars(register):
    """The ids of seven cars, in the order in which they were registered."""
    return [register(f"Car{number}")[-36:] for number in range(7)]


def resources(events):
    return [event["resource_id"] for event in events]


def get_page(client, **query):
    response = client.get(FEED, query_string=query)
    assert response.status_code == 200, response.text
    assert set(response.json) == {"events", "next"}
    assert isinstance(response.json["next"], str)
    return response.json


def test_the_next_of_an_empty_feed_leads_to_later_events(client, register):
    empty_page = get_page(client)
    assert empty_page["events"] == []
    assert get_page(client, after=empty_page["next"])["events"] == []
    car = register("Car1")
    assert resources(get_page(client, after=empty_page["next"])["events"]) == [car[-36:]]
    assert resources(get_page(client)["events"]) == [car[-36:]]


@pytest.mark.through_gateway
@table_driven(("limit", "sizes"), [(1, [1] * 7), (2, [2, 2, 2, 1]), (3, [3, 3, 1]), (7, [7]), (1000, [7])])
def test_following_next_returns_every_event_exactly_once(client, seven_cars, limit, sizes):
    reader = FeedReader(client, limit)
    pages = [reader.next_page() for _ in sizes]
    assert [len(page) for page in pages] == sizes
    assert resources(event for page in pages for event in page) == seven_cars
    assert reader.next_page() == reader.next_page() == []


def test_the_end_of_the_feed_can_be_polled_repeatedly(client, seven_cars, register):
    reader = FeedReader(client)
    assert resources(reader.next_page()) == seven_cars
    for number in range(3):
        assert reader.next_page() == []
        car = register(f"New{number}")
        assert resources(reader.next_page()) == [car[-36:]]


def test_the_same_page_can_be_read_again(client, seven_cars, register):
    after = get_page(client, limit=3)["next"]
    first = get_page(client, after=after, limit=3)
    register("New")
    assert get_page(client, after=after, limit=3) == first
    assert resources(get_page(client, after=after)["events"])[:4] == seven_cars[3:]


def test_a_page_has_100_events_by_default(client, register):
    cars = [register(f"Car{number}")[-36:] for number in range(101)]
    first = get_page(client)
    assert resources(first["events"]) == cars[:100]
    assert resources(get_page(client, after=first["next"])["events"]) == cars[100:]


def test_events_of_all_types_are_in_one_order(client, register, allocate):
    car, lorry = register("Car1"), register("Lorry1", "lorries")
    allocate(lorry, hour_start(10), hour_start(12))
    allocate(car, hour_start(8), hour_start(9))
    client.delete(register("Truck1", "trucks"))
    pairs = [(event["kind"], event["resource_type"]) for event in FeedReader(client, limit=2).new_events()]
    assert pairs == [
        ("resource_registered", "Car"),
        ("resource_registered", "Lorry"),
        ("allocated", "Lorry"),
        ("allocated", "Car"),
        ("resource_registered", "Truck"),
        ("resource_decommissioned", "Truck"),
    ]


BAD_AFTER = ["", " ", "x", "!", "é", "\0", "-1", "1.5", "null", "9" * 30, "a" * 5000, "' OR 1=1 --", "W10", "e30"]
BAD_LIMIT = ["0", "-1", "1001", "x", "", "1.5", "1e2", "9" * 30, "9" * 5000, "0x10", "1_0", "\uff11", "null", "1,2"]


@pytest.mark.one_engine
@table_driven("after", BAD_AFTER)
def test_a_cursor_that_the_service_did_not_issue_is_refused(client, seven_cars, refused, after):
    refused(client.get(FEED, query_string={"after": after}), 422, "invalid_fields", "after")


@pytest.mark.one_engine
@table_driven("limit", BAD_LIMIT)
def test_any_other_limit_is_refused(client, refused, limit):
    refused(client.get(FEED, query_string={"limit": limit}), 422, "invalid_fields", "limit")


@pytest.mark.one_engine
@table_driven(
    ("query", "field"),
    [("limit=1&limit=1", "limit"), ("cursor=x", "cursor"), ("kinds=allocated", "kinds"), ("After=x", "After")],
)
def test_any_other_parameter_is_named(client, refused, query, field):
    refused(client.get(f"{FEED}?{query}"), 422, "invalid_fields", field)


@pytest.mark.one_engine
def test_a_damaged_cursor_causes_no_server_error(client, seven_cars, refused):
    cursor = get_page(client, limit=3)["next"]
    damaged = [cursor[:place] + letter + cursor[place + 1 :] for place in range(len(cursor)) for letter in "A9_z"]
    for after in [*damaged, cursor[:-1], cursor + "A", cursor + cursor]:
        response = client.get(FEED, query_string={"after": after})
        if response.status_code == 410:
            refused(response, 410, "cursor_expired")
        elif response.status_code != 200:
            refused(response, 422, "invalid_fields", "after")


@pytest.mark.one_engine
@table_driven("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_feed_refuses_other_methods(client, refused, method):
    refused(client.open(FEED, method=method), 405, "method_not_allowed")


@pytest.mark.one_engine
def test_xml_contains_the_same_data(client, register, allocate):
    allocate(
        register("<Kä&fer>"),
        hour_start(10),
        hour_start(12),
        dump={"a b": "<&>", "1": [1, {"x": None}]},
        description="\x01",
    )
    response = client.get(FEED, headers={"Accept": "application/xml"})
    root, page = ET.fromstring(response.data), get_page(client)
    assert (response.status_code, response.mimetype) == (200, "application/xml")
    assert root.findtext("next") == page["next"]
    for field in ("id", "at", "kind", "resource_type", "resource_id"):
        assert [element.findtext(field) for element in root.find("events")] == [
            event[field] for event in page["events"]
        ]
    ids = [event["data"]["id"] for event in page["events"]]
    assert [element.findtext("data/id") for element in root.find("events")] == ids


def test_concurrent_changes_appear_once_and_in_one_order(app, client, register):
    cars = [register(f"Car{number}") for number in range(6)]
    reader, events = FeedReader(client, limit=2), []
    for hour in range(5):
        requests = [
            {"method": "POST", "path": f"{car}/allocations", "json": period_fields(hour, hour + 1)} for car in cars
        ]
        reading = [{"method": "GET", "path": FEED}] * 2
        assert count_outcomes(send_concurrently(app, requests + reading)) == {201: 6, 200: 2}
        events += reader.next_page()
    events += reader.new_events()
    assert events == FeedReader(client).new_events()
    ids = [row["id"] for row in client.get("/api/cars/all/allocations").json]
    assert sorted(event["allocation_id"] for event in events if event["allocation_id"]) == sorted(ids)
