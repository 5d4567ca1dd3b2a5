"""The page: a browser says who it is with the client's name and its key (HTTP Basic), there and nowhere else."""

from base64 import b64encode

import pytest

from tests.gateway.refusals import challenges
from tests.refusals import refused

CLIENTS = {"staff": "resources:read allocations:read", "other": "resources:read", "mover": "resources:write"}


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
