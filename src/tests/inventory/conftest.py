"""Fixtures of the inventory's tests, which register and allocate vehicles, check error responses and run commands."""

import io
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from invsys.inventory import manage
from invsys.inventory.application import build_app
from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event, db
from invsys.inventory.transfer import exporter
from tests.conftest import SQLITE_ONLY, disconnect, load_settings
from tests.support import refusals
from tests.support.applications import close
from tests.support.feed_checker import FeedChecker
from tests.support.serving import run_server
from tests.support.waiting import LONG_TIMEOUTS

MODELS = (ContinuousResource, ContinuousResourceAllocation, Event)


def wire_period(start: str | None, end: str | None) -> dict[str, Any]:
    """Return the members of a request body for a period; None means infinite."""
    return {
        **({"from_infinity": True} if start is None else {"from_datetime": start}),
        **({"to_infinity": True} if end is None else {"to_datetime": end}),
    }


@pytest.fixture
def register(client: FlaskClient) -> Callable[..., str]:
    """Return a function that registers a vehicle and returns its URL."""

    def register(name: str = "Car1", collection: str = "cars", **fields: Any) -> str:
        response = client.post(f"/api/{collection}", json={"name": name, **fields})
        assert response.status_code == 201, response.text
        return response.headers["Location"]

    return register


@pytest.fixture
def car(register: Callable[..., str]) -> str:
    """The URL of a registered car."""
    return register("Car1")


@pytest.fixture
def allocate(client: FlaskClient) -> Callable[..., TestResponse]:
    """Return a function that posts an allocation; a start or end of None means infinite."""

    def allocate(vehicle: str, start: str | None, end: str | None, **fields: Any) -> TestResponse:
        return client.post(f"{vehicle}/allocations", json={**wire_period(start, end), **fields})

    return allocate


@pytest.fixture
def booking(car: str, allocate: Callable[..., TestResponse]) -> str:
    """The URL of an allocation of ``car`` on 1 March 2099, from 10:00 to 12:00."""
    return allocate(car, "2099-03-01T10:00:00Z", "2099-03-01T12:00:00Z").headers["Location"]


@pytest.fixture
def follow_pages(client: FlaskClient) -> Callable[[str], Iterator[list[dict[str, Any]]]]:
    """Return a function that yields the pages of a list; it requests each page only when it is needed."""

    def follow_pages(url: str) -> Iterator[list[dict[str, Any]]]:
        next_url: str | None = url
        while next_url:
            response = client.get(next_url)
            assert response.status_code == 200, response.text
            yield response.json or []
            link = re.fullmatch(r'<([^>]+)>; *rel="next"', response.headers.get("Link", ""))
            next_url = urljoin(response.request.url, link[1]) if link else None

    return follow_pages


@pytest.fixture
def nothing_changes(admin_app: Flask) -> Callable[[], AbstractContextManager[None]]:
    """Return a context manager that fails the test if a vehicle, allocation or event is added, changed or removed.

    It compares the rows of the tables, which contain more than the lists of the API. It does not read the feed, because
    that would write the events of expired holds.
    """

    def state() -> Any:
        with admin_app.app_context(), session.read() as connection:
            return [connection.execute(select(model.__table__).order_by(model.key)).all() for model in MODELS]

    @contextmanager
    def nothing_changes() -> Iterator[None]:
        before = state()
        yield
        assert state() == before

    return nothing_changes


@pytest.fixture
def refused() -> Callable[..., dict[str, Any]]:
    """Return a function that checks a problem response and returns its body; ``fields`` are a 422's invalid fields."""

    def refused(response: TestResponse, status: int, code: str, *fields: str) -> dict[str, Any]:
        body: dict[str, Any] = refusals.refused(response, status, code)
        if code == "invalid_fields":
            _check_errors(body["errors"], fields)
        return body

    return refused


def _check_errors(errors: dict[str, list[str]], fields: tuple[str, ...]) -> None:
    assert errors
    for messages in errors.values():
        assert messages, errors
        assert all(isinstance(message, str) and message for message in messages), errors
    if fields:
        assert set(errors) == set(fields)


@pytest.fixture
def feed_checker(app: Flask) -> Iterator[None]:
    """Replay the change feed while the test runs; then compare the result with the lists and the tables."""
    with FeedChecker(app):
        yield


@pytest.fixture
def feed_checker_at_end(app: Flask) -> Iterator[None]:
    """Replay the change feed only after the test, for tests during which nothing else may read the feed."""
    with FeedChecker(app, concurrently=False):
        yield


@pytest.fixture
def update_all_rows(app: Flask) -> Callable[..., None]:
    """Return a function that sets columns in all rows of a model, to create states that requests cannot create."""

    def update_all_rows(model: type[Any], **values: Any) -> None:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(update(model).values(values))

    return update_all_rows


@pytest.fixture
def exported(app):
    """Return a function that exports everything in a format and returns the text."""

    def exported(form):
        file = io.StringIO()
        with app.app_context():
            exporter.export(file, form)
        return file.getvalue()

    return exported


@pytest.fixture
def fresh_url(engine, request, tmp_path):
    """The URL of an empty database without tables, which only this test uses."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'fresh.sqlite3'}"
        return
    server = request.getfixturevalue("postgresql")
    name = f"fresh_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def fresh_app(fresh_url):
    """An application that uses the database ``fresh_url``; the test runs in its application context."""
    app = build_app(load_settings(fresh_url))
    with app.app_context():
        yield app
        disconnect()


@pytest.fixture
def open_client():
    """Return a function that builds an application for a database URL and returns its test client."""
    built = []

    def open_client(url):
        built.append(build_app(load_settings(url)))
        return built[-1].test_client()

    yield open_client
    for app in built:
        close(app)


@pytest.fixture
def serving(database_url, tmp_path):
    """A running server with two workers, as a tuple of its process, its port and the path of its log."""
    with run_server(database_url, tmp_path) as running:
        yield running


@pytest.fixture
def pg_server(request):
    """The PostgreSQL server, for tests that do not run on SQLite; with --sqlite-only, the test is skipped."""
    if request.config.getoption(SQLITE_ONLY):
        pytest.skip("needs PostgreSQL")
    return request.getfixturevalue("postgresql")


@pytest.fixture
def run(database_url, run_on):
    """Return a function that runs an invsys-manage command and returns its exit status, output and error output."""
    return run_on(database_url)


@pytest.fixture
def run_on(monkeypatch, capsys):
    """Return a function that takes a database URL and returns a function like ``run`` for that database."""
    monkeypatch.setenv("INVSYS_CONFIG", os.devnull)

    apps = []
    build_app = manage.application.build_app
    monkeypatch.setattr(manage.application, "build_app", lambda loaded: apps.append(build_app(loaded)) or apps[-1])

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["invsys-manage", *map(str, words)])
        # What requests have logged before is not the command's output.
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_info:
            manage.main()
        return exit_info.value.code, *capsys.readouterr()

    def run_on(url):
        for variable, value in {"INVSYS_DATABASE_URL": url, **LONG_TIMEOUTS}.items():
            monkeypatch.setenv(variable, value)
        return run

    yield run_on
    # A command's own process would close its connections on exit, but here all commands run in this process.
    for app in apps:
        with app.app_context():
            disconnect()
