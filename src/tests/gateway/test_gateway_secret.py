"""The secret shared by the gateway and the services: sent only to the services, and never shown."""

import json
import logging

import pytest

from invsys.inventory.application import build_app as build_inventory
from tests.conftest import close, load_settings
from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES
from tests.support.refusals import refused
from tests.support.serving_apps import served_app

SECRET = "a-secret-of-20-chars"
ANOTHER = "another-secret-of-26-chars"


@pytest.fixture
def protected_inventory(database_url):
    """The base URL of an inventory that accepts requests only from its gateway."""
    app = build_inventory(load_settings(database_url, INVSYS_SERVER_GATEWAY_SECRET=SECRET))
    with served_app(app) as url:
        yield url
    close(app)


def test_the_secret_is_sent_with_every_request(build_gateway, upstream, add_client):
    app = build_gateway(upstream.url, INVSYS_UPSTREAM_SECRET=SECRET)
    client = as_client(app, add_client("booking", *ALL_SCOPES))
    client.get("/api/cars")
    client.post("/api/cars", json={})
    app.test_client().get("/docs")
    assert [request.values("x-gateway-secret") for request in upstream.requests] == [[SECRET]] * 3


@pytest.mark.parametrize("secret", ["", SECRET])
def test_a_secret_sent_by_a_caller_is_not_forwarded(build_gateway, upstream, add_client, secret):
    client = as_client(build_gateway(upstream.url, INVSYS_UPSTREAM_SECRET=secret), add_client("booking", *ALL_SCOPES))
    client.get("/api/cars", headers={"X-Gateway-Secret": ANOTHER})
    [request] = upstream.requests
    assert request.values("x-gateway-secret") == ([secret] if secret else [])


def test_the_secret_is_not_sent_to_the_token_issuer(build_gateway, upstream):
    keys = f"{upstream.url}/keys"
    jwt_settings = {"INVSYS_JWT_KEYS": keys, "INVSYS_JWT_ISSUER": "https://a.example", "INVSYS_JWT_AUDIENCE": "invsys"}
    app = build_gateway("http://127.0.0.1:9", INVSYS_UPSTREAM_SECRET=SECRET, **jwt_settings)
    as_client(app, "aaaa.bbbb.cccc").get("/api/cars")
    [request] = upstream.requests
    assert request.target == "/keys"
    assert SECRET.encode() not in request.head


def test_the_secret_is_in_no_response_and_no_log(build_gateway, protected_inventory, add_client, caplog):
    app = build_gateway(protected_inventory, INVSYS_UPSTREAM_SECRET=SECRET)
    client = as_client(app, add_client("booking", *ALL_SCOPES))
    with caplog.at_level(logging.DEBUG):
        responses = [client.get("/api/cars"), client.get("/api/cars/x"), client.get("/api/openapi.json")]
    assert SECRET not in caplog.text
    assert SECRET not in json.dumps([[response.text, dict(response.headers)] for response in responses])


def test_a_gateway_with_the_same_secret_is_accepted(build_gateway, protected_inventory, add_client):
    client = as_client(
        build_gateway(protected_inventory, INVSYS_UPSTREAM_SECRET=SECRET), add_client("booking", *ALL_SCOPES)
    )
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201
    assert [car["name"] for car in client.get("/api/cars").json] == ["Car1"]


@pytest.mark.parametrize("secret", ["", ANOTHER])
def test_a_gateway_without_the_secret_is_rejected(build_gateway, protected_inventory, add_client, secret):
    client = as_client(
        build_gateway(protected_inventory, INVSYS_UPSTREAM_SECRET=secret), add_client("booking", *ALL_SCOPES)
    )
    refused(client.get("/api/cars"), 403, "gateway_required")
    refused(client.post("/api/cars", json={"name": "Car1"}), 403, "gateway_required")


def test_a_caller_without_the_secret_is_rejected(database_url):
    app = build_inventory(load_settings(database_url, INVSYS_SERVER_GATEWAY_SECRET=SECRET))
    client = app.test_client()
    for path in ("/api/cars", "/api/openapi.json", "/docs", "/", "/table", "/unknown"):
        refused(client.get(path, headers={"X-Client-Id": "root"}), 403, "gateway_required")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    assert client.get("/api/cars", headers={"X-Gateway-Secret": SECRET}).status_code == 200
    close(app)


def test_the_config_command_does_not_show_the_secret(run_command, monkeypatch):
    monkeypatch.setenv("INVSYS_UPSTREAM_SECRET", SECRET)
    status, output, _ = run_command("config")
    assert status == 0
    assert SECRET not in output
    assert "secret = ***" in output


@pytest.mark.parametrize("secret", ["short-SECRET", "a secret with spaces", "s\xe9cret-of-20-letters"])
def test_an_invalid_secret_is_rejected_without_showing_it(run_command, monkeypatch, secret):
    monkeypatch.setenv("INVSYS_UPSTREAM_SECRET", secret)
    status, output, error = run_command("config")
    assert status == 2
    assert error.startswith("invsys-gateway-manage: [upstream] secret (from INVSYS_UPSTREAM_SECRET): Not 16 to 255")
    assert error.count("\n") == 1
    assert secret not in output + error
