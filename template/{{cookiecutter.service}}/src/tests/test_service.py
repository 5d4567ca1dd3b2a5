"""The features that all services of InvSys share: health, metrics, headers, problems."""

from contextlib import ExitStack

import pytest
from flask_migrate import upgrade
from sqlalchemy import text

from depot import errors
from depot.db.models import db

from tests.conftest import application
from tests.support.refusals import refused


def test_it_is_alive_and_ready(client):
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready"}


def test_it_is_not_ready_without_its_tables(fresh_app):
    client = fresh_app.test_client()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert "run 'depot-manage migrate'" in refused(answer, 503, "database_unavailable")["detail"]
    assert answer.headers["Retry-After"] == "1"
    refused(client.get("/api/pallets"), 503, "database_unavailable")


@pytest.mark.parametrize(("compatible", "status"), [("0001", 200), ("9999", 503)])
def test_it_is_ready_on_the_database_of_a_newer_version_that_is_compatible(fresh_app, compatible, status):
    upgrade()
    with db.engine.begin() as connection:
        statement = text("UPDATE alembic_version SET version_num = '9999', compatible_revision = :compatible")
        connection.execute(statement, {"compatible": compatible})
    answer = fresh_app.test_client().get("/readyz")
    assert answer.status_code == status
    assert ("a newer version" in answer.text) == (status == 503)


def test_a_request_keeps_its_id(client):
    assert client.get("/healthz", headers={"X-Request-Id": "abc"}).headers["X-Request-Id"] == "abc"


def test_metrics_are_by_route(client):
    client.get("/api/pallets")
    assert 'route="/api/pallets",status="200"' in client.get("/metrics").text


def test_metrics_are_for_this_machine_only(client):
    answer = client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    refused(answer, 403, "address_not_allowed")


@pytest.mark.parametrize("path", ["/api/pallets", "/docs/problems", "/nowhere"])
def test_another_host_name_is_refused(client, path):
    refused(client.get(path, headers={"Host": "elsewhere.example"}), 421, "misdirected_request")
    refused(client.get(path, headers={"Host": "localhost, elsewhere.example"}), 400, "http_400")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operators_may_use_any_host_name(client, path):
    assert client.get(path, headers={"Host": "elsewhere.example"}).status_code == 200


def test_with_a_secret_only_the_gateway_gets_responses(new_url):
    secret = "a-secret-of-20-chars"
    with application(new_url(), INVSYS_SERVER_GATEWAY_SECRET=secret) as app:
        client = app.test_client()
        refused(client.get("/docs/problems"), 403, "gateway_required")
        assert client.get("/docs/problems", headers={"X-Gateway-Secret": secret}).status_code == 200
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/api/pallets", "/docs/problems", "/nowhere", "/metrics"])
def test_every_response_has_the_default_headers(client, path):
    headers = client.get(path).headers
    names = ("X-Content-Type-Options", "Referrer-Policy", "Cache-Control")
    assert [headers[name] for name in names] == ["nosniff", "no-referrer", "no-store"]


@pytest.mark.parametrize("path", ["/", "/api", "/api/none", "/api/pallets/", "/api//pallets"])
def test_an_unknown_path_is_not_found(client, path):
    refused(client.get(path), 404, "not_found")


def test_an_unknown_method_is_refused_with_the_allowed_ones(client):
    answer = client.put("/api/pallets", json={})
    refused(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_every_problem_has_a_page(client):
    listed = client.get("/docs/problems").text
    for kind in (errors.PalletNotFound, errors.NameTaken, errors.VersionMismatch, errors.Overloaded):
        assert f"/docs/problems/{kind.code}" in listed
        assert kind.title in client.get(f"/docs/problems/{kind.code}").text


def test_an_internal_error_reveals_no_details(app, monkeypatch):
    monkeypatch.setattr("depot.pallets.page", lambda *_: 1 / 0)
    body = refused(app.test_client().get("/api/pallets"), 500, "internal_error")
    assert "ZeroDivisionError" not in str(body)


def test_an_unreachable_database_is_reported():
    with application("postgresql://nobody@127.0.0.1:1/nothing") as app:
        refused(app.test_client().get("/api/pallets"), 503, "database_unavailable")


def test_an_overloaded_database_is_reported(client, monkeypatch):
    with client.application.app_context():
        pool = db.engine.pool
        monkeypatch.setattr(pool, "_timeout", 0)
        with ExitStack() as connections:
            for _ in range(pool.size() + pool._max_overflow):
                connections.enter_context(db.engine.connect())
            refused(client.get("/api/pallets"), 503, "busy")
