"""The secret that the gateway and the services behind it share: sent to those only, and nowhere to be read."""

import json
import logging

import pytest

from invsys.inventory.application import build_app as build_inventory
from tests.conftest import close, load
from tests.front_door import EVERYTHING
from tests.gateway.conftest import as_client
from tests.refusals import refused
from tests.serving_apps import served_app

SECRET = "a-secret-of-20-chars"
ANOTHER = "another-secret-of-26-chars"


@pytest.fixture
def guarded(database_url):
    """The base URL of an inventory that answers to its gateway only."""
    app = build_inventory(load(database_url, INVSYS_SERVER_GATEWAY_SECRET=SECRET))
    with served_app(app) as url:
        yield url
    close(app)


def test_it_is_sent_with_every_request(gateway, upstream, key_of):
    app = gateway(upstream.url, INVSYS_UPSTREAM_SECRET=SECRET)
    client = as_client(app, key_of("booking", *EVERYTHING))
    client.get("/api/cars")
    client.post("/api/cars", json={})
    app.test_client().get("/docs")
    assert [request.values("x-gateway-secret") for request in upstream.requests] == [[SECRET]] * 3


@pytest.mark.parametrize("secret", ["", SECRET])
def test_what_a_caller_sends_in_its_place_goes_no_further(gateway, upstream, key_of, secret):
    client = as_client(gateway(upstream.url, INVSYS_UPSTREAM_SECRET=secret), key_of("booking", *EVERYTHING))
    client.get("/api/cars", headers={"X-Gateway-Secret": ANOTHER})
    [request] = upstream.requests
    assert request.values("x-gateway-secret") == ([secret] if secret else [])


def test_whoever_issues_tokens_is_not_told(gateway, upstream):
    keys = f"{upstream.url}/keys"
    more = {"INVSYS_JWT_KEYS": keys, "INVSYS_JWT_ISSUER": "https://a.example", "INVSYS_JWT_AUDIENCE": "invsys"}
    app = gateway("http://127.0.0.1:9", INVSYS_UPSTREAM_SECRET=SECRET, **more)
    as_client(app, "aaaa.bbbb.cccc").get("/api/cars")
    [request] = upstream.requests
    assert request.target == "/keys"
    assert SECRET.encode() not in request.head


def test_no_answer_and_no_log_has_it(gateway, guarded, key_of, caplog):
    app = gateway(guarded, INVSYS_UPSTREAM_SECRET=SECRET)
    client = as_client(app, key_of("booking", *EVERYTHING))
    with caplog.at_level(logging.DEBUG):
        answers = [client.get("/api/cars"), client.get("/api/cars/x"), client.get("/api/openapi.json")]
    assert SECRET not in caplog.text
    assert SECRET not in json.dumps([[answer.text, dict(answer.headers)] for answer in answers])


def test_with_the_same_secret_the_gateway_is_served(gateway, guarded, key_of):
    client = as_client(gateway(guarded, INVSYS_UPSTREAM_SECRET=SECRET), key_of("booking", *EVERYTHING))
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201
    assert [car["name"] for car in client.get("/api/cars").json] == ["Car1"]


@pytest.mark.parametrize("secret", ["", ANOTHER])
def test_without_it_nobody_is(gateway, guarded, key_of, secret):
    client = as_client(gateway(guarded, INVSYS_UPSTREAM_SECRET=secret), key_of("booking", *EVERYTHING))
    refused(client.get("/api/cars"), 403, "gateway_required")
    refused(client.post("/api/cars", json={"name": "Car1"}), 403, "gateway_required")


def test_who_only_says_that_it_is_the_gateway_is_refused(database_url):
    app = build_inventory(load(database_url, INVSYS_SERVER_GATEWAY_SECRET=SECRET))
    client = app.test_client()
    for path in ("/api/cars", "/api/openapi.json", "/docs", "/", "/nowhere"):
        refused(client.get(path, headers={"X-Client-Id": "root"}), 403, "gateway_required")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    assert client.get("/api/cars", headers={"X-Gateway-Secret": SECRET}).status_code == 200
    close(app)


def test_the_config_command_does_not_show_it(run, monkeypatch):
    monkeypatch.setenv("INVSYS_UPSTREAM_SECRET", SECRET)
    status, said, _ = run("config")
    assert status == 0
    assert SECRET not in said
    assert "secret = ***" in said


@pytest.mark.parametrize("secret", ["short-SECRET", "a secret with blanks", "s\xe9cret-of-20-letters"])
def test_one_that_cannot_be_used_is_refused_without_showing_it(run, monkeypatch, secret):
    monkeypatch.setenv("INVSYS_UPSTREAM_SECRET", secret)
    status, said, complaint = run("config")
    assert status == 2
    assert complaint.startswith("invsys-gateway-manage: [upstream] secret (from INVSYS_UPSTREAM_SECRET): Not 16 to 255")
    assert complaint.count("\n") == 1
    assert secret not in said + complaint
