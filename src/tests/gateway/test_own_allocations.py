"""``allocations:own``: a client that sees and changes what it allocated itself, and knows of no other allocation."""

import pytest
from icalendar import Calendar

from tests.support.instants import period_fields
from tests.support.refusals import refused

ALL = "/api/cars/all/allocations"
CLIENTS = {
    "ann": "resources:read allocations:own",
    "bob": "resources:read allocations:own",
    "cars": "resources:read@cars allocations:own@cars allocations:read@lorries",
    "reader": "resources:read allocations:read allocations:own",
    "writer": "resources:read allocations:write allocations:own",
    "office": "resources:read resources:write allocations:read allocations:write events:read",
    "looker": "resources:read",
}


@pytest.fixture
def car(house):
    """The URL of a car."""
    return house.call("office", "POST", "/api/cars", json={"name": "Car1"}).headers["Location"]


@pytest.fixture
def made(house, car):
    """Let a client allocate the car for an hour; gives the id."""

    def made(name, hour, **more):
        answer = house.call(name, "POST", f"{car}/allocations", json=period_fields(hour, hour + 1) | more)
        assert answer.status_code == 201, answer.text
        return answer.json["id"]

    return made


def seen(house, name, url):
    answer = house.call(name, "GET", url)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json]


def test_lists_show_what_a_client_allocated_itself(house, car, made):
    ids = {name: made(name, hour) for hour, name in enumerate(("ann", "bob", "office", "reader"), 10)}
    for url in (ALL, f"{car}/allocations"):
        for name in ("ann", "bob"):
            assert seen(house, name, url) == [ids[name]]
        for name in ("office", "reader"):
            assert seen(house, name, url) == list(ids.values())
    # Of lorries it may see everything; that says nothing of cars.
    assert seen(house, "cars", ALL) == []


def test_the_calendar_shows_what_a_client_allocated_itself(house, car, made):
    ids = [made("ann", 10), made("bob", 12)]
    for name, expected in (("ann", ids[:1]), ("bob", ids[1:]), ("reader", ids), ("office", ids)):
        shown = Calendar.from_ical(house.call(name, "GET", f"{car}/allocations.ics").data).events
        assert [event["UID"].removesuffix("@invsys") for event in shown] == expected


def test_the_page_shows_what_a_client_may_see(house):
    texts = [f"the trip of {name}" for name in ("ann", "bob")]
    for name, text in zip(("ann", "bob"), texts, strict=True):
        car = house.call("office", "POST", "/api/cars", json={"name": f"Car of {name}"}).headers["Location"]
        made = house.call(name, "POST", f"{car}/allocations", json=period_fields(None, None) | {"description": text})
        assert made.status_code == 201
    expected = {"ann": [True, False], "bob": [False, True], "reader": [True, True], "office": [True, True]}
    expected |= {"looker": [False, False]}
    found = {name: house.call(name, "GET", "/") for name in expected}
    assert {answer.status_code for answer in found.values()} == {200}
    assert {name: [text in answer.text for text in texts] for name, answer in found.items()} == expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "DELETE"])
def test_somebody_elses_allocation_is_not_there(house, car, made, method):
    theirs = made("bob", 10)
    absent = "00000000-0000-4000-8000-000000000000"
    body = {"description": "changed"} if method == "PATCH" else None
    before = house.changes()
    for base in (f"{car}/allocations", ALL):
        answers = [house.call("ann", method, f"{base}/{one}", json=body) for one in (theirs, absent)]
        assert [answer.status_code for answer in answers] == [404, 404]
        told = [answer.text.replace(answer.headers["X-Request-Id"], "") for answer in answers]
        assert told[0].replace(theirs, absent) == told[1]
    assert house.changes() == before


def test_a_client_changes_and_frees_its_own(house, car, made):
    mine = made("ann", 10)
    for base in (f"{car}/allocations", ALL):
        changed = house.call("ann", "PATCH", f"{base}/{mine}", json={"description": base})
        assert (changed.status_code, changed.json["description"]) == (200, base)
    assert house.call("ann", "DELETE", f"{ALL}/{mine}").status_code == 204
    assert house.direct.get(ALL).json == []


def test_what_is_in_the_way_is_named_only_where_it_is_the_clients_own(house, car, made):
    ids = [made("ann", 10), made("bob", 11), made("office", 12)]
    for name, expected in (("ann", ids[:1]), ("bob", ids[1:2]), ("cars", []), ("writer", ids), ("office", ids)):
        answer = house.call(name, "POST", f"{car}/allocations", json=period_fields(10, 13))
        found = refused(answer, 409, "period_taken").get("conflicts", [])
        assert [one["id"] for one in found] == expected
        assert not [one for one in ids if one not in expected and one in answer.text]


def test_what_is_in_the_way_of_a_change_is_not_named_either(house, made):
    mine, theirs = made("ann", 10), made("bob", 11)
    answer = house.call("ann", "PATCH", f"{ALL}/{mine}", json=period_fields(10, 12))
    assert refused(answer, 409, "period_taken").get("conflicts", []) == []
    assert theirs not in answer.text


def test_who_reads_everything_and_changes_its_own_does_just_that(house, car, made):
    mine, theirs = made("reader", 10), made("bob", 11)
    for url in (f"{ALL}/{theirs}", f"{car}/allocations/{theirs}"):
        assert house.call("reader", "GET", url).json["id"] == theirs
        assert house.call("reader", "PATCH", url, json={"description": "x"}).status_code == 404
        assert house.call("reader", "DELETE", url).status_code == 404
    assert house.call("reader", "PATCH", f"{ALL}/{mine}", json={"description": "x"}).status_code == 200
    assert house.call("reader", "DELETE", f"{ALL}/{mine}").status_code == 204
    assert [one["id"] for one in house.direct.get(ALL).json] == [theirs]


def test_who_changes_everything_and_sees_its_own_does_just_that(house, made):
    mine, theirs = made("writer", 10), made("bob", 11)
    assert seen(house, "writer", ALL) == [mine]
    assert house.call("writer", "GET", f"{ALL}/{theirs}").status_code == 404
    assert house.call("writer", "PATCH", f"{ALL}/{theirs}", json={"description": "x"}).status_code == 200
    assert house.call("writer", "DELETE", f"{ALL}/{theirs}").status_code == 204


def test_any_vehicle_that_a_client_takes_is_its_own(house, car):
    mine = house.call("ann", "POST", "/api/cars/any/allocations", json=period_fields(10, 11))
    assert mine.status_code == 201
    assert seen(house, "ann", ALL) == [mine.json["id"]]
    assert seen(house, "bob", ALL) == []


def test_one_key_of_two_clients_is_two_orders(house, car):
    order = {"json": period_fields(10, 11), "headers": {"Idempotency-Key": "order-1"}}
    first = house.call("ann", "POST", f"{car}/allocations", **order)
    assert house.call("ann", "POST", f"{car}/allocations", **order).json == first.json
    assert house.call("bob", "POST", f"{car}/allocations", **order).json["code"] == "period_taken"


def test_free_and_busy_are_the_same_for_all_who_may_ask(house, car, made):
    made("bob", 10)
    for url in (f"{car}/availability", "/api/cars/all/availability", "/api/cars"):
        assert len({house.call(name, "GET", url).data for name in ("ann", "bob", "looker", "office")}) == 1
