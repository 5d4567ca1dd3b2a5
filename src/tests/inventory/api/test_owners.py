"""Owners: a client owns the allocations that it creates, and a restricted client sees only those."""

import pytest
from icalendar import Calendar
from sqlalchemy import select

from invsys.inventory.db.models import ContinuousResourceAllocation, db
from tests.support.client_identity import client_as, ids, restricted_client, without_client_id
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

ALL = "/api/cars/all/allocations"


@pytest.fixture
def owner(app):
    """Return a function that returns the owner of an allocation in the database."""

    def owner(allocation):
        owners = select(ContinuousResourceAllocation.id, ContinuousResourceAllocation.client_id)
        with app.app_context(), db.engine.connect() as connection:
            return {str(key): name for key, name in connection.execute(owners).all()}[allocation["id"]]

    return owner


@pytest.fixture
def own_ids(one, two, client, car):
    """The ids of four allocations of client one; the car also has four of client two and four without an owner."""
    all_ids = [
        (client, one, two)[hour % 3].post(f"{car}/allocations", json=period_fields(hour, hour + 1)).json["id"]
        for hour in range(12)
    ]
    return all_ids[1::3]


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-1"}])
@pytest.mark.parametrize("fields", [{}, {"hold_seconds": 60}])
def test_the_creator_of_an_allocation_owns_it(app, client, car, owner, key, fields):
    makers = {"one": restricted_client(app, "one"), "two": client_as(app, "two"), None: client}
    for hour, (name, maker) in enumerate(makers.items()):
        response = maker.post(f"{car}/allocations", json=period_fields(hour, hour + 1) | fields, headers=key)
        assert (response.status_code, owner(response.json)) == (201, name)
        assert maker.get(response.headers["Location"]).json == response.json


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-1"}])
def test_the_creator_of_several_allocations_owns_all_of_them(one, two, register, owner, key):
    for number in range(4):
        register(f"Car{number}")
    several = one.post("/api/cars/any/allocations", json={**period_fields(10, 12), "quantity": 3}, headers=key)
    single = two.post("/api/cars/any/allocations", json=period_fields(10, 12), headers=key)
    assert [owner(allocation) for allocation in (*several.json, single.json)] == ["one"] * 3 + ["two"]
    assert sorted(ids(one.get(ALL))) == sorted(row["id"] for row in several.json)


def test_a_client_id_of_255_characters_is_stored_completely(app, car, owner):
    response = restricted_client(app, "x" * 255).post(f"{car}/allocations", json=period_fields(10, 12))
    assert owner(response.json) == "x" * 255


@pytest.mark.parametrize("client_id", ["one", "two", None])
def test_the_owner_does_not_change_with_changes_by_others(app, one, client, car, register, owner, client_id):
    url = one.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": 60}).headers["Location"]
    item = url.replace(car, ALL.removesuffix("/allocations"))
    changes = [
        {"hold_seconds": 600},
        {"status": "confirmed"},
        {"to_datetime": hour_start(13), "description": "longer"},
        {"resource_id": register("Car2")[-36:]},
    ]
    changer = client if client_id is None else client_as(app, client_id)
    for change in changes:
        changed = changer.patch(item, json=change)
        assert (changed.status_code, owner(changed.json)) == (200, "one")
    assert one.get(item).json == without_client_id(changed.json)
    events = [(event["kind"], event["client_id"]) for event in client.get("/api/events").json["events"][1:]]
    assert [name for kind, name in events if kind in ("allocation_changed", "confirmed")] == [client_id] * 4


def test_clients_with_similar_ids_are_distinguished(app, car):
    names = ["one", "One", "one1", "on_", "%", "o"]
    for hour, name in enumerate(names):
        restricted_client(app, name).post(f"{car}/allocations", json=period_fields(hour, hour + 1))
    for name in names:
        assert len(restricted_client(app, name).get(ALL).json) == 1


def test_a_foreign_allocation_is_not_found(one, two, client, car):
    allocation = two.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    for url in (allocation, allocation.replace(car, "/api/cars/all")):
        assert (one.get(url).status_code, two.get(url).status_code, client.get(url).status_code) == (404, 200, 200)
        assert one.get(url, headers={"If-None-Match": '"1"'}).status_code == 404
        assert two.get(url, headers={"If-None-Match": '"1"'}).status_code == 304


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": hour_start(3), "to": hour_start(9)},
        {"from": hour_start(1)},
        {"to": hour_start(8)},
        {"allocation_type": "booking"},
        {"status": "confirmed"},
        {"status": "held"},
    ],
)
def test_lists_contain_only_the_clients_own_allocations(one, client, car, own_ids, query):
    for url in (ALL, f"{car}/allocations"):
        all_rows = client.get(url, query_string=query).json
        expected = [without_client_id(row) for row in all_rows if row["id"] in own_ids]
        assert one.get(url, query_string=query).json == expected


def test_pages_have_the_requested_length(one, car, own_ids):
    for url in (ALL, f"{car}/allocations"):
        first = one.get(f"{url}?limit=3")
        next_url = first.headers["Link"].partition(">")[0].removeprefix("<")
        second = one.get(next_url)
        assert (ids(first), ids(second)) == (own_ids[:3], own_ids[3:])
        assert "Link" not in second.headers


def test_a_page_includes_the_clients_allocations_without_a_start(one, two, register):
    cars = [register(f"Car{number}") for number in range(3)]
    unbounded = {"from_infinity": True, "to_infinity": True}
    all_ids = [
        maker.post(f"{car}/allocations", json=unbounded).json["id"]
        for maker, car in zip((one, two, one), cars, strict=True)
    ]
    for query in ("", f"?from={hour_start(3)}", f"?to={hour_start(3)}"):
        assert ids(one.get(f"{ALL}{query}")) == all_ids[::2]


def test_the_calendar_contains_only_the_clients_own_allocations(one, client, car, own_ids):
    for query in ({}, {"from": hour_start(0), "to": hour_start(23)}):
        events = Calendar.from_ical(one.get(f"{car}/allocations.ics", query_string=query).data).events
        assert [event["UID"].removesuffix("@invsys") for event in events] == own_ids
        assert len(Calendar.from_ical(client.get(f"{car}/allocations.ics", query_string=query).data).events) == 12


def test_availability_is_the_same_for_all_clients(one, client, car, own_ids):
    for url in ("/api/cars", f"{car}/availability", "/api/cars/all/availability"):
        assert one.get(url).data == client.get(url).data
    slots = [client.get("/api/cars/gbfs/vehicle_availability.json").json["data"] for client in (one, client)]
    assert slots[0]["vehicles"][0]["availabilities"][1:] == slots[1]["vehicles"][0]["availabilities"][1:]
    window = {"available_from": hour_start(0), "available_to": hour_start(1)}
    assert one.get("/api/cars", query_string=window).json == []
    assert one.post("/api/cars/any/allocations", json=period_fields(0, 1)).json["code"] == "none_available"


def test_a_clients_own_expired_hold_is_in_no_list(app, one, car):
    hold = one.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": 60}).headers["Location"]
    let_holds_expire(app)
    assert one.get(ALL).json == one.get(f"{car}/allocations").json == []
    assert one.get(hold).status_code == 404
