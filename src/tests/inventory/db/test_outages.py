"""Databases that are unreachable, not migrated or locked: 503, no change, and no internals in the response."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.waiting import until

CALLS = pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/cars"),
        ("GET", "/api/cars/all/allocations"),
        ("GET", "/api/cars/gbfs/vehicle_availability.json"),
        ("POST", "/api/cars"),
    ],
)
SECRETS = ("SELECT", "INSERT", "Traceback", "sqlalchemy", "sqlite", "psycopg", "continuous_resource", "hunter2", ".py")


def send_request(client: FlaskClient, method: str, path: str) -> TestResponse:
    return client.open(path, method=method, **({"json": {"name": "Car1"}} if method == "POST" else {}))


def hides_internals(response: TestResponse, tmp_path: Path) -> bool:
    return not any(secret in response.text for secret in (*SECRETS, str(tmp_path)))


class TestUnreachable:
    @pytest.fixture(
        params=["sqlite:///{folder}/no/such/folder/x.sqlite3", "postgresql://invsys:hunter2@/invsys?host={folder}"],
        ids=["sqlite", "postgresql"],
    )
    def environ(self, request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
        return {"INVSYS_DATABASE_URL": request.param.format(folder=tmp_path)}

    @CALLS
    def test_requests_get_503(
        self, client: FlaskClient, refused: Callable[..., Any], tmp_path: Path, method: str, path: str
    ) -> None:
        response = send_request(client, method, path)
        refused(response, 503, "database_unavailable")
        assert int(response.headers["Retry-After"]) > 0
        assert hides_internals(response, tmp_path)

    def test_the_service_is_healthy_but_not_ready(self, client: FlaskClient, tmp_path: Path) -> None:
        assert [client.get(path).status_code for path in ("/healthz", "/metrics", "/readyz")] == [200, 200, 503]
        assert hides_internals(client.get("/readyz"), tmp_path)


class TestNeverMigrated:
    @pytest.fixture
    def environ(self, tmp_path: Path) -> dict[str, str]:
        return {"INVSYS_DATABASE_URL": f"sqlite:///{tmp_path}/bare.sqlite3"}

    def test_the_service_is_healthy_but_not_ready(self, client: FlaskClient) -> None:
        assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 503]

    @CALLS
    def test_responses_hide_internals(self, client: FlaskClient, tmp_path: Path, method: str, path: str) -> None:
        response = send_request(client, method, path)
        assert response.status_code in (500, 503)
        assert response.mimetype == "application/problem+json"
        assert hides_internals(response, tmp_path)


@contextmanager
def locked_database(database_url: str) -> Iterator[None]:
    """Hold a lock that blocks every writer, in another connection."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(database_url) as other:
            other.execute("LOCK TABLE continuous_resources, continuous_resource_allocations")
            yield


@pytest.mark.usefixtures("patient_driver")
class TestLocked:
    @pytest.fixture
    def impatient(self, impatient_app: Flask) -> FlaskClient:
        """A client of a service in which a statement may take only a second."""
        client = impatient_app.test_client()
        # The first request also checks the database.
        until(lambda: client.get("/api/cars").status_code == 200)
        return client

    def test_a_change_gets_busy_and_changes_nothing(
        self, impatient: FlaskClient, car: str, database_url: str, refused: Any, nothing_changes: Any
    ) -> None:
        with nothing_changes(), locked_database(database_url):
            for response in (
                impatient.post("/api/cars", json={"name": "Car2"}),
                impatient.post(f"{car}/allocations", json={"from_infinity": True, "to_infinity": True}),
                impatient.delete(car),
            ):
                refused(response, 503, "busy")
                assert int(response.headers["Retry-After"]) > 0

    def test_the_service_works_after_the_lock_is_released(
        self, impatient: FlaskClient, car: str, database_url: str
    ) -> None:
        def allocate() -> int:
            return impatient.post(f"{car}/allocations", json={"from_infinity": True, "to_infinity": True}).status_code

        with locked_database(database_url):
            assert allocate() == 503
        # On a busy machine, a statement can take a second without a lock.
        until(lambda: allocate() == 201)
        until(lambda: impatient.get("/readyz").status_code == 200)
