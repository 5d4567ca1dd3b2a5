"""Valid JSON Web Tokens: the client that a token names, and its scopes."""

import json
import time

import pytest

from tests.gateway.conftest import as_client
from tests.support.issuer import AUDIENCE, ISSUER, claims, elliptic, key_set, rsa, signed
from tests.support.refusals import refused
from tests.support.tables import table_driven

EC, RSA = elliptic("ec"), rsa("rsa")


@pytest.fixture
def build_trusting(build_gateway, tmp_path):
    """Return a function that builds a gateway that trusts the issuer; ``variables`` are further settings."""
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(key_set(EC, RSA)))

    def build_trusting(inventory="http://127.0.0.1:9", **variables):
        jwt_settings = {"INVSYS_JWT_KEYS": str(file), "INVSYS_JWT_ISSUER": ISSUER, "INVSYS_JWT_AUDIENCE": AUDIENCE}
        return build_gateway(inventory, **jwt_settings, **variables)

    return build_trusting


@pytest.fixture
def status(build_trusting):
    """Return a function that returns the status of a request with a token; no service is behind the gateway."""

    def status(token, path="/api/cars", **variables):
        return as_client(build_trusting(**variables), token).get(path).status_code

    return status


@pytest.mark.parametrize(
    "token",
    [
        signed(EC),
        signed(RSA, "RS256"),
        signed(EC, aud=["other", AUDIENCE]),
        signed(EC, aud=[AUDIENCE]),
        signed(EC, nbf=int(time.time()) - 60),
        signed(EC, exp=int(time.time()) + 7200.5),
        signed(EC, iat=None),
        signed(EC, sub="https://people.example/ann"),
        signed(EC, sub="x" * 255),
        signed(EC, header={"typ": "at+jwt"}),
        signed(EC, more={"anything": ["else", None, 1]}),
    ],
    ids=["EC", "RSA", "audiences", "one audience", "nbf", "fraction", "no iat", "URL", "long", "at+jwt", "more claims"],
)
def test_a_valid_token_is_accepted(status, token):
    assert status(token) == 502


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_case_insensitive(build_trusting, scheme):
    response = build_trusting().test_client().get("/api/cars", headers={"Authorization": f"{scheme} {signed(EC)}"})
    assert response.status_code == 502


def test_the_leeway_is_configurable(status):
    just_expired = signed(EC, exp=int(time.time()) - 60)
    not_yet_valid = signed(EC, nbf=int(time.time()) + 300)
    for token in (just_expired, not_yet_valid):
        assert status(token, INVSYS_JWT_LEEWAY="600") == 502
        assert status(token) == 401


def test_the_inventory_gets_the_client_of_the_token(build_trusting, inventory):
    client = as_client(build_trusting(inventory), signed(EC, sub="ann@example", scope="resources:write events:read"))
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201
    [event] = client.get("/api/events").json["events"]
    assert event["client_id"] == "ann@example"


def test_the_claim_that_names_the_client_is_configurable(build_trusting, inventory):
    app = build_trusting(inventory, INVSYS_JWT_CLIENT="azp")
    client = as_client(app, signed(EC, azp="app-7", scope="resources:write events:read"))
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201
    assert [event["client_id"] for event in client.get("/api/events").json["events"]] == ["app-7"]
    refused(as_client(app, signed(EC)).get("/api/cars"), 401, "unauthenticated")


@table_driven(
    ("scope", "cars", "lorries", "events"),
    [
        ("resources:read", 502, 502, 403),
        ("resources:read@cars", 502, 404, 403),
        ("events:read", 404, 404, 502),
        ("openid profile resources:read https://x.example/y *", 502, 502, 403),
        ("openid", 404, 404, 403),
        ("allocations:read", 403, 403, 403),
        ("", 404, 404, 403),
        (None, 404, 404, 403),
        ("  resources:read  events:read ", 502, 502, 502),
        ("resources:readevents:read", 404, 404, 403),
        ("RESOURCES:READ", 404, 404, 403),
        ("resources:read,events:read", 404, 404, 403),
        (["resources:read", "events:read"], 502, 502, 502),
        (["openid", "resources:read@cars"], 502, 404, 403),
        (["resources:read events:read"], 404, 404, 403),
        ([], 404, 404, 403),
    ],
)
def test_known_scopes_of_the_claim_are_granted(build_trusting, scope, cars, lorries, events):
    client = as_client(build_trusting(), signed(EC, scope=scope))
    statuses = [client.get(path).status_code for path in ("/api/cars", "/api/lorries", "/api/events")]
    assert statuses == [cars, lorries, events]


@pytest.mark.parametrize("scopes", ["events:read openid", ["openid", "events:read"]])
def test_the_claim_with_the_scopes_is_configurable(build_trusting, scopes):
    token = signed(EC, scp=scopes, scope="resources:read")
    client = as_client(build_trusting(INVSYS_JWT_SCOPES="scp"), token)
    assert [client.get(path).status_code for path in ("/api/cars", "/api/events")] == [404, 502]
    assert as_client(build_trusting(), token).get("/api/events").status_code == 403


def test_api_keys_are_accepted_besides_tokens(build_trusting, add_client):
    key = add_client("booking", "resources:read")
    app = build_trusting()
    assert as_client(app, key).get("/api/cars").status_code == 502
    assert as_client(app, key).get("/api/events").status_code == 403
    # The token names the same client, but its own scopes apply.
    assert as_client(app, signed(EC)).get("/api/events").status_code == 502


def test_without_the_setting_tokens_are_rejected(build_gateway):
    refused(as_client(build_gateway("http://127.0.0.1:9"), signed(EC)).get("/api/cars"), 401, "unauthenticated")


def test_a_token_with_allocations_own_shows_only_own_allocations(build_trusting, inventory):
    app = build_trusting(inventory)
    scope = "resources:read resources:write allocations:own"
    ann, bob = (as_client(app, signed(EC, sub=name, scope=scope)) for name in ("ann", "bob"))
    car = ann.post("/api/cars", json={"name": "Car1"}).headers["Location"]
    allocation = ann.post(f"{car}/allocations", json={"from_infinity": True, "to_infinity": True})
    assert ann.get(allocation.headers["Location"]).json == allocation.json
    assert bob.get(allocation.headers["Location"]).status_code == 404
    assert bob.get("/api/cars/all/allocations").json == []


def test_the_helper_removes_a_claim():
    assert claims(sub=None).keys() == claims().keys() - {"sub"}
