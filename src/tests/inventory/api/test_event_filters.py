"""Filters of the change feed: a reader gets each matching event exactly once, and skips the others."""

import json
import re
import uuid

import pytest
from sqlalchemy import insert, select, text

from invsys.inventory.db import session
from invsys.inventory.db.models import Event, db
from invsys.inventory.queries.events import MAX_SCANNED
from tests.support.change_feed import FeedReader
from tests.support.hours_in_2099 import hour_start, let_holds_expire

FEED = "/api/events"
NEXT = re.compile(r'<([^>]+)>; rel="next"')


@pytest.fixture
def changes(client, register, allocate):
    """Create and change a car, a lorry and an allocation of each; return their ids by name."""
    car, lorry = register("Car1"), register("Lorry1", "lorries")
    first = allocate(car, hour_start(1), hour_start(2), hold_seconds=600).headers["Location"]
    second = allocate(lorry, hour_start(1), hour_start(2)).headers["Location"]
    client.patch(car, json={"name": "Car2"})
    client.patch(first, json={"status": "confirmed"})
    client.delete(second)
    client.patch(first, json={"to_datetime": hour_start(3)})
    client.delete(lorry)
    return {name: url[-36:] for name, url in (("car", car), ("lorry", lorry), ("first", first), ("second", second))}


def matches(event, filters):
    return all(event[name] in values for name, values in filters.items())


@pytest.mark.parametrize("limit", [1, 2, 1000])
@pytest.mark.parametrize(
    "filters",
    [
        {"kind": ["resource_changed"]},
        {"kind": ["allocated", "confirmed", "allocated"]},
        {"kind": ["expired"]},
        {"resource_type": ["Lorry"]},
        {"resource_type": ["Car", "Lorry", "Truck"]},
        {"resource_id": ["{car}"]},
        {"resource_id": ["{car}", "{lorry}"], "kind": ["resource_registered", "deallocated"]},
        {"allocation_id": ["{first}"]},
        {"allocation_id": ["{first}", "{second}", "00000000-0000-4000-8000-000000000000"]},
        {"allocation_id": ["{second}"], "resource_type": ["Car"]},
        {"allocation_id": ["{first}"], "resource_id": ["{car}"], "resource_type": ["Car"], "kind": ["confirmed"]},
    ],
    ids=json.dumps,
)
def test_each_matching_event_is_read_exactly_once(client, changes, filters, limit):
    filters = {name: [value.format(**changes) for value in values] for name, values in filters.items()}
    expected = [event for event in FeedReader(client).new_events() if matches(event, filters)]
    reader = FeedReader(client, limit, **filters)
    assert reader.new_events() == expected
    assert reader.new_events() == []
    # The reader has skipped all other events: even without filters, no event follows its cursor.
    assert client.get(FEED, query_string={"after": reader.cursor}).json["events"] == []


def test_a_cursor_can_be_used_with_other_filters(client, changes):
    events = FeedReader(client).new_events()
    page = client.get(f"{FEED}?limit=1&kind=resource_changed").json
    assert page["events"] == [event for event in events if event["kind"] == "resource_changed"]
    rest = events[events.index(page["events"][0]) + 1 :]
    for filters in ({}, {"resource_type": ["Car"]}, {"allocation_id": [changes["first"]]}):
        following = client.get(FEED, query_string={"after": page["next"], **filters}).json["events"]
        assert following == [event for event in rest if matches(event, filters)]


def test_a_reader_from_now_gets_later_matching_events(client, changes, register):
    now = client.get(f"{FEED}?after=now&kind=resource_registered").json
    assert now == client.get(f"{FEED}?after=now").json
    assert now["events"] == []
    client.patch(f"/api/cars/{changes['car']}", json={"name": "Car3"})
    later = register("Car4")[-36:]
    page = client.get(FEED, query_string={"after": now["next"], "kind": "resource_registered"}).json
    assert [event["resource_id"] for event in page["events"]] == [later]


def test_a_filtered_reader_gets_the_event_of_an_expired_hold(app, client, car, allocate):
    hold = allocate(car, hour_start(1), hour_start(2), hold_seconds=60).json["id"]
    reader = FeedReader(client, kind="expired")
    assert reader.new_events() == []
    let_holds_expire(app)
    assert [event["allocation_id"] for event in reader.new_events()] == [hold]


@pytest.fixture
def many_events(engine, app, client, register):
    """Store two events of cars, and more events of trucks between them than a page may read; return the cars' ids."""
    first = register("Car1")[-36:]
    with app.app_context(), db.engine.begin() as connection:
        # A busy machine may need longer for so many rows.
        session.disable_timeouts(connection)
        (event,) = connection.execute(select(Event.__table__)).mappings()
        truck = {**event, "resource_type": "Truck", "resource_id": uuid.uuid4()}
        keys = range(event["key"] + 1, event["key"] + 1 + 2 * MAX_SCANNED)
        connection.execute(insert(Event), [{**truck, "key": key, "id": uuid.uuid4()} for key in keys])
        if engine == "postgresql":
            connection.execute(text("SELECT setval('events_key_seq', :last)"), {"last": keys[-1]})
    return [first, register("Car2")[-36:]]


def follow_links(client, url):
    """Return the responses of all pages."""
    responses = [client.get(url)]
    while link := NEXT.fullmatch(responses[-1].headers.get("Link", "")):
        assert f"after={responses[-1].json['next']}" in link[1]
        responses.append(client.get(link[1]))
    return responses


def test_a_page_reads_a_limited_number_of_events_and_makes_progress(client, many_events):
    responses = follow_links(client, f"{FEED}?resource_type=Car&limit=2")
    pages = [[event["resource_id"] for event in response.json["events"]] for response in responses]
    assert pages == [many_events[:1], [], many_events[1:]]
    assert client.get(FEED, query_string={"after": responses[-1].json["next"]}).json["events"] == []


@pytest.mark.through_gateway
def test_the_link_leads_to_the_next_page(client, changes):
    responses = follow_links(client, f"{FEED}?limit=2&kind=allocated&kind=deallocated&kind=confirmed")
    kinds = [event["kind"] for response in responses for event in response.json["events"]]
    assert kinds == ["allocated", "allocated", "confirmed", "deallocated"]


UUID = "00000000-0000-4000-8000-00000000000a"
BAD_FILTERS = [
    *(("kind", value) for value in ("", "Allocated", "allocated,expired", "booked", "\0", "x" * 5000)),
    *(("resource_type", value) for value in ("", "car", "cars", "Van", "Car,Lorry", "\0", "'")),
    *(
        (name, value)
        for name in ("resource_id", "allocation_id")
        for value in ("", "1", "all", UUID.upper(), UUID.replace("-", ""), f"{{{UUID}}}", f"{UUID},{UUID}", "\0")
    ),
]
VALID = {"kind": "expired", "resource_type": "Car", "resource_id": UUID, "allocation_id": UUID}


@pytest.mark.one_engine
@pytest.mark.parametrize(("name", "value"), BAD_FILTERS)
def test_an_invalid_filter_is_named(client, refused, name, value):
    for values in ([value], [VALID[name], value, value]):
        for after in (None, "now"):
            query = {"after": after, name: values}
            body = refused(client.get(FEED, query_string=query), 422, "invalid_fields", name)
            assert len(body["errors"][name]) == 1


@pytest.mark.one_engine
@pytest.mark.through_gateway
@pytest.mark.parametrize("name", VALID)
def test_a_filter_has_at_most_100_values(client, refused, name):
    assert client.get(FEED, query_string={name: [VALID[name]] * 100}).status_code == 200
    refused(client.get(FEED, query_string={name: [VALID[name]] * 101}), 422, "invalid_fields", name)


@pytest.mark.one_engine
def test_all_invalid_filters_are_named(client, refused):
    query = {"kind": "x", "resource_type": ["Car", "x"], "resource_id": "x", "allocation_id": "x", "limit": 0}
    refused(client.get(FEED, query_string=query), 422, "invalid_fields", *query)
