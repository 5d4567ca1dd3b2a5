"""Addresses of trusted gateways: the service recognises them in every notation."""

import pytest

pytestmark = pytest.mark.one_engine


# A service that listens on all IPv6 addresses sees IPv4 addresses in the second form (RFC 4291, 2.5.5.2).
@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "::1"])
def test_a_gateway_on_this_machine_is_trusted(client, address):
    headers, environ = {"X-Client-Id": "monolith"}, {"REMOTE_ADDR": address}
    assert (
        client.post("/api/cars", json={"name": "Car1"}, headers=headers, environ_overrides=environ).status_code == 201
    )
    assert [event["client_id"] for event in client.get("/api/events").json["events"]] == ["monolith"]
