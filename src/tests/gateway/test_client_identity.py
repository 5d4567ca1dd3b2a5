"""The gateway sends the client id of each request to the inventory, and drops forged identity headers."""

import pytest

from tests.support.hours_in_2099 import period_fields

ALLOWED = "resources:read resources:write allocations:own events:read"
CLIENTS = {"ann": ALLOWED, "bob": ALLOWED, "office": f"{ALLOWED} allocations:read allocations:write"}
FORGED_HEADERS = [
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


@pytest.mark.parametrize("headers", [{}, *FORGED_HEADERS], ids=str)
def test_every_event_names_the_client_that_made_the_change(system, headers):
    car = system.call("ann", "POST", "/api/cars", headers, json={"name": "Car1"}).headers["Location"]
    allocation = system.call("ann", "POST", f"{car}/allocations", headers, json=period_fields(10, 11)).headers[
        "Location"
    ]
    assert system.call("ann", "PATCH", allocation, headers, json={"description": "x"}).status_code == 200
    assert system.call("ann", "DELETE", allocation, headers).status_code == 204
    assert [event["client_id"] for event in system.events()] == ["ann"] * 4


@pytest.mark.parametrize("headers", [{}, *FORGED_HEADERS[:2]], ids=str)
def test_the_feed_through_the_gateway_names_the_clients(system, headers):
    for name in ("ann", "bob"):
        assert system.call(name, "POST", "/api/cars", headers, json={"name": f"Car of {name}"}).status_code == 201
    events = system.call("bob", "GET", "/api/events", headers).json["events"]
    assert [event["client_id"] for event in events] == ["ann", "bob"]


@pytest.mark.parametrize("headers", FORGED_HEADERS, ids=str)
def test_forged_headers_do_not_show_more(system, headers):
    ids = system.create_cars("bob")
    for url in ("/api/cars/all/allocations", f"/api/cars/{ids['car']}/allocations"):
        assert system.call("ann", "GET", url, headers).json == []
        assert system.call("ann", "GET", f"{url}/{ids['allocation']}", headers).status_code == 404
        assert len(system.call("bob", "GET", url, headers).json) == 1


@pytest.mark.parametrize("sees", ["own", "all"])
def test_forged_headers_do_not_show_less(system, sees):
    ids = system.create_cars("bob")
    response = system.call("office", "GET", "/api/cars/all/allocations", {"X-Client-Sees": sees, "X-Client-Id": "ann"})
    assert [item["id"] for item in response.json] == [ids["allocation"]]


def test_a_forged_client_id_does_not_change_the_owner(system):
    ids = system.create_cars("bob")
    url = f"/api/cars/{ids['idle']}/allocations"
    allocation = system.call("ann", "POST", url, {"X-Client-Id": "bob"}, json=period_fields(10, 11)).headers["Location"]
    assert system.call("bob", "GET", allocation).status_code == 404
    assert system.call("ann", "GET", allocation).status_code == 200
