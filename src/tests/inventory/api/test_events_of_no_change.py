"""Requests that write no event: refused requests, replays, reads, and changes without effect."""

import pytest

from tests.support.change_feed import FeedReader
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields
from tests.support.tables import table_driven

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
STALE = {"If-Match": '"other"'}
REFUSALS = {
    "an invalid name": ("POST", "/api/cars", {"name": ""}, {}, 422),
    "a name in use": ("POST", "/api/cars", {"name": "Car1"}, {}, 409),
    "a rename to a name in use": ("PATCH", "{car}", {"name": "Car2"}, {}, 409),
    "a rename with a stale ETag": ("PATCH", "{car}", {"name": "New"}, STALE, 412),
    "a vehicle in use": ("DELETE", "{car}", None, {}, 409),
    "a vehicle with a stale ETag": ("DELETE", "{car}", None, STALE, 412),
    "a period in use": ("POST", "{car}/allocations", period_fields(11, 13), {}, 409),
    "a hold of a period in use": (
        "POST",
        "{car}/allocations",
        period_fields(11, 13) | {"hold_seconds": 9},
        {},
        409,
    ),
    "an invalid period": ("POST", "{car}/allocations", period_fields(12, 10), {}, 422),
    "no free vehicle": ("POST", "/api/cars/any/allocations", period_fields(11, 13), {}, 409),
    "not enough free vehicles": ("POST", "/api/cars/any/allocations", period_fields(13, 14) | {"quantity": 3}, {}, 409),
    "an unknown vehicle": ("POST", f"/api/cars/{ANOTHER_ID}/allocations", period_fields(10, 12), {}, 404),
    "a move to an allocated vehicle": ("PATCH", "{booking}", {"resource_id": "{other}"}, {}, 409),
    "a change with a stale ETag": ("PATCH", "{booking}", {"description": "x"}, STALE, 412),
    "an invalid change": ("PATCH", "{booking}", {"colour": "red"}, {}, 422),
    "an unknown allocation": ("DELETE", f"/api/cars/all/allocations/{ANOTHER_ID}", None, {}, 404),
    "an allocation with a stale ETag": ("DELETE", "{booking}", None, STALE, 412),
}


@pytest.fixture
def reader(client):
    return FeedReader(client)


@pytest.fixture
def other(register, allocate):
    """The URL of another car that is allocated from 10:00 to 12:00."""
    url = register("Car2")
    allocate(url, hour_start(10), hour_start(12))
    return url


@table_driven("key", [False, True], ids=["without a key", "with an idempotency key"])
@table_driven("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_refused_request_writes_no_event(client, reader, car, booking, other, refusal, key):
    method, path, body, headers, status = refusal
    reader.new_events()
    names = {"{car}": car, "{booking}": booking, "{other}": other[-36:]}
    path = path.replace("{car}", car).replace("{booking}", booking)
    body = body and {
        field: names.get(value, value) if isinstance(value, str) else value for field, value in body.items()
    }
    headers = headers | ({"Idempotency-Key": "key-1"} if key else {})
    assert client.open(path, method=method, json=body, headers=headers).status_code == status
    assert reader.new_events() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/cars", {"name": "Car2"}),
        ("{car}/allocations", period_fields(10, 12)),
        ("/api/cars/any/allocations", period_fields(10, 12)),
        ("/api/cars/any/allocations", period_fields(10, 12) | {"quantity": 2}),
    ],
)
def test_a_replay_writes_no_event(client, reader, car, register, path, body):
    register("Other")
    reader.new_events()
    for _ in range(3):
        assert client.post(path.format(car=car), json=body, headers={"Idempotency-Key": "key-1"}).status_code == 201
    assert len(reader.new_events()) == body.get("quantity", 1)


@pytest.mark.parametrize("fields", [{}, {"name": "Car1"}, {"attributes": {}}])
def test_a_change_of_a_vehicle_without_effect_writes_no_event(client, reader, car, fields):
    reader.new_events()
    assert client.patch(car, json=fields).status_code == 200
    assert reader.new_events() == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        period_fields(10, 12),
        {"to_datetime": hour_start(12)},
        {"description": None},
        {"dump": {}},
        {"status": "confirmed"},
    ],
)
def test_a_change_of_an_allocation_without_effect_writes_no_event(client, reader, booking, fields):
    reader.new_events()
    assert client.patch(booking, json=fields).status_code == 200
    assert reader.new_events() == []


def test_reads_write_no_event(app, client, reader, car, booking, allocate):
    allocate(car, hour_start(14), hour_start(16), hold_seconds=60)
    let_holds_expire(app)
    reader.new_events()
    for url in (car, booking, "/api/cars", f"{car}/allocations", f"{car}/availability", "/api/cars/all/availability"):
        assert client.get(url).status_code == 200
    assert client.get(f"/api/cars?available_from={hour_start(14)}").status_code == 200
    assert reader.new_events() == []


def test_a_refused_change_of_an_expired_hold_writes_no_event(app, client, reader, car, allocate, refused):
    url = allocate(car, hour_start(10), hour_start(12), hold_seconds=60).headers["Location"]
    let_holds_expire(app)
    reader.new_events()
    refused(client.patch(url, json={"status": "confirmed"}), 409, "hold_expired")
    assert [event["kind"] for event in reader.new_events() if event["kind"] != "expired"] == []
