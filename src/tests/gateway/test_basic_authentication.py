"""HTTP Basic authentication with client name and key: only for the list at /table, calendars and GBFS."""

from base64 import b64encode

import pytest

from tests.support.gateway_refusals import challenges
from tests.support.refusals import refused
from tests.support.tables import table_driven

CLIENTS = {"staff": "resources:read allocations:read", "other": "resources:read", "mover": "resources:write"}
CLIENTS["own"] = "resources:read allocations:own"


def basic(name, key):
    return {"Authorization": f"Basic {b64encode(f'{name}:{key}'.encode()).decode()}"}


def test_the_list_accepts_basic_and_bearer(system):
    system.create_cars("staff")
    for headers in (basic("staff", system.keys["staff"]), {"Authorization": f"Bearer {system.keys['staff']}"}):
        response = system.call(None, "GET", "/table", headers)
        assert (response.status_code, response.mimetype) == (200, "text/html")
        assert system.call(None, "HEAD", "/table", headers).status_code == 200
    lower = {"Authorization": basic("staff", system.keys["staff"])["Authorization"].replace("Basic", "basic")}
    assert system.call(None, "GET", "/table", lower).status_code == 200


@pytest.fixture
def subscriptions(system):
    """The paths of a calendar and of a GBFS file, with the scopes that they require."""
    car = system.create_cars("staff")["car"]
    return {
        f"/api/cars/{car}/allocations.ics": "allocations:read",
        "/api/cars/gbfs/vehicle_availability.json": "resources:read",
    }


def test_calendars_and_gbfs_accept_basic(system, subscriptions):
    for path in subscriptions:
        for method in ("GET", "HEAD"):
            response = system.call(None, method, path, basic("staff", system.keys["staff"]))
            assert response.status_code == 200, response.text
        refused(system.call(None, "GET", path, basic("staff", system.keys["other"])), 401, "unauthenticated")


def test_the_first_challenge_for_calendars_and_gbfs_is_basic(system, subscriptions):
    for path in subscriptions:
        response = system.call(None, "GET", path)
        refused(response, 401, "unauthenticated")
        assert list(challenges(response)) == ["Basic", "Bearer"]


def test_basic_requires_the_same_scopes(system, subscriptions):
    for path, scope in subscriptions.items():
        response = system.call(None, "GET", path, basic("mover", system.keys["mover"]))
        assert refused(response, 403, "forbidden")["scope"] == scope


def test_a_calendar_with_basic_shows_the_clients_own_allocations(system, subscriptions):
    path = next(iter(subscriptions))
    texts = [system.call(None, "GET", path, basic(name, system.keys[name])).text for name in ("staff", "own")]
    assert [text.count("BEGIN:VEVENT") for text in texts] == [1, 0]


def test_the_list_requires_its_scope(system):
    body = refused(system.call(None, "GET", "/table", basic("mover", system.keys["mover"])), 403, "forbidden")
    assert body["scope"] == "resources:read"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/cars"),
        ("POST", "/api/cars"),
        ("GET", "/api/events"),
        ("GET", "/api/cars/all/allocations"),
        ("POST", "/table"),
        ("DELETE", "/table"),
        ("GET", "/unknown"),
    ],
)
def test_other_paths_and_methods_do_not_accept_basic(system, method, path):
    response = system.call(None, method, path, basic("staff", system.keys["staff"]))
    refused(response, 401, "unauthenticated")
    if path != "/table":
        assert challenges(response).keys() == {"Bearer"}


@pytest.mark.parametrize("headers", [{}, basic("staff", "wrong"), {"Authorization": "Bearer wrong"}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_first_challenge_for_the_list_is_basic(system, method, headers):
    response = system.call(None, method, "/table", headers)
    assert response.status_code == 401
    schemes = challenges(response)
    # Browsers evaluate only the first challenge.
    assert list(schemes) == ["Basic", "Bearer"]
    assert schemes["Basic"]["realm"]
    assert schemes["Bearer"].get("error") == ("invalid_token" if headers else None)


@table_driven(
    "pair",
    [
        "other:{key}",
        "staff:{other}",
        ":{key}",
        "staff:",
        "staff",
        "",
        "Staff:{key}",
        "staff :{key}",
        "staff::{key}",
        "{key}:staff",
        "{key}:",
        "{key}",
        "st\xe4ff:{key}",
        "staff:{key}\xe9",
        "staff:{key}\n",
        "staff:{key}\0",
        "staff:invsys_\xff_x",
    ],
)
def test_client_name_and_key_must_match(system, pair):
    credentials = pair.format(key=system.keys["staff"], other=system.keys["other"])
    for encoding in ("utf-8", "latin-1"):
        headers = {"Authorization": f"Basic {b64encode(credentials.encode(encoding)).decode()}"}
        refused(system.call(None, "GET", "/table", headers), 401, "unauthenticated")


@pytest.mark.parametrize("value", ["Basic", "Basic ", "Basic ====", "Basic a", "Basic staff:{key}", "Basic \xff\xfe"])
def test_malformed_basic_credentials_are_rejected(system, value):
    headers = {"Authorization": value.format(key=system.keys["staff"])}
    refused(system.call(None, "GET", "/table", headers), 401, "unauthenticated")
