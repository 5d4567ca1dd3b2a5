"""``allocations:own``: a client sees and changes its own allocations, and no others."""

import pytest
from icalendar import Calendar

from tests.support.hours_in_2099 import hour_start, period_fields
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
def car(system):
    """The URL of a car."""
    return system.call("office", "POST", "/api/cars", json={"name": "Car1"}).headers["Location"]


@pytest.fixture
def allocate(system, car):
    """Return a function that allocates the car for an hour as a client, and returns the id of the allocation."""

    def allocate(name, hour, **fields):
        response = system.call(name, "POST", f"{car}/allocations", json=period_fields(hour, hour + 1) | fields)
        assert response.status_code == 201, response.text
        return response.json["id"]

    return allocate


def listed_ids(system, name, url):
    response = system.call(name, "GET", url)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json]


def test_lists_show_the_clients_own_allocations(system, car, allocate):
    ids = {name: allocate(name, hour) for hour, name in enumerate(("ann", "bob", "office", "reader"), 10)}
    for url in (ALL, f"{car}/allocations"):
        for name in ("ann", "bob"):
            assert listed_ids(system, name, url) == [ids[name]]
        for name in ("office", "reader"):
            assert listed_ids(system, name, url) == list(ids.values())
    # The client ``cars`` has allocations:read for lorries only.
    assert listed_ids(system, "cars", ALL) == []


def test_the_calendar_shows_the_clients_own_allocations(system, car, allocate):
    ids = [allocate("ann", 10), allocate("bob", 12)]
    for name, expected in (("ann", ids[:1]), ("bob", ids[1:]), ("reader", ids), ("office", ids)):
        events = Calendar.from_ical(system.call(name, "GET", f"{car}/allocations.ics").data).events
        assert [event["UID"].removesuffix("@invsys") for event in events] == expected


def test_the_list_shows_the_allocations_that_a_client_may_see(system):
    texts = [f"the trip of {name}" for name in ("ann", "bob")]
    for name, text in zip(("ann", "bob"), texts, strict=True):
        car = system.call("office", "POST", "/api/cars", json={"name": f"Car of {name}"}).headers["Location"]
        response = system.call(
            name, "POST", f"{car}/allocations", json=period_fields(None, None) | {"description": text}
        )
        assert response.status_code == 201
    expected = {"ann": [True, False], "bob": [False, True], "reader": [True, True], "office": [True, True]}
    expected |= {"looker": [False, False]}
    responses = {name: system.call(name, "GET", "/table") for name in expected}
    assert {response.status_code for response in responses.values()} == {200}
    assert {name: [text in response.text for text in texts] for name, response in responses.items()} == expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "DELETE"])
def test_an_allocation_of_another_client_is_not_found(system, car, allocate, method):
    theirs = allocate("bob", 10)
    absent = "00000000-0000-4000-8000-000000000000"
    body = {"description": "changed"} if method == "PATCH" else None
    before = system.events()
    for base in (f"{car}/allocations", ALL):
        responses = [
            system.call("ann", method, f"{base}/{allocation_id}", json=body) for allocation_id in (theirs, absent)
        ]
        assert [response.status_code for response in responses] == [404, 404]
        texts = [response.text.replace(response.headers["X-Request-Id"], "") for response in responses]
        assert texts[0].replace(theirs, absent) == texts[1]
    assert system.events() == before


def test_a_client_can_change_and_delete_its_own_allocations(system, car, allocate):
    mine = allocate("ann", 10)
    for base in (f"{car}/allocations", ALL):
        changed = system.call("ann", "PATCH", f"{base}/{mine}", json={"description": base})
        assert (changed.status_code, changed.json["description"]) == (200, base)
    assert system.call("ann", "DELETE", f"{ALL}/{mine}").status_code == 204
    assert system.direct.get(ALL).json == []


def test_conflicts_name_only_the_clients_own_allocations(system, car, allocate):
    ids = [allocate("ann", 10), allocate("bob", 11), allocate("office", 12)]
    for name, expected in (("ann", ids[:1]), ("bob", ids[1:2]), ("cars", []), ("writer", ids), ("office", ids)):
        response = system.call(name, "POST", f"{car}/allocations", json=period_fields(10, 13))
        conflicts = refused(response, 409, "period_taken").get("conflicts", [])
        assert [item["id"] for item in conflicts] == expected
        assert not [other for other in ids if other not in expected and other in response.text]


def test_conflicts_of_a_change_do_not_name_other_clients_allocations(system, allocate):
    mine, theirs = allocate("ann", 10), allocate("bob", 11)
    response = system.call("ann", "PATCH", f"{ALL}/{mine}", json=period_fields(10, 12))
    assert refused(response, 409, "period_taken").get("conflicts", []) == []
    assert theirs not in response.text


def test_a_client_with_read_and_own_reads_all_and_changes_its_own(system, car, allocate):
    mine, theirs = allocate("reader", 10), allocate("bob", 11)
    for url in (f"{ALL}/{theirs}", f"{car}/allocations/{theirs}"):
        assert system.call("reader", "GET", url).json["id"] == theirs
        assert system.call("reader", "PATCH", url, json={"description": "x"}).status_code == 404
        assert system.call("reader", "DELETE", url).status_code == 404
    assert system.call("reader", "PATCH", f"{ALL}/{mine}", json={"description": "x"}).status_code == 200
    assert system.call("reader", "DELETE", f"{ALL}/{mine}").status_code == 204
    assert [item["id"] for item in system.direct.get(ALL).json] == [theirs]


def test_a_client_with_write_and_own_changes_all_and_lists_its_own(system, allocate):
    mine, theirs = allocate("writer", 10), allocate("bob", 11)
    assert listed_ids(system, "writer", ALL) == [mine]
    assert system.call("writer", "GET", f"{ALL}/{theirs}").status_code == 404
    assert system.call("writer", "PATCH", f"{ALL}/{theirs}", json={"description": "x"}).status_code == 200
    assert system.call("writer", "DELETE", f"{ALL}/{theirs}").status_code == 204


def test_an_allocation_of_any_vehicle_belongs_to_the_client(system, car):
    mine = system.call("ann", "POST", "/api/cars/any/allocations", json=period_fields(10, 11))
    assert mine.status_code == 201
    assert listed_ids(system, "ann", ALL) == [mine.json["id"]]
    assert listed_ids(system, "bob", ALL) == []


def test_the_same_idempotency_key_of_two_clients_is_two_keys(system, car):
    order = {"json": period_fields(10, 11), "headers": {"Idempotency-Key": "order-1"}}
    first = system.call("ann", "POST", f"{car}/allocations", **order)
    assert system.call("ann", "POST", f"{car}/allocations", **order).json == first.json
    assert system.call("bob", "POST", f"{car}/allocations", **order).json["code"] == "period_taken"


def test_availability_is_the_same_for_all_clients(system, car, allocate):
    allocate("bob", 10)
    for url in (f"{car}/availability", "/api/cars/all/availability", "/api/cars"):
        assert len({system.call(name, "GET", url).data for name in ("ann", "bob", "looker", "office")}) == 1


def test_only_a_client_that_may_change_all_allocations_ignores_a_closure(system, car):
    assert system.call("office", "PATCH", car, json={"closed_from": hour_start(10)}).status_code == 200
    body = {**period_fields(10, 11), "despite_closed": True}
    for name in ("ann", "cars"):
        response = system.call(name, "POST", f"{car}/allocations", json=body)
        assert set(refused(response, 422, "invalid_fields")["errors"]) == {"despite_closed"}
    for hour, name in ((11, "writer"), (12, "office")):
        response = system.call(name, "POST", f"{car}/allocations", json={**body, **period_fields(hour, hour + 1)})
        assert response.status_code == 201
