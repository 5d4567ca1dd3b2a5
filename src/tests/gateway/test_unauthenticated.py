"""Nobody gets behind the gateway without a key that counts, whatever is asked for and however it is said."""

import hashlib
import os
import xml.etree.ElementTree as ET

import pytest

from invsys.gateway import settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from tests.support.gateway_refusals import challenges
from tests.support.refusals import refused

NOBODY_IS_THERE = "http://127.0.0.1:9"
CAR = "/api/cars/1d08d67a-6e9d-4567-817c-90d66b227cc2"
PATHS = [
    "/",
    "/api",
    "/api/",
    "/api/cars",
    "/api/cars/",
    "/api/boats",
    CAR,
    f"{CAR}/allocations",
    f"{CAR}/allocations.ics",
    "/api/cars/all/allocations",
    "/api/cars/any/allocations",
    "/api/cars/gbfs/vehicle_availability.json",
    "/api/events",
    "/api/openapi.json/",
    "/api/openapi",
    "/docsx",
    "/doc",
    "/static",
    "/statics/page.css",
    "/nothing",
    "/nothing/at/all",
    "/healthz/more",
    "/admin",
    "/.env",
]
# A path that might be another one to the service behind is unknown as well.
ODD_PATHS = [
    "/api/cars//",
    "/docs/../api/cars",
    "/api//cars",
    "/api/cars/%2e%2e",
    "/docs/%2e%2e/api/cars",
    "/a b",
    "/é",
]

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("gateway") / "clients.ini"


@pytest.fixture(scope="module")
def key(file):
    return client_admin.add(file, "booking", ["resources:read"])


@pytest.fixture(scope="module")
def built(file, key):
    old, new = (hashlib.sha256(text.encode()).hexdigest() for text in ("invsys_0000000a_old", "invsys_0000000b_new"))
    with file.open("a") as opened:
        opened.write(f"key.0000000a = {old}, until 2020-01-01T00:00:00+00:00\n")
        opened.write(f"key.0000000b = {new}, until 2999-01-01T00:00:00+00:00\n")
    environ = {
        "INVSYS_CONFIG": os.devnull,
        "INVSYS_CLIENTS_FILE": str(file),
        "INVSYS_SERVICES_INVENTORY": NOBODY_IS_THERE,
        "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
    }
    return build_app(settings.load(environ=environ))


@pytest.fixture
def call(built):
    """Send a request with such an Authorization header, its bytes as WSGI has them; None is no header."""

    def call(said, path="/api/cars", method="GET", **headers):
        overrides = {} if said is None else {"HTTP_AUTHORIZATION": said}
        return built.test_client().open(path, method=method, headers=headers, environ_overrides=overrides)

    return call


@pytest.mark.parametrize("path", PATHS)
def test_every_path_asks_who_is_there(call, path):
    for method in METHODS:
        answer = call(None, path, method)
        assert answer.status_code == 401
        assert challenges(answer)["Bearer"].keys() == {"realm"}
        if method != "HEAD":
            refused(answer, 401, "unauthenticated")


@pytest.mark.parametrize("path", ODD_PATHS)
def test_a_path_of_another_kind_asks_too(call, path):
    for said in (None, "Bearer invsys_00000000_wrong"):
        refused(call(said, path), 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/api/cars", "/nothing", "/"])
def test_an_accept_of_28000_characters_is_not_parsed(call, path):
    refused(call(None, path, Accept=f"application/xml{' ' * 28_000};q=1"), 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/api/cars", "/nothing", "/"])
def test_who_asked_for_xml_is_asked_in_xml(call, path):
    answer = call("Bearer wrong", path, Accept="application/xml")
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+xml")
    told = {element.tag.rpartition("}")[2]: element.text for element in ET.fromstring(answer.data)}
    assert (told["code"], told["status"], told["type"]) == ("unauthenticated", "401", "/docs/problems/unauthenticated")
    assert challenges(answer)["Bearer"]["error"] == "invalid_token"


def wrong_keys(key):
    """Give what is nearly a key, and what is nothing like one."""
    beginning, prefix, secret = key.split("_", 2)
    digest = hashlib.sha256(key.encode()).hexdigest()
    return {
        "the end is missing": key[:-1],
        "one character more": f"{key}x",
        "the last character is another": key[:-1] + ("A" if key[-1] != "A" else "B"),
        "only its prefix": f"{beginning}_{prefix}_",
        "without its secret": f"{beginning}_{prefix}",
        "only its beginning": f"{beginning}_",
        "only its secret": secret,
        "an unknown prefix": f"{beginning}_ffffffff_{secret}",
        "its prefix in capitals": f"{beginning}_{prefix.upper()}_{secret}Z",
        "another beginning": f"other_{prefix}_{secret}",
        "twice": f"{key} {key}",
        "with a comma": f"{key},{key}",
        "in quotes": f'"{key}"',
        "its hash": digest,
        "its hash as the secret": f"{beginning}_{prefix}_{digest}",
        "in capitals": key.upper(),
        "has expired": "invsys_0000000a_old",
        "another's secret under its prefix": f"{beginning}_{prefix}_new",
        "Latin-1": "caf\xe9 \xff\xfe",
        "UTF-8 in its bytes": "invsys_00000000_é".encode().decode("latin-1"),
        "Latin-1 after a right prefix": f"{beginning}_{prefix}_\xff\xfe\xe9",
        "Latin-1 in the prefix": f"{beginning}_\xff\xfe_{secret}",
        "Latin-1 after the whole key": f"{key}\xa0",
        "a control character": f"{key}\x00",
        "sixty thousand characters": f"{beginning}_{prefix}_{'x' * 60_000}",
        "sixty thousand underscores": "_" * 60_000,
        "a name": "booking",
    }


@pytest.mark.parametrize("kind", wrong_keys("invsys_a_b"))
def test_a_wrong_key_is_not_accepted(call, key, kind):
    sent = wrong_keys(key)[kind]
    for path, method in (("/api/cars", "GET"), ("/nothing", "GET"), ("/api/cars", "POST"), ("/", "GET")):
        answer = call(f"Bearer {sent}", path, method)
        refused(answer, 401, "unauthenticated")
        assert challenges(answer)["Bearer"]["error"] == "invalid_token"


@pytest.mark.parametrize(
    "said",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer    ",
        "{key}",
        "Bearer{key}",
        "Bearer:{key}",
        "Bearer\t{key}",
        "Token {key}",
        "ApiKey {key}",
        "Digest {key}",
        "Digest username={key}",
        "Negotiate {key}",
        "Basic {key}",
        "Basic",
        "Basic !!!",
        "B\xe9arer {key}",
        "\xff",
        ": ",
        ",",
    ],
)
def test_a_header_that_says_it_in_another_way_says_nothing(call, key, said):
    for path in ("/api/cars", "/nothing"):
        answer = call(said.format(key=key), path)
        refused(answer, 401, "unauthenticated")
        assert "error" not in challenges(answer)["Bearer"]  # RFC 6750, 3.1: no error code for another scheme


def test_a_key_elsewhere_than_in_the_header_is_no_key(call, built, key):
    assert call(None, f"/api/cars?access_token={key}&key={key}").status_code == 401
    assert call(None, **{"X-Api-Key": key, "Cookie": f"key={key}"}).status_code == 401
    assert built.test_client().post("/api/cars", data={"access_token": key}).status_code == 401


@pytest.mark.parametrize("said", ["Bearer {key}", "bearer {key}", "BEARER {key}", "Bearer invsys_0000000b_new"])
def test_a_right_key_is_let_through_to_where_nobody_is(call, key, said):
    refused(call(said.format(key=key)), 502, "upstream_unreachable")


def test_nothing_is_served_at_an_unknown_path_for_who_is_known(call, key):
    for path in ("/nothing", "/api/nothing/at/all", "/docsx"):
        refused(call(f"Bearer {key}", path), 404, "not_found")


@pytest.mark.parametrize("path", ["/docs", "/docs/anything", "/static/page.css", "/api/openapi.json"])
def test_what_is_for_everybody_is_asked_for_without_a_key(call, path):
    for said in (None, "Bearer wrong", "Basic !!!", "\xff"):
        assert call(said, path).status_code in (200, 502)
