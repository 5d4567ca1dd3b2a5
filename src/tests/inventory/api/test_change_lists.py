"""Change lists: one request makes several changes, or none if one of them is refused.

Only the result of all changes must be free of conflicts, so that two allocations can swap their vehicles.
"""

from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import select

from invsys.inventory.db.models import ContinuousResourceAllocation, db
from tests.support.change_feed import FeedReader
from tests.support.change_lists import CHANGES, entry, places
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

pytestmark = pytest.mark.usefixtures("feed_checker")


@pytest.fixture
def cars(register):
    """The URLs of three cars."""
    return [register(f"Car{number}") for number in range(3)]


@pytest.fixture
def book(allocate):
    """Return a function that allocates a car between two hours of a fixed day."""

    def book(car, start, end, **fields):
        response = allocate(car, hour_start(start), hour_start(end), **fields)
        assert response.status_code == 201, response.text
        return response.json

    return book


@pytest.fixture
def change(client):
    """Return a function that sends a change list."""
    return lambda *entries, **headers: client.post(CHANGES, json={"changes": list(entries)}, headers=headers)


@pytest.fixture
def stored_rows(admin_app):
    """Return a function that returns all columns of all allocations, by key."""

    def stored_rows():
        table = ContinuousResourceAllocation.__table__
        with admin_app.app_context(), db.engine.connect() as connection:
            return {row["key"]: dict(row) for row in connection.execute(select(table)).mappings()}

    return stored_rows


@pytest.mark.through_gateway
def test_two_bookings_swap_their_vehicles(client, cars, book, change):
    one, other = book(cars[0], 10, 12), book(cars[1], 11, 13)
    response = change(entry(one, cars[1]), entry(other, cars[0]))
    assert places(response, cars) == [(1, 10, 12), (0, 11, 13)]
    assert [row["version"] for row in response.json] == [2, 2]
    for row in response.json:
        assert client.get(f"/api/cars/all/allocations/{row['id']}").json == row


@pytest.mark.parametrize("is_reversed", [False, True])
def test_two_bookings_of_one_vehicle_swap_their_periods(cars, book, change, is_reversed):
    one, other = book(cars[0], 8, 10), book(cars[0], 10, 14)
    entries = [entry(one, **period_fields(10, 14)), entry(other, **period_fields(8, 10))]
    response = change(*(reversed(entries) if is_reversed else entries))
    assert sorted(places(response, cars)) == [(0, 8, 10), (0, 10, 14)]
    assert {row["id"]: row["from_datetime"] for row in response.json} == {
        one["id"]: hour_start(10),
        other["id"]: hour_start(8),
    }


def test_three_bookings_rotate_their_vehicles(cars, book, change):
    rows = [book(car, 10, 12) for car in cars]
    response = change(*(entry(row, cars[(number + 1) % 3]) for number, row in enumerate(rows)))
    assert places(response, cars) == [(1, 10, 12), (2, 10, 12), (0, 10, 12)]


def test_a_booking_moves_into_the_period_that_another_one_leaves(cars, book, change):
    first, second = book(cars[0], 8, 10), book(cars[0], 10, 12)
    # Both new periods overlap the old period of the same allocation; the first one also overlaps that of the second.
    response = change(entry(first, **period_fields(9, 11)), entry(second, **period_fields(11, 13)))
    assert places(response, cars) == [(0, 9, 11), (0, 11, 13)]


def test_vehicles_and_periods_change_together(cars, book, change):
    rows = [book(cars[0], 8, 10), book(cars[0], 10, 12), book(cars[1], 8, 12), book(cars[2], 11, 13)]
    # Three allocations get the second car, which the third entry leaves.
    moved = [(1, 10, 11), (1, 11, 14), (2, 8, 9), (1, 9, 10)]
    entries = [
        entry(row, cars[car], **period_fields(start, end)) for row, (car, start, end) in zip(rows, moved, strict=True)
    ]
    assert places(change(*entries), cars) == moved


def test_infinite_periods_swap(cars, book, change):
    before, after = book(cars[0], None, 10), book(cars[0], 10, None)
    response = change(
        entry(before, from_datetime=hour_start(12), to_infinity=True),
        entry(after, from_infinity=True, to_datetime=hour_start(12)),
    )
    assert places(response, cars) == [(0, 12, None), (0, None, 12)]


def test_all_fields_of_several_allocations_change(client, cars, book, change):
    rows = [book(cars[0], 8, 10, dump={"a": 1}), book(cars[0], 10, 12)]
    fields = {"allocation_type": "service", "description": "New", "reference": "PO-1", "dump": {"b": [1.0, None]}}
    response = change(entry(rows[0], **fields), entry(rows[1], description=None))
    assert response.json == [rows[0] | fields | {"version": 2}, rows[1] | {"version": 2}]
    assert client.get(f"{cars[0]}/allocations").json == response.json


@pytest.mark.through_gateway
def test_every_column_survives_and_only_version_and_time_of_change_are_new(cars, book, change, stored_rows, caller_id):
    details = {"allocation_type": "hire", "description": "é", "reference": "PO 1", "dump": {"a": [1.0, 1, True, "1"]}}
    rows = [book(cars[0], 10, 12, **details), book(cars[0], None, 10), book(cars[1], 10, None, hold_seconds=600)]
    before = stored_rows()
    assert change(*(entry(row) for row in rows)).status_code == 200
    after = stored_rows()
    assert {row["client_id"] for row in after.values()} == {caller_id}
    for key, row in before.items():
        assert (row["version"], row["changed"]) == (1, None)
        assert after[key].pop("changed") is not None
        assert after[key] == {name: value for name, value in row.items() if name != "changed"} | {"version": 2}
    assert before.keys() == after.keys()


def test_a_change_without_effect_counts_as_a_change(client, cars, book, change):
    row = book(cars[0], 10, 12)
    for version in (2, 3):
        assert change(entry(row)).json == [row | {"version": version}]
    assert client.get(f"/api/cars/all/allocations/{row['id']}").headers["ETag"] == '"3"'
    kinds = [event["kind"] for event in FeedReader(client).new_events() if event["allocation_id"]]
    assert kinds == ["allocated", "allocation_changed", "allocation_changed"]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2), (2, 3, 1, 0)])
def test_responses_and_events_have_the_order_of_the_list(client, cars, book, change, order):
    rows = [book(cars[number % 3], 2 * number, 2 * number + 1, hold_seconds=600) for number in range(4)]
    fields = [{"status": "confirmed"}, {"hold_seconds": 900}, {"description": "x"}, {"status": "confirmed"}]
    response = change(*(entry(rows[number], **fields[number]) for number in order))
    assert [row["id"] for row in response.json] == [rows[number]["id"] for number in order]
    events = FeedReader(client).new_events()[-4:]
    assert [event["data"] for event in events] == response.json
    kinds = ["confirmed", "allocation_changed", "allocation_changed", "confirmed"]
    assert [event["kind"] for event in events] == [kinds[number] for number in order]
    assert {event["request_id"] for event in events} == {response.headers["X-Request-Id"]}


def test_a_hundred_allocations_change_at_once(client, cars, register, book, change):
    more = [*cars, *(register(f"More{number}") for number in range(47))]
    rows = [book(car, hour, hour + 1) for car in more for hour in (8, 10)]
    moved = [entry(row, more[(number // 2 + 1) % len(more)]) for number, row in enumerate(rows)]
    response = change(*moved)
    assert [(row["id"], row["resource_id"]) for row in response.json] == [(it["id"], it["resource_id"]) for it in moved]
    events = FeedReader(client).new_events()[-100:]
    assert [event["allocation_id"] for event in events] == [row["id"] for row in rows]
    assert len(client.get("/api/cars/all/allocations?limit=1000").json) == 100


def test_holds_are_confirmed_and_extended_while_they_move(cars, book, change):
    holds = [book(car, 10, 12, hold_seconds=60) for car in cars[:2]]
    response = change(
        entry(holds[0], cars[1], status="confirmed"), entry(holds[1], cars[0], hold_seconds=3600, description="x")
    )
    assert places(response, cars) == [(1, 10, 12), (0, 10, 12)]
    confirmed, extended = response.json
    assert (confirmed["status"], confirmed["expires"]) == ("confirmed", None)
    assert (extended["status"], extended["expires"] > holds[1]["expires"]) == ("held", True)


def test_a_hold_that_is_not_extended_keeps_its_expiry(cars, book, change):
    hold = book(cars[0], 10, 12, hold_seconds=60)
    assert change(entry(hold, cars[1])).json[0]["expires"] == hold["expires"]


def test_an_expired_hold_does_not_block_the_new_place(app, client, cars, book, change):
    book(cars[1], 9, 11, hold_seconds=60)
    let_holds_expire(app)
    row = book(cars[0], 10, 12)
    assert places(change(entry(row, cars[1])), cars) == [(1, 10, 12)]
    kinds = [event["kind"] for event in FeedReader(client).new_events() if event["allocation_id"]]
    assert sorted(kinds) == ["allocated", "allocated", "allocation_changed", "expired"]
    assert kinds[-1] == "allocation_changed"


@pytest.mark.parametrize("versions", [(1, 1), (1, None), (None, None)])
def test_each_entry_can_name_its_version(cars, book, change, versions):
    rows = [book(car, 10, 12) for car in cars[:2]]
    listed = [
        entry(row, **({} if version is None else {"version": version}))
        for row, version in zip(rows, versions, strict=True)
    ]
    assert [row["version"] for row in change(*listed).json] == [2, 2]


@pytest.mark.one_engine
def test_xml_contains_the_same_data(client, cars, book):
    rows = [book(car, 10, 12) for car in cars[:2]]
    body = {"changes": [entry(row) for row in rows]}
    response = client.post(CHANGES, json=body, headers={"Accept": "application/xml"})
    root = ET.fromstring(response.data)
    assert (response.status_code, root.tag) == (200, "allocations")
    assert [child.findtext("id") for child in root] == [row["id"] for row in rows]


def test_only_allocations_of_the_collection_change(client, cars, book, register, refused, change):
    lorry = register("Lorry1", "lorries")
    row = book(lorry, 10, 12)
    assert refused(change(entry(row)), 404, "allocation_not_found")["index"] == 0
    response = client.post(CHANGES.replace("cars", "lorries"), json={"changes": [entry(row)]})
    assert response.json == [row | {"version": 2}]


@pytest.mark.one_engine
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_not_allowed(client, refused, method):
    refused(client.open(CHANGES, method=method), 405, "method_not_allowed")


MERGE_PATCH = "application/merge-patch+json"


@pytest.mark.through_gateway
def test_dumps_are_replaced_with_json_and_merged_with_a_merge_patch(client, cars, book):
    rows = [book(car, 10, 12, dump={"a": 1, "b": {"c": 2}}) for car in cars[:2]]
    body = {"changes": [entry(rows[0], dump={"b": {"c": None, "d": 3}}), entry(rows[1], dump=None, description=None)]}
    response = client.post(CHANGES, json=body, headers={"Content-Type": MERGE_PATCH})
    assert [row["dump"] for row in response.json] == [{"a": 1, "b": {"d": 3}}, {}]
    response = client.post(CHANGES, json={"changes": [entry(rows[0], dump={"e": 1})]})
    assert response.json[0]["dump"] == {"e": 1}
