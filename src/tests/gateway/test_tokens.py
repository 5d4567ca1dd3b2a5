"""JSON Web Tokens: who is named by one that the issuer has signed for this audience, and what it may do."""

import json
import time

import pytest

from tests.gateway.conftest import as_client
from tests.support.issuer import AUDIENCE, ISSUER, claims, elliptic, key_set, rsa, signed
from tests.support.refusals import refused

EC, RSA = elliptic("ec"), rsa("rsa")


@pytest.fixture
def trusting(gateway, tmp_path):
    """Build a gateway that trusts the issuer, with more settings such as ``INVSYS_JWT_CLIENT`` if wanted."""
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(key_set(EC, RSA)))

    def trusting(inventory="http://127.0.0.1:9", **more):
        said = {"INVSYS_JWT_KEYS": str(file), "INVSYS_JWT_ISSUER": ISSUER, "INVSYS_JWT_AUDIENCE": AUDIENCE}
        return gateway(inventory, **said, **more)

    return trusting


@pytest.fixture
def status(trusting):
    """The status that a token gets from a gateway with nobody behind."""

    def status(token, path="/api/cars", **more):
        return as_client(trusting(**more), token).get(path).status_code

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
def test_a_right_token_is_let_through(status, token):
    assert status(token) == 502


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_has_no_case(trusting, scheme):
    answer = trusting().test_client().get("/api/cars", headers={"Authorization": f"{scheme} {signed(EC)}"})
    assert answer.status_code == 502


def test_clocks_may_differ_as_far_as_the_settings_say(status):
    just_over = signed(EC, exp=int(time.time()) - 10)
    just_early = signed(EC, nbf=int(time.time()) + 10)
    for token in (just_over, just_early):
        assert status(token) == 502
        assert status(token, INVSYS_JWT_LEEWAY="0") == 401


def test_the_issuers_token_names_the_client_to_the_inventory(trusting, inventory):
    client = as_client(trusting(inventory), signed(EC, sub="ann@example", scope="resources:write events:read"))
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201
    [event] = client.get("/api/events").json["events"]
    assert event["client_id"] == "ann@example"


def test_a_setting_says_which_claim_names_the_client(trusting, inventory):
    app = trusting(inventory, INVSYS_JWT_CLIENT="azp")
    client = as_client(app, signed(EC, azp="app-7", scope="resources:write events:read"))
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201
    assert [event["client_id"] for event in client.get("/api/events").json["events"]] == ["app-7"]
    refused(as_client(app, signed(EC)).get("/api/cars"), 401, "unauthenticated")


@pytest.mark.parametrize(
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
def test_the_scopes_are_those_of_the_claim_that_are_known(trusting, scope, cars, lorries, events):
    client = as_client(trusting(), signed(EC, scope=scope))
    found = [client.get(path).status_code for path in ("/api/cars", "/api/lorries", "/api/events")]
    assert found == [cars, lorries, events]


@pytest.mark.parametrize("scopes", ["events:read openid", ["openid", "events:read"]])
def test_another_claim_can_list_the_scopes(trusting, scopes):
    token = signed(EC, scp=scopes, scope="resources:read")
    client = as_client(trusting(INVSYS_JWT_SCOPES="scp"), token)
    assert [client.get(path).status_code for path in ("/api/cars", "/api/events")] == [404, 502]
    assert as_client(trusting(), token).get("/api/events").status_code == 403


def test_a_client_of_the_file_goes_on_beside(trusting, key_of):
    key = key_of("booking", "resources:read")
    app = trusting()
    assert as_client(app, key).get("/api/cars").status_code == 502
    assert as_client(app, key).get("/api/events").status_code == 403
    # The same name, but its scopes are those of the token.
    assert as_client(app, signed(EC)).get("/api/events").status_code == 502


def test_without_the_setting_no_token_is_accepted(gateway):
    refused(as_client(gateway("http://127.0.0.1:9"), signed(EC)).get("/api/cars"), 401, "unauthenticated")


def test_only_own_allocations_are_shown_to_a_token_that_says_so(trusting, inventory):
    app = trusting(inventory)
    scope = "resources:read resources:write allocations:own"
    ann, bob = (as_client(app, signed(EC, sub=name, scope=scope)) for name in ("ann", "bob"))
    car = ann.post("/api/cars", json={"name": "Car1"}).headers["Location"]
    made = ann.post(f"{car}/allocations", json={"from_infinity": True, "to_infinity": True})
    assert ann.get(made.headers["Location"]).json == made.json
    assert bob.get(made.headers["Location"]).status_code == 404
    assert bob.get("/api/cars/all/allocations").json == []


def test_right_claims_are_what_the_other_tests_change():
    assert claims(sub=None).keys() == claims().keys() - {"sub"}
