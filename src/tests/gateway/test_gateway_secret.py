"""The secret that the gateway and the services behind it share: sent only to them, and shown nowhere."""

import json
import logging

import pytest

from invsys.inventory.application import build_app as build_inventory
from tests.conftest import close, load_settings
from tests.gateway.conftest import as_client
from tests.support.front_door import EVERYTHING
from tests.support.refusals import refused
from tests.support.serving_apps import served_app

SECRET = "a-secret-of-20-chars"
ANOTHER = "another-secret-of-26-chars"


@pytest.fixture
def guarded(database_url):
    """The base URL of an inventory that answers to its gateway only."""
    app = build_inventory(load_settings(database_url, INVSYS_SERVER_GATEWAY_SECRET=SECRET))
    with served_app(app) as url:
        yield url
    close(app)


def test_the_secret_is_sent_with_every_request(gateway, upstream, key_of):
    app = gateway(upstream.url, INVSYS_UPSTREAM_SECRET=SECRET)
    client = as_client(app, key_of("booking", *EVERYTHING))
    client.get("/api/cars")
    client.post("/api/cars", json={})
    app.test_client().get("/docs")
    assert [request.values("x-gateway-secret") for request in upstream.requests] == [[SECRET]] * 3


@pytest.mark.parametrize("secret", ["", SECRET])
def test_a_secret_from_a_caller_is_not_passed_on(gateway, upstream, key_of, secret):
    client = as_client(gateway(upstream.url, INVSYS_UPSTREAM_SECRET=secret), key_of("booking", *EVERYTHING))
    client.get("/api/cars", headers={"X-Gateway-Secret": ANOTHER})
    [request] = upstream.requests
    assert request.values("x-gateway-secret") == ([secret] if secret else [])


def test_the_issuer_of_tokens_does_not_get_it(gateway, upstream):
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
def test_without_it_the_gateway_is_refused(gateway, guarded, key_of, secret):
    client = as_client(gateway(guarded, INVSYS_UPSTREAM_SECRET=secret), key_of("booking", *EVERYTHING))
    refused(client.get("/api/cars"), 403, "gateway_required")
    refused(client.post("/api/cars", json={"name": "Car1"}), 403, "gateway_required")


def test_a_caller_that_only_claims_to_be_the_gateway_is_refused(database_url):
    app = build_inventory(load_settings(database_url, INVSYS_SERVER_GATEWAY_SECRET=SECRET))
    client = app.test_client()
    for path in ("/api/cars", "/api/openapi.json", "/docs", "/", "/nowhere"):
        refused(client.get(path, headers={"X-Client-Id": "root"}), 403, "gateway_required")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    assert client.get("/api/cars", headers={"X-Gateway-Secret": SECRET}).status_code == 200
    close(app)


def test_the_config_command_does_not_show_it(run, monkeypatch):
    monkeypatch.setenv("INVSYS_UPSTREAM_SECRET", SECRET)
    status, output, _ = run("config")
    assert status == 0
    assert SECRET not in output
    assert "secret = ***" in output


@pytest.mark.parametrize("secret", ["short-SECRET", "a secret with blanks", "s\xe9cret-of-20-letters"])
def test_an_unusable_secret_is_refused_without_showing_it(run, monkeypatch, secret):
    monkeypatch.setenv("INVSYS_UPSTREAM_SECRET", secret)
    status, output, error = run("config")
    assert status == 2
    assert error.startswith("invsys-gateway-manage: [upstream] secret (from INVSYS_UPSTREAM_SECRET): Not 16 to 255")
    assert error.count("\n") == 1
    assert secret not in output + error
