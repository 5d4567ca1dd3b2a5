"""With a shared secret, a service accepts only requests from its gateway."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from invsys.chassis.access import gateway_secret
from invsys.chassis.http import problems, request_id
from invsys.chassis.ops import health, metrics
from tests.support.refusals import refused
from tests.support.tables import table_driven

SECRET = "a-secret-of-20-chars"


def create_client(secret: str) -> FlaskClient:
    app = Flask("tiny", static_folder=None)
    for module in (request_id, metrics, problems):
        module.register(app)
    gateway_secret.register(app, secret)
    health.register(app, lambda: None)
    app.add_url_rule("/cars", "cars", lambda: "served")
    return app.test_client()


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    with create_client(SECRET) as client:
        yield client


def test_a_request_with_the_secret_is_served(client: FlaskClient) -> None:
    assert client.get("/cars", headers={"X-Gateway-Secret": SECRET}).text == "served"


@table_driven(
    "sent", [None, "", "x", SECRET[:-1], SECRET + "x", SECRET.upper(), f"{SECRET},{SECRET}", "\xe9" * 20, "a" * 65_000]
)
def test_requests_without_the_right_secret_are_refused(client: FlaskClient, sent: str | None) -> None:
    headers = {} if sent is None else {"X-Gateway-Secret": sent}
    body = refused(client.get("/cars", headers=headers), 403, "gateway_required")
    assert SECRET not in str(body)
    refused(client.get("/nowhere", headers=headers), 403, "gateway_required")


@table_driven("path", ["/healthz", "/readyz", "/metrics"])
def test_the_paths_for_operators_need_no_secret(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_without_a_secret_every_request_is_served() -> None:
    assert create_client("").get("/cars").text == "served"
