"""``GET /whoami``: the client, its scopes and its limits, for every caller with a key or a token."""

import xml.etree.ElementTree as ET

import httpx2
import pytest

from invsys_client import Client, Limit, Unauthenticated
from tests.gateway.conftest import as_client
from tests.support.gateway_refusals import challenges
from tests.support.rate_limit_fields import announced, members
from tests.support.refusals import refused
from tests.support.tables import table_driven

LIMITS = {"rate": "7/minute", "write_rate": "100/second; 1000/minute", "concurrent": 3}
DOCUMENT = {
    "client": "booking",
    "scopes": ["allocations:own@cars", "resources:read"],
    "limits": [
        {"name": "rate", "quota": 7, "unit": "requests", "window_seconds": 60},
        {"name": "write_rate_1s", "quota": 100, "unit": "requests", "window_seconds": 1},
        {"name": "write_rate_60s", "quota": 1000, "unit": "requests", "window_seconds": 60},
        {"name": "concurrent", "quota": 3, "unit": "concurrent-requests", "window_seconds": None},
    ],
}


@pytest.fixture
def client(build_from_ini, upstream, add_client):
    """A client with individual limits."""
    key = add_client("booking", *DOCUMENT["scopes"], **LIMITS)
    return as_client(build_from_ini({"services": {"inventory": upstream.url}}), key)


def test_a_client_gets_its_name_scopes_and_limits(client, upstream):
    response = client.get("/whoami")
    assert (response.status_code, response.mimetype, response.json) == (200, "application/json", DOCUMENT)
    assert response.headers["Cache-Control"] == "no-store"
    assert upstream.requests == []


def test_the_limits_are_those_in_the_headers(client):
    response = client.get("/whoami")
    policies = members(response, "RateLimit-Policy")
    assert [(limit["name"], limit["quota"]) for limit in response.json["limits"]] == [
        (name, policy["q"]) for name, policy in policies.items()
    ]
    assert [limit["window_seconds"] for limit in response.json["limits"]] == [
        policy.get("w") for policy in policies.values()
    ]


def test_the_request_counts_towards_the_rate(client):
    assert announced(client.get("/whoami")) == {"rate": (7, 6)}
    assert announced(client.get("/whoami")) == {"rate": (7, 5)}


def test_the_python_client_returns_the_same(client):
    token = client.environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    transport = httpx2.WSGITransport(app=client.application)
    with Client("http://localhost", token=token, transport=transport) as invsys:
        caller = invsys.whoami()
    assert (caller.client, list(caller.scopes)) == (DOCUMENT["client"], DOCUMENT["scopes"])
    assert caller.limits == tuple(Limit(**limit) for limit in DOCUMENT["limits"])
    with Client("http://localhost", transport=transport) as invsys, pytest.raises(Unauthenticated):
        invsys.whoami()


def test_limits_that_the_client_does_not_have_are_those_of_the_settings(build_from_ini, add_client):
    limits = {"rate": "9/minute", "write_rate": "8/minute", "concurrent": 2}
    client = as_client(build_from_ini({"limits": limits}), add_client("booking"))
    document = client.get("/whoami").json
    assert document["scopes"] == []
    assert [(limit["name"], limit["quota"]) for limit in document["limits"]] == [
        ("rate", 9),
        ("write_rate", 8),
        ("concurrent", 2),
    ]


def test_the_response_can_be_xml(client):
    response = client.get("/whoami", headers={"Accept": "application/xml"})
    assert response.mimetype == "application/xml"
    caller = ET.fromstring(response.data)
    assert caller.findtext("client") == "booking"
    assert [scope.text for scope in caller.find("scopes")] == DOCUMENT["scopes"]
    texts = [{member.tag: member.text for member in limit} for limit in caller.find("limits")]
    assert texts == [
        {name: None if value is None else str(value) for name, value in limit.items()} for limit in DOCUMENT["limits"]
    ]


def test_head_has_the_headers_of_get(client):
    head, read = client.head("/whoami"), client.get("/whoami")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == read.headers["Content-Length"]


@table_driven("authorization", [None, "Bearer unknown", "Basic Ym9va2luZzpLRVk="])
def test_without_a_valid_key_the_response_is_401(client, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    response = client.application.test_client().get("/whoami", headers=headers)
    refused(response, 401, "unauthenticated")
    # Browsers would send stored Basic credentials for any page.
    assert set(challenges(response)) == {"Bearer"}
    assert set(announced(response)) == {"anonymous"}


def test_query_parameters_are_refused(client):
    assert refused(client.get("/whoami?client=other"), 422, "invalid_fields")["errors"] == {
        "client": ["Unknown field."]
    }


@table_driven("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(client, method):
    assert refused(client.open("/whoami", method=method), 405, "method_not_allowed")


def test_a_service_at_the_root_does_not_replace_it(build_from_ini, upstream, add_client):
    key = add_client("booking", "echo:read")
    app = build_from_ini({"services": {"echo": upstream.url}, "routes": {"/": "echo"}})
    assert as_client(app, key).get("/whoami").json["client"] == "booking"
    assert upstream.requests == []
