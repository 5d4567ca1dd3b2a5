"""X-Client-Sees is ignored unless a trusted gateway sends it; any value other than "own" is refused."""

import pytest

from tests.support.client_identity import OWN_ONLY, ids
from tests.support.hours_in_2099 import hour_start, period_fields

pytestmark = pytest.mark.one_engine

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}
LIST = "/api/cars/all/allocations"


@pytest.fixture
def environ(environ, request):
    return environ | getattr(request, "param", {})


@pytest.fixture
def urls(car, booking):
    """The URLs at which an allocation without an owner is visible."""
    item = booking.replace(car, "/api/cars/all")
    return [LIST, f"{car}/allocations", item, booking, f"{car}/allocations.ics", "/table", "/api/events"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "::1"])
def test_a_restricted_client_does_not_see_allocations_without_an_owner(client, booking, address):
    options = {"headers": {"X-Client-Id": "one", **OWN_ONLY}, "environ_overrides": {"REMOTE_ADDR": address}}
    assert client.get(LIST, **options).json == []
    assert client.get(booking, **options).status_code == 404


def test_without_the_header_a_client_sees_all_allocations(client, booking):
    for headers in ({}, {"X-Client-Id": "one"}):
        assert ids(client.get(LIST, headers=headers)) == [booking[-36:]]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Client-Id": "one", **OWN_ONLY},
        {"X-Client-Id": "one", "X-Client-Sees": "everything"},
        {"X-Client-Sees": "own"},
        {"X-Client-Sees": ""},
    ],
)
def test_the_header_is_ignored_from_untrusted_addresses(client, urls, headers):
    for url in urls:
        response = client.get(url, headers=headers, environ_overrides=ELSEWHERE)
        assert response.status_code == 200
        assert "Car1" in response.text or urls[2][-36:] in response.text


@pytest.mark.parametrize("environ", [{"INVSYS_SERVER_TRUSTED_PROXIES": "192.0.2.7"}], indirect=True, ids=["a gateway"])
def test_the_settings_say_which_gateways_are_trusted(client, booking):
    headers = {"X-Client-Id": "one", **OWN_ONLY}
    assert ids(client.get(LIST, headers=headers)) == [booking[-36:]]
    assert client.get(LIST, headers=headers, environ_overrides=ELSEWHERE).json == []


@pytest.mark.parametrize("value", ["", "Own", "own,own", "own, own", "all", "*", "own\xa0", "\xff", "x" * 300])
def test_any_other_value_is_refused(client, car, booking, urls, refused, nothing_changes, value):
    options = {"environ_overrides": {"HTTP_X_CLIENT_SEES": value, "HTTP_X_CLIENT_ID": "one"}}
    with nothing_changes():
        for url in urls:
            refused(client.get(url, **options), 422, "invalid_fields", "X-Client-Sees")
        refused(client.patch(booking, json={"description": "x"}, **options), 422, "invalid_fields", "X-Client-Sees")
        refused(client.delete(booking, **options), 422, "invalid_fields", "X-Client-Sees")
        refused(client.delete(car, **options), 422, "invalid_fields", "X-Client-Sees")
        for path in (f"{car}/allocations", "/api/cars/any/allocations"):
            for key in ({}, {"Idempotency-Key": "key"}):
                response = client.post(path, json=period_fields(20, 22), headers=key, **options)
                refused(response, 422, "invalid_fields", "X-Client-Sees")


def test_the_header_without_a_client_id_is_refused(client, booking, urls, refused, nothing_changes):
    with nothing_changes():
        for url in urls:
            refused(client.get(url, headers=OWN_ONLY), 422, "invalid_fields", "X-Client-Sees")
        refused(client.delete(booking, headers=OWN_ONLY), 422, "invalid_fields", "X-Client-Sees")
        refused(
            client.patch(booking, json={"to_datetime": hour_start(13)}, headers=OWN_ONLY),
            422,
            "invalid_fields",
            "X-Client-Sees",
        )


def test_an_invalid_client_id_is_refused(client, booking, refused):
    refused(client.get(booking, headers={"X-Client-Id": "a b", **OWN_ONLY}), 422, "invalid_fields", "X-Client-Id")
