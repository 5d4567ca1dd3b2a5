"""Scopes of fleets: each names its fleet; a scope without a fleet grants nothing in one."""

import json

import pytest

from invsys.gateway.auth import scopes
from tests.support.fleets import two_fleets
from tests.support.gateway_refusals import challenges
from tests.support.hours_in_2099 import period_fields
from tests.support.issuer import AUDIENCE, ISSUER, elliptic, key_set, signed
from tests.support.tables import table_driven

CLIENTS = {
    "north": ["resources:read@north/*", "resources:write@north/*"],
    "cars": ["resources:read@north/cars", "allocations:own@north/cars"],
    "lorries": ["allocations:write@north/lorries"],
    "feed": ["events:read@south/*"],
    "plain": ["resources:read", "resources:write", "allocations:read", "events:read"],
    "both": ["resources:read@north/cars", "resources:read@south/*", "resources:write"],
    "limited": ["resources:read@north/*", "resources:read@south/*"],
}
ISSUERS_KEY = elliptic("ec")


@pytest.fixture(scope="module")
def fleets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleets")
    (folder / "jwks.json").write_text(json.dumps(key_set(ISSUERS_KEY)))
    with two_fleets(folder) as fleets:
        for name, words in CLIENTS.items():
            fleets.add_client(name, *words)
        fleets.add_client("slow", "resources:read@north/*", "resources:read@south/*", rate="3/hour")
        yield fleets


@pytest.fixture(scope="module")
def call(fleets, tmp_path_factory):
    jwt = {"keys": fleets.folder / "jwks.json", "issuer": ISSUER, "audience": AUDIENCE}
    app = fleets.build_gateway({"services": {"inventory": fleets.urls["south"]}, "jwt": jwt})
    return lambda name, method, path, **options: fleets.call(app, name, method, path, **options)


@table_driven(
    ("name", "method", "path", "status"),
    [
        ("north", "GET", "/north/api/cars", 200),
        ("north", "GET", "/north/api/lorries", 200),
        ("north", "GET", "/north/table", 200),
        ("north", "GET", "/north/api/events", 403),
        ("north", "GET", "/north/api/cars/all/allocations", 403),
        # Nothing reveals whether a fleet exists in which the client has no scope.
        ("north", "GET", "/south/api/cars", 404),
        ("north", "GET", "/south/api/events", 404),
        ("north", "GET", "/south/whoami", 404),
        ("north", "GET", "/east/api/cars", 404),
        # The inventory of no fleet.
        ("north", "GET", "/api/cars", 404),
        ("north", "GET", "/api/events", 403),
        ("cars", "GET", "/north/api/cars", 200),
        ("cars", "POST", "/north/api/cars", 403),
        ("cars", "GET", "/north/api/lorries", 404),
        ("cars", "GET", "/south/api/cars", 404),
        ("cars", "GET", "/api/cars", 404),
        ("lorries", "GET", "/north/api/cars", 404),
        ("lorries", "GET", "/north/api/lorries", 403),
        ("feed", "GET", "/south/api/events", 200),
        ("feed", "GET", "/north/api/events", 404),
        ("feed", "GET", "/api/events", 403),
        ("plain", "GET", "/api/cars", 200),
        ("plain", "GET", "/api/events", 200),
        ("plain", "GET", "/north/api/cars", 404),
        ("plain", "GET", "/south/api/events", 404),
        ("both", "GET", "/north/api/cars", 200),
        ("both", "GET", "/north/api/lorries", 404),
        ("both", "GET", "/south/api/lorries", 200),
        ("both", "GET", "/api/cars", 403),
    ],
)
def test_a_scope_applies_to_its_fleet_only(call, name, method, path, status):
    body = {"json": {"name": "Car"}} if method == "POST" else {}
    assert call(name, method, path, **body).status_code == status


@table_driven(
    ("name", "method", "path", "scope"),
    [
        ("cars", "POST", "/north/api/cars", "resources:write@north/cars"),
        ("north", "GET", "/north/api/events", "events:read@north/*"),
        ("north", "GET", "/north/api/cars/all/allocations", "allocations:read@north/cars"),
        ("both", "GET", "/api/cars", "resources:read"),
    ],
)
def test_a_refusal_names_the_scope_as_the_operator_grants_it(call, name, method, path, scope):
    response = call(name, method, path, **({"json": {"name": "Car"}} if method == "POST" else {}))
    assert (response.status_code, response.json["scope"]) == (403, scope)
    assert challenges(response)["Bearer"]["scope"] == scope


def test_own_allocations_are_those_of_the_client_in_the_fleet(call, fleets):
    car = fleets.inventories["north"].post("/api/cars", json={"name": "C1"}).json["id"]
    fleets.inventories["north"].post(f"/api/cars/{car}/allocations", json=period_fields(1, 2))
    allocation = call("cars", "POST", f"/north/api/cars/{car}/allocations", json=period_fields(3, 4)).json["id"]
    rows = call("cars", "GET", f"/north/api/cars/{car}/allocations").json
    assert [row["id"] for row in rows] == [allocation]


def test_whoami_shows_all_scopes_and_below_a_fleet_those_that_apply_there(call):
    assert call("both", "GET", "/whoami").json["scopes"] == sorted(CLIENTS["both"])
    assert call("both", "GET", "/north/whoami").json["scopes"] == ["resources:read@cars"]
    assert call("both", "GET", "/south/whoami").json["scopes"] == ["resources:read"]


def test_a_token_can_name_fleets(call, fleets):
    token = signed(ISSUERS_KEY, scope="resources:read@north/cars openid events:read@north/* x@y/z")
    fleets.keys["token"] = token
    assert call("token", "GET", "/north/api/cars").status_code == 200
    assert call("token", "GET", "/north/api/events").status_code == 200
    assert call("token", "GET", "/south/api/cars").status_code == 404
    assert call("token", "GET", "/whoami").json["scopes"] == ["events:read@north/*", "resources:read@north/cars"]


def test_the_rate_of_a_client_is_one_for_all_fleets(call):
    paths = ["/north/api/cars", "/south/api/cars", "/north/api/lorries", "/south/api/cars"]
    assert [call("slow", "GET", path).status_code for path in paths] == [200, 200, 200, 429]


@table_driven(
    "word",
    [
        "resources:read@north/",
        "resources:read@/cars",
        "resources:read@north/cars/x",
        "resources:read@North/cars",
        "resources:read@-north/cars",
        "resources:read@north_1/cars",
        "resources:read@*/cars",
        "resources:read@*",
        "resources:read@north/**",
        "resources:read@north/Cars",
        "resources:read@north/cars@south/cars",
        "@north/cars",
        "resources:read@" + "a" * 64 + "/cars",
    ],
)
def test_a_malformed_scope_is_refused(word):
    with pytest.raises(ValueError, match="is not a scope such as"):
        scopes.parse([word])
    assert str(scopes.parse_known([word, "resources:read"])) == "resources:read"


@table_driven("words", CLIENTS.values())
def test_scopes_are_printed_as_they_are_parsed(words):
    assert str(scopes.parse(words)).split() == sorted(words)


@table_driven(
    ("scope", "message"),
    [
        ("resources:read@east/cars", "unknown fleet east; the fleets are north, south"),
        ("resources:read@nort/cars", "unknown fleet nort (did you mean north?)"),
        ("events:read@north/cars", "events:read cannot be restricted to a collection: remove @cars"),
        ("resources:fly@north/*", "unknown scope resources:fly; the scopes are"),
    ],
)
def test_the_command_refuses_scopes_that_no_fleet_has(run_command, monkeypatch, scope, message):
    for fleet in ("north", "south"):
        monkeypatch.setenv(f"INVSYS_FLEETS_{fleet.upper()}", "http://127.0.0.1:9")
    status, _, errors = run_command("client", "add", "booking", "--scope", scope)
    assert status == 2
    assert message in errors


def test_without_fleets_the_command_says_so(run_command):
    status, _, errors = run_command("client", "add", "booking", "--scope", "resources:read@north/*")
    assert (status, errors) == (2, "invsys-gateway-manage: unknown fleet north; there are no fleets\n")


def test_the_command_adds_and_lists_scopes_of_fleets(run_command, monkeypatch):
    monkeypatch.setenv("INVSYS_FLEETS_NORTH", "http://127.0.0.1:9")
    scope = "allocations:write@north/cars events:read@north/* resources:read"
    assert run_command("client", "add", "booking", "--scope", scope)[0] == 0
    assert f"booking: {scope}" in run_command("client", "list")[1]
