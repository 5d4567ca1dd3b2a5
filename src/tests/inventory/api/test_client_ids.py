"""The ``client_id`` of an allocation: its creator, shown to clients that may see all allocations."""

import pytest

from tests.support.client_identity import client_as, without_client_id
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

ANY, ALL = "/api/cars/any/allocations", "/api/cars/all/allocations"


@pytest.fixture
def sees_all(app):
    """A test client that sends a client id and may see all allocations."""
    return client_as(app, "staff")


@pytest.fixture
def cars(register):
    return [register(f"Car{number}") for number in range(3)]


def test_a_client_that_sees_all_sees_the_creator_in_every_response(sees_all, one, cars, client):
    url = one.post(f"{cars[0]}/allocations", json=period_fields(10, 12)).headers["Location"]
    item = sees_all.get(url).json
    assert item["client_id"] == "one"
    assert [item] == sees_all.get(f"{cars[0]}/allocations").json == sees_all.get(ALL).json
    # A change by another client does not change the creator.
    assert sees_all.patch(url, json={"description": "x"}).json["client_id"] == "one"
    assert sees_all.patch(url, json={}).json["client_id"] == "one"
    assert client.get(url, headers={"Accept": "application/xml"}).text.count("<client_id>one</client_id>") == 1


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-1"}])
def test_the_response_to_a_create_shows_the_creator_also_when_replayed(sees_all, cars, client, key):
    period = period_fields(10, 12)
    bodies = [(f"{cars[0]}/allocations", period), (ANY, period), (ANY, {**period_fields(14, 16), "quantity": 2})]
    for number, (url, body) in enumerate(bodies):
        headers = {name: f"{value}/{number}" for name, value in key.items()}
        for _ in range(2 if key else 1):
            created = sees_all.post(url, json=body, headers=headers).json
            for row in created if "quantity" in body else [created]:
                assert row["client_id"] == "staff"
                assert client.get(f"{ALL}/{row['id']}").json == row


def test_without_a_gateway_the_creator_is_null(client, cars):
    created = client.post(f"{cars[0]}/allocations", json=period_fields(10, 12))
    assert created.json["client_id"] is None
    assert client.get(created.headers["Location"]).json == created.json


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-1"}])
def test_a_client_that_sees_only_its_own_gets_no_client_id(one, client, cars, key):
    created = one.post(f"{cars[0]}/allocations", json=period_fields(10, 12), headers=key)
    url = created.headers["Location"]
    expected = without_client_id(client.get(url).json)
    assert created.json == one.get(url).json == expected
    assert one.get(ALL).json == one.get(f"{cars[0]}/allocations").json == [expected]
    several = one.post(ANY, json={**period_fields(14, 16), "quantity": 2}, headers={})
    rows = [*several.json, one.post(ANY, json=period_fields(14, 16)).json]
    rows.append(one.patch(url, json={"to_datetime": hour_start(13)}).json)
    assert all("client_id" not in row for row in rows)


def test_the_data_of_an_event_has_the_creator_and_the_event_the_client_of_the_change(app, sees_all, one, client, cars):
    urls = [
        one.post(f"{car}/allocations", json=period_fields(10, 12) | hold).headers["Location"]
        for car, hold in zip(cars, ({}, {"hold_seconds": 60}, {"hold_seconds": 60}), strict=True)
    ]
    sees_all.patch(urls[0], json={"description": "x"})
    sees_all.patch(urls[1], json={"status": "confirmed"})
    sees_all.delete(urls[1])
    let_holds_expire(app)
    own_events = one.get("/api/events").json["events"]
    assert len(own_events) == 7
    assert all("client_id" not in event["data"] for event in own_events)
    events = client.get("/api/events").json["events"][len(cars) :]
    assert [event["data"]["client_id"] for event in events] == ["one"] * 7
    assert [(event["kind"], event["client_id"]) for event in events] == [
        *[("allocated", "one")] * 3,
        ("allocation_changed", "staff"),
        ("confirmed", "staff"),
        ("deallocated", "staff"),
        ("expired", None),
    ]
