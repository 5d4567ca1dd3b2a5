"""Owners: whoever makes an allocation has it for good, and a client that sees its own sees no other."""

import pytest
from icalendar import Calendar
from sqlalchemy import select

from invsys.inventory.db.models import ContinuousResourceAllocation, db
from tests.support.instants import at, let_holds_expire, period_fields
from tests.support.owners import client_as, ids, restricted_client

pytestmark = pytest.mark.direct("says itself who it is")

ALL = "/api/cars/all/allocations"


@pytest.fixture
def one(app):
    return restricted_client(app, "one")


@pytest.fixture
def two(app):
    return restricted_client(app, "two")


@pytest.fixture
def owner(app):
    """Ask the database who owns an allocation."""

    def owner(answered):
        of = select(ContinuousResourceAllocation.id, ContinuousResourceAllocation.client_id)
        with app.app_context(), db.engine.connect() as connection:
            return {str(key): name for key, name in connection.execute(of).all()}[answered["id"]]

    return owner


@pytest.fixture
def mixed(one, two, client, car):
    """Allocations of a car one after the other, of one, two and nobody in turns: the ids of those of one."""
    made = [
        (client, one, two)[hour % 3].post(f"{car}/allocations", json=period_fields(hour, hour + 1)).json["id"]
        for hour in range(12)
    ]
    return made[1::3]


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-1"}])
@pytest.mark.parametrize("more", [{}, {"hold_seconds": 60}])
def test_who_allocates_a_vehicle_owns_the_allocation(app, client, car, owner, key, more):
    makers = {"one": restricted_client(app, "one"), "two": client_as(app, "two"), None: client}
    for hour, (name, maker) in enumerate(makers.items()):
        made = maker.post(f"{car}/allocations", json=period_fields(hour, hour + 1) | more, headers=key)
        assert (made.status_code, owner(made.json)) == (201, name)
        assert maker.get(made.headers["Location"]).json == made.json


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-1"}])
def test_who_allocates_any_vehicles_owns_all_of_them(one, two, register, owner, key):
    for number in range(4):
        register(f"Car{number}")
    several = one.post("/api/cars/any/allocations", json={**period_fields(10, 12), "quantity": 3}, headers=key)
    single = two.post("/api/cars/any/allocations", json=period_fields(10, 12), headers=key)
    assert [owner(made) for made in (*several.json, single.json)] == ["one"] * 3 + ["two"]
    assert sorted(ids(one.get(ALL))) == sorted(made["id"] for made in several.json)


def test_a_name_of_255_characters_is_kept_whole(app, car, owner):
    made = restricted_client(app, "x" * 255).post(f"{car}/allocations", json=period_fields(10, 12))
    assert owner(made.json) == "x" * 255


@pytest.mark.parametrize("by", ["one", "two", None])
def test_whoever_changes_or_moves_it_the_owner_stays(app, one, client, car, register, owner, by):
    url = one.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": 60}).headers["Location"]
    item = url.replace(car, ALL.removesuffix("/allocations"))
    changes = [
        {"hold_seconds": 600},
        {"status": "confirmed"},
        {"to_datetime": at(13), "description": "longer"},
        {"resource_id": register("Car2")[-36:]},
    ]
    changer = client if by is None else client_as(app, by)
    for change in changes:
        changed = changer.patch(item, json=change)
        assert (changed.status_code, owner(changed.json)) == (200, "one")
    assert one.get(item).json == changed.json
    told = [(event["kind"], event["client_id"]) for event in client.get("/api/events").json["events"][1:]]
    assert [name for kind, name in told if kind in ("allocation_changed", "confirmed")] == [by] * 4


def test_a_client_is_no_other_whose_name_is_alike(app, car):
    names = ["one", "One", "one1", "on_", "%", "o"]
    for hour, name in enumerate(names):
        restricted_client(app, name).post(f"{car}/allocations", json=period_fields(hour, hour + 1))
    for name in names:
        assert len(restricted_client(app, name).get(ALL).json) == 1


def test_an_allocation_of_somebody_else_is_not_there(one, two, client, car):
    made = two.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    for url in (made, made.replace(car, "/api/cars/all")):
        assert (one.get(url).status_code, two.get(url).status_code, client.get(url).status_code) == (404, 200, 200)
        assert one.get(url, headers={"If-None-Match": '"1"'}).status_code == 404
        assert two.get(url, headers={"If-None-Match": '"1"'}).status_code == 304


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": at(3), "to": at(9)},
        {"from": at(1)},
        {"to": at(8)},
        {"allocation_type": "booking"},
        {"status": "confirmed"},
        {"status": "held"},
    ],
)
def test_lists_show_its_own(one, client, car, mixed, query):
    for url in (ALL, f"{car}/allocations"):
        everybodys = client.get(url, query_string=query).json
        assert one.get(url, query_string=query).json == [each for each in everybodys if each["id"] in mixed]


def test_pages_are_as_long_as_asked_for(one, car, mixed):
    for url in (ALL, f"{car}/allocations"):
        first = one.get(f"{url}?limit=3")
        following = first.headers["Link"].partition(">")[0].removeprefix("<")
        second = one.get(following)
        assert (ids(first), ids(second)) == (mixed[:3], mixed[3:])
        assert "Link" not in second.headers


def test_a_page_begins_with_its_own_that_has_no_start(one, two, register):
    cars = [register(f"Car{number}") for number in range(3)]
    unbounded = {"from_infinity": True, "to_infinity": True}
    made = [
        maker.post(f"{car}/allocations", json=unbounded).json["id"]
        for maker, car in zip((one, two, one), cars, strict=True)
    ]
    for query in ("", f"?from={at(3)}", f"?to={at(3)}"):
        assert ids(one.get(f"{ALL}{query}")) == made[::2]


def test_the_calendar_shows_its_own(one, client, car, mixed):
    for query in ({}, {"from": at(0), "to": at(23)}):
        events = Calendar.from_ical(one.get(f"{car}/allocations.ics", query_string=query).data).events
        assert [event["UID"].removesuffix("@invsys") for event in events] == mixed
        assert len(Calendar.from_ical(client.get(f"{car}/allocations.ics", query_string=query).data).events) == 12


def test_free_and_busy_are_told_to_everybody_alike(one, client, car, mixed):
    for url in ("/api/cars", f"{car}/availability", "/api/cars/all/availability"):
        assert one.get(url).data == client.get(url).data
    slots = [client.get("/api/cars/gbfs/vehicle_availability.json").json["data"] for client in (one, client)]
    assert slots[0]["vehicles"][0]["availabilities"][1:] == slots[1]["vehicles"][0]["availabilities"][1:]
    taken = {"available_from": at(0), "available_to": at(1)}
    assert one.get("/api/cars", query_string=taken).json == []
    assert one.post("/api/cars/any/allocations", json=period_fields(0, 1)).json["code"] == "none_available"


def test_the_feed_is_everybodys(one, client, mixed):
    assert one.get("/api/events").data == client.get("/api/events").data


def test_an_expired_hold_of_its_own_is_gone_from_every_list(app, one, car):
    made = one.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": 60}).headers["Location"]
    let_holds_expire(app)
    assert one.get(ALL).json == one.get(f"{car}/allocations").json == []
    assert one.get(made).status_code == 404
