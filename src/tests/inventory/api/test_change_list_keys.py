"""A change list with an Idempotency-Key is executed once; a repeated request gets the stored result."""

import uuid

import pytest

from tests.support.change_feed import FeedReader
from tests.support.change_lists import CHANGES, entry
from tests.support.hours_in_2099 import hour_start, let_holds_expire

pytestmark = pytest.mark.usefixtures("feed_checker")


@pytest.fixture
def cars(register):
    """The URLs of two cars."""
    return [register(f"Car{number}") for number in range(2)]


@pytest.fixture
def rows(cars, allocate):
    """An allocation of each car; the second one is a hold."""
    return [allocate(car, hour_start(10), hour_start(12), **more).json for car, more in zip(cars, HOLD, strict=True)]


HOLD = ({}, {"hold_seconds": 600})


@pytest.fixture
def send(client):
    """Return a function that sends a change list with an Idempotency-Key."""

    def send(*entries, key="key-1", **headers):
        return client.post(CHANGES, json={"changes": list(entries)}, headers={"Idempotency-Key": key, **headers})

    return send


def swap(rows, cars, **fields):
    """Return the entries that swap the vehicles of two allocations."""
    return [entry(rows[0], cars[1], **fields), entry(rows[1], cars[0], **fields)]


def assert_replayed(first, replay):
    assert (first.status_code, replay.status_code) == (200, 200), replay.text
    assert replay.data == first.data
    assert "Idempotency-Replayed" not in first.headers
    assert replay.headers["Idempotency-Replayed"] == "true"


@pytest.mark.through_gateway
@pytest.mark.parametrize(
    "fields",
    [{}, {"version": 1}, {"description": "x"}, {"to_datetime": hour_start(14)}],
    ids=["swap", "versions", "details", "periods"],
)
def test_a_repeated_list_gets_the_first_response(cars, rows, send, nothing_changes, fields):
    entries = swap(rows, cars, **fields)
    first = send(*entries)
    with nothing_changes():
        for _ in range(2):
            assert_replayed(first, send(*entries))


def test_a_list_that_would_now_be_refused_is_replayed(app, client, cars, rows, send):
    entries = [entry(rows[0], cars[1], version=1), entry(rows[1], cars[0], hold_seconds=60)]
    first = send(*entries)
    client.patch(f"/api/cars/all/allocations/{rows[1]['id']}", json={"status": "confirmed"})
    assert_replayed(first, send(*entries))
    client.delete(f"/api/cars/all/allocations/{rows[0]['id']}")
    assert_replayed(first, send(*entries))
    client.delete(f"/api/cars/all/allocations/{rows[1]['id']}")
    client.delete(cars[0])
    assert_replayed(first, send(*entries))


def test_a_replay_shows_the_result_in_the_order_of_the_list(client, cars, rows, send):
    entries = list(reversed(swap(rows, cars, description="swapped")))
    first = send(*entries)
    for row in rows:
        client.patch(f"/api/cars/all/allocations/{row['id']}", json={"description": "later"})
    assert_replayed(first, send(*entries))
    assert [row["id"] for row in first.json] == [rows[1]["id"], rows[0]["id"]]


def test_a_replay_shows_an_expired_hold_as_it_was(app, cars, rows, send):
    first = send(*swap(rows, cars))
    let_holds_expire(app)
    assert_replayed(first, send(*swap(rows, cars)))


def test_a_move_to_any_vehicle_is_made_once(client, cars, rows, register, send):
    register("Spare")
    first = send(entry(rows[0], "any"))
    assert_replayed(first, send(entry(rows[0], "any")))
    assert client.get(f"/api/cars/all/allocations/{rows[0]['id']}").json == first.json[0]


@pytest.mark.parametrize("content_type", ["application/json", "application/merge-patch+json"])
def test_another_list_with_the_same_key_is_refused(cars, rows, send, refused, nothing_changes, content_type):
    assert send(entry(rows[0], dump={"a": 1})).status_code == 200
    # The same body as a merge patch is another request.
    fields = {"dump": {"a": 1}} if "merge" in content_type else {"dump": {"a": 2}}
    with nothing_changes():
        response = send(entry(rows[0], **fields), **{"Content-Type": content_type})
        refused(response, 422, "idempotency_key_reused")


def test_a_refused_list_stores_no_key(client, cars, rows, send, refused):
    entries = [entry(rows[0], cars[1])]
    refused(send(*entries), 409, "period_taken")
    client.delete(f"/api/cars/all/allocations/{rows[1]['id']}")
    response = send(*entries)
    assert (response.status_code, "Idempotency-Replayed" in response.headers) == (200, False)


def test_a_key_and_its_events_are_stored_with_the_changes(client, cars, rows, send):
    before = len(FeedReader(client).new_events())
    send(*swap(rows, cars))
    send(*swap(rows, cars))
    assert len(FeedReader(client).new_events()) == before + 2


@pytest.mark.one_engine
@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
def test_a_malformed_key_is_refused(rows, send, refused, nothing_changes, key):
    with nothing_changes():
        refused(send(entry(rows[0]), key=key.encode().decode("latin-1")), 422, "invalid_fields", "Idempotency-Key")


@pytest.mark.one_engine
def test_x_changes_is_the_number_of_entries_of_the_first_execution(cars, rows, send):
    responses = [send(*swap(rows, cars)) for _ in range(2)]
    assert [response.headers.get("X-Changes") for response in responses] == ["2", None]


def test_x_changes_counts_the_entries_of_a_refused_list(rows, send):
    missing = entry({"id": str(uuid.uuid4())})
    response = send(entry(rows[0]), missing, key="third")
    assert (response.status_code, response.headers["X-Changes"]) == (404, "2")
