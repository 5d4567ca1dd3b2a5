"""The inventory learns from the gateway who calls; whatever callers say of that themselves goes no further."""

import pytest

from tests.support.instants import period_fields

ALLOWED = "resources:read resources:write allocations:own events:read"
CLIENTS = {"ann": ALLOWED, "bob": ALLOWED, "office": f"{ALLOWED} allocations:read allocations:write"}
LIES = [
    {"X-Client-Id": "office"},
    {"X-Client-Id": ""},
    {"x-client-id": "office"},
    {"X-Client-Sees": "all"},
    {"X-Client-Sees": ""},
    {"X-Client-Id": "office", "X-Client-Sees": "everything"},
    {"X_Client_Id": "office", "X_Client_Sees": "all"},
    {"X-Client-Id": "ann, office"},
    {"X-Client-Id": "office", "Connection": "X-Client-Id, X-Client-Sees"},
    {"X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.7"},
]


@pytest.mark.parametrize("lie", [{}, *LIES], ids=str)
def test_every_change_is_told_under_the_name_of_who_made_it(house, lie):
    car = house.call("ann", "POST", "/api/cars", lie, json={"name": "Car1"}).headers["Location"]
    made = house.call("ann", "POST", f"{car}/allocations", lie, json=period_fields(10, 11)).headers["Location"]
    assert house.call("ann", "PATCH", made, lie, json={"description": "x"}).status_code == 200
    assert house.call("ann", "DELETE", made, lie).status_code == 204
    assert [event["client_id"] for event in house.changes()] == ["ann"] * 4


@pytest.mark.parametrize("lie", [{}, *LIES[:2]], ids=str)
def test_the_feed_through_the_gateway_names_who_made_the_change(house, lie):
    for name in ("ann", "bob"):
        assert house.call(name, "POST", "/api/cars", lie, json={"name": f"Car of {name}"}).status_code == 201
    events = house.call("bob", "GET", "/api/events", lie).json["events"]
    assert [event["client_id"] for event in events] == ["ann", "bob"]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_no_client_sees_more_by_saying_so(house, lie):
    ids = house.furnish("bob")
    for url in ("/api/cars/all/allocations", f"/api/cars/{ids['car']}/allocations"):
        assert house.call("ann", "GET", url, lie).json == []
        assert house.call("ann", "GET", f"{url}/{ids['allocation']}", lie).status_code == 404
        assert len(house.call("bob", "GET", url, lie).json) == 1


@pytest.mark.parametrize("sees", ["own", "all"])
def test_no_client_sees_less_by_saying_so(house, sees):
    ids = house.furnish("bob")
    answer = house.call("office", "GET", "/api/cars/all/allocations", {"X-Client-Sees": sees, "X-Client-Id": "ann"})
    assert [one["id"] for one in answer.json] == [ids["allocation"]]


def test_a_name_in_an_allocations_order_makes_it_nobody_elses(house):
    ids = house.furnish("bob")
    url = f"/api/cars/{ids['idle']}/allocations"
    made = house.call("ann", "POST", url, {"X-Client-Id": "bob"}, json=period_fields(10, 11)).headers["Location"]
    assert house.call("bob", "GET", made).status_code == 404
    assert house.call("ann", "GET", made).status_code == 200
