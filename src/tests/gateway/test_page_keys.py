"""HTTP Basic with the client's name and its key: for the page, calendars and GBFS, and nowhere else."""

from base64 import b64encode

import pytest

from tests.support.gateway_refusals import challenges
from tests.support.refusals import refused

CLIENTS = {"staff": "resources:read allocations:read", "other": "resources:read", "mover": "resources:write"}
CLIENTS["own"] = "resources:read allocations:own"


def basic(name, key):
    return {"Authorization": f"Basic {b64encode(f'{name}:{key}'.encode()).decode()}"}


def test_the_page_is_shown_to_who_has_a_key(house):
    house.furnish("staff")
    for headers in (basic("staff", house.keys["staff"]), {"Authorization": f"Bearer {house.keys['staff']}"}):
        shown = house.call(None, "GET", "/", headers)
        assert (shown.status_code, shown.mimetype) == (200, "text/html")
        assert house.call(None, "HEAD", "/", headers).status_code == 200
    lower = {"Authorization": basic("staff", house.keys["staff"])["Authorization"].replace("Basic", "basic")}
    assert house.call(None, "GET", "/", lower).status_code == 200


@pytest.fixture
def subscribed(house):
    """The paths that calendar and GBFS programs subscribe to, with the scope of each."""
    car = house.furnish("staff")["car"]
    return {
        f"/api/cars/{car}/allocations.ics": "allocations:read",
        "/api/cars/gbfs/vehicle_availability.json": "resources:read",
    }


def test_calendars_and_gbfs_are_subscribed_to_with_basic(house, subscribed):
    for path in subscribed:
        for method in ("GET", "HEAD"):
            shown = house.call(None, method, path, basic("staff", house.keys["staff"]))
            assert shown.status_code == 200, shown.text
        refused(house.call(None, "GET", path, basic("staff", house.keys["other"])), 401, "unauthenticated")


def test_a_program_without_a_key_is_asked_for_one_by_basic(house, subscribed):
    for path in subscribed:
        answer = house.call(None, "GET", path)
        refused(answer, 401, "unauthenticated")
        assert list(challenges(answer)) == ["Basic", "Bearer"]


def test_basic_adds_no_scope(house, subscribed):
    for path, scope in subscribed.items():
        answer = house.call(None, "GET", path, basic("mover", house.keys["mover"]))
        assert refused(answer, 403, "forbidden")["scope"] == scope


def test_with_basic_a_calendar_shows_its_own_only(house, subscribed):
    path = next(iter(subscribed))
    shown = [house.call(None, "GET", path, basic(name, house.keys[name])).text for name in ("staff", "own")]
    assert [text.count("BEGIN:VEVENT") for text in shown] == [1, 0]


def test_the_page_takes_its_scope_from_browsers_too(house):
    body = refused(house.call(None, "GET", "/", basic("mover", house.keys["mover"])), 403, "forbidden")
    assert body["scope"] == "resources:read"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/cars"),
        ("POST", "/api/cars"),
        ("GET", "/api/events"),
        ("GET", "/api/cars/all/allocations"),
        ("POST", "/"),
        ("DELETE", "/"),
        ("GET", "/nothing"),
    ],
)
def test_nothing_else_knows_browsers_by_that(house, method, path):
    answer = house.call(None, method, path, basic("staff", house.keys["staff"]))
    refused(answer, 401, "unauthenticated")
    if path != "/":
        assert challenges(answer).keys() == {"Bearer"}


@pytest.mark.parametrize("headers", [{}, basic("staff", "wrong"), {"Authorization": "Bearer wrong"}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_page_lets_browsers_ask_for_the_key(house, method, headers):
    answer = house.call(None, method, "/", headers)
    assert answer.status_code == 401
    asked = challenges(answer)
    # In this order: a browser looks no further than the first.
    assert list(asked) == ["Basic", "Bearer"]
    assert asked["Basic"]["realm"]
    assert asked["Bearer"].get("error") == ("invalid_token" if headers else None)


@pytest.mark.parametrize(
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
def test_name_and_key_have_to_belong_together(house, pair):
    said = pair.format(key=house.keys["staff"], other=house.keys["other"])
    for encoding in ("utf-8", "latin-1"):
        headers = {"Authorization": f"Basic {b64encode(said.encode(encoding)).decode()}"}
        refused(house.call(None, "GET", "/", headers), 401, "unauthenticated")


@pytest.mark.parametrize("said", ["Basic", "Basic ", "Basic ====", "Basic a", "Basic staff:{key}", "Basic \xff\xfe"])
def test_what_is_no_base64_is_no_key(house, said):
    headers = {"Authorization": said.format(key=house.keys["staff"])}
    refused(house.call(None, "GET", "/", headers), 401, "unauthenticated")
