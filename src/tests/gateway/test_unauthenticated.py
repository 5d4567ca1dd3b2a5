"""Requests without a valid key get 401, for every path, method and form of the header."""

import hashlib
import os
import xml.etree.ElementTree as ET

import pytest

from invsys.gateway import settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from tests.support.gateway_refusals import challenges
from tests.support.refusals import refused
from tests.support.tables import table_driven

UNUSED_URL = "http://127.0.0.1:9"
CAR = "/api/cars/1d08d67a-6e9d-4567-817c-90d66b227cc2"
PATHS = [
    "/table",
    "/table/",
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
    "/unknown",
    "/unknown/at/all",
    "/healthz/more",
    "/admin",
    "/.env",
]
# Paths that another server might interpret differently.
AMBIGUOUS_PATHS = [
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
def app(file, key):
    old, new = (hashlib.sha256(text.encode()).hexdigest() for text in ("invsys_0000000a_old", "invsys_0000000b_new"))
    with file.open("a") as stream:
        stream.write(f"key.0000000a = {old}, until 2020-01-01T00:00:00+00:00\n")
        stream.write(f"key.0000000b = {new}, until 2999-01-01T00:00:00+00:00\n")
    environ = {
        "INVSYS_CONFIG": os.devnull,
        "INVSYS_CLIENTS_FILE": str(file),
        "INVSYS_SERVICES_INVENTORY": UNUSED_URL,
        "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
    }
    return build_app(settings.load(environ=environ))


@pytest.fixture
def call(app):
    """Return a function that sends a request with an Authorization header, as decoded by WSGI, or without it (None)."""

    def call(authorization, path="/api/cars", method="GET", **headers):
        overrides = {} if authorization is None else {"HTTP_AUTHORIZATION": authorization}
        return app.test_client().open(path, method=method, headers=headers, environ_overrides=overrides)

    return call


@table_driven("path", PATHS)
def test_every_path_requires_a_key(call, path):
    for method in METHODS:
        response = call(None, path, method)
        assert response.status_code == 401
        assert challenges(response)["Bearer"].keys() == {"realm"}
        if method != "HEAD":
            refused(response, 401, "unauthenticated")


@pytest.mark.parametrize("path", AMBIGUOUS_PATHS)
def test_ambiguous_paths_require_a_key(call, path):
    for authorization in (None, "Bearer invsys_00000000_wrong"):
        refused(call(authorization, path), 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/api/cars", "/unknown", "/table"])
def test_an_accept_header_of_28000_characters_is_not_parsed(call, path):
    refused(call(None, path, Accept=f"application/xml{' ' * 28_000};q=1"), 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/api/cars", "/unknown", "/table"])
def test_the_problem_is_xml_if_xml_was_requested(call, path):
    response = call("Bearer wrong", path, Accept="application/xml")
    assert (response.status_code, response.mimetype) == (401, "application/problem+xml")
    members = {element.tag.rpartition("}")[2]: element.text for element in ET.fromstring(response.data)}
    assert (members["code"], members["status"]) == ("unauthenticated", "401")
    assert members["type"] == "/docs/problems/unauthenticated"
    assert challenges(response)["Bearer"]["error"] == "invalid_token"


def invalid_keys(key):
    """Return invalid keys by their descriptions: variants of ``key``, and others."""
    scheme, prefix, secret = key.split("_", 2)
    digest = hashlib.sha256(key.encode()).hexdigest()
    return {
        "truncated": key[:-1],
        "with an additional character": f"{key}x",
        "with another last character": key[:-1] + ("A" if key[-1] != "A" else "B"),
        "only its prefix": f"{scheme}_{prefix}_",
        "without its secret": f"{scheme}_{prefix}",
        "only the scheme": f"{scheme}_",
        "only its secret": secret,
        "with an unknown prefix": f"{scheme}_ffffffff_{secret}",
        "with the prefix in capitals": f"{scheme}_{prefix.upper()}_{secret}Z",
        "with another scheme": f"other_{prefix}_{secret}",
        "twice": f"{key} {key}",
        "with a comma": f"{key},{key}",
        "in quotes": f'"{key}"',
        "its digest": digest,
        "its digest as the secret": f"{scheme}_{prefix}_{digest}",
        "in capitals": key.upper(),
        "expired": "invsys_0000000a_old",
        "the secret of another key": f"{scheme}_{prefix}_new",
        "Latin-1": "caf\xe9 \xff\xfe",
        "UTF-8 in its bytes": "invsys_00000000_é".encode().decode("latin-1"),
        "Latin-1 after a valid prefix": f"{scheme}_{prefix}_\xff\xfe\xe9",
        "Latin-1 in the prefix": f"{scheme}_\xff\xfe_{secret}",
        "Latin-1 after the whole key": f"{key}\xa0",
        "a control character": f"{key}\x00",
        "sixty thousand characters": f"{scheme}_{prefix}_{'x' * 60_000}",
        "sixty thousand underscores": "_" * 60_000,
        "a client name": "booking",
    }


@table_driven("kind", invalid_keys("invsys_a_b"))
def test_an_invalid_key_is_rejected(call, key, kind):
    invalid_key = invalid_keys(key)[kind]
    for path, method in (("/api/cars", "GET"), ("/unknown", "GET"), ("/api/cars", "POST"), ("/table", "GET")):
        response = call(f"Bearer {invalid_key}", path, method)
        refused(response, 401, "unauthenticated")
        assert challenges(response)["Bearer"]["error"] == "invalid_token"


@table_driven(
    "authorization",
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
def test_other_forms_of_the_header_are_rejected(call, key, authorization):
    for path in ("/api/cars", "/unknown"):
        response = call(authorization.format(key=key), path)
        refused(response, 401, "unauthenticated")
        assert "error" not in challenges(response)["Bearer"]  # RFC 6750, 3.1: no error code for another scheme


def test_a_key_outside_the_header_is_ignored(call, app, key):
    assert call(None, f"/api/cars?access_token={key}&key={key}").status_code == 401
    assert call(None, **{"X-Api-Key": key, "Cookie": f"key={key}"}).status_code == 401
    assert app.test_client().post("/api/cars", data={"access_token": key}).status_code == 401


@pytest.mark.parametrize(
    "authorization", ["Bearer {key}", "bearer {key}", "BEARER {key}", "Bearer invsys_0000000b_new"]
)
def test_a_valid_key_reaches_the_upstream(call, key, authorization):
    refused(call(authorization.format(key=key)), 502, "upstream_unreachable")


def test_an_unknown_path_with_a_valid_key_gets_404(call, key):
    for path in ("/unknown", "/api/nothing/at/all", "/docsx"):
        refused(call(f"Bearer {key}", path), 404, "not_found")


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/anything", "/static/page.css", "/api/openapi.json"])
def test_public_paths_need_no_key(call, path):
    for authorization in (None, "Bearer wrong", "Basic !!!", "\xff"):
        assert call(authorization, path).status_code in (200, 502)
