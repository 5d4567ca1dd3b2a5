"""Cursors of lists: they are opaque, belong to one list, and are encrypted with a secret from the database."""

import base64
import os
import shutil
from itertools import combinations
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from sqlalchemy import select, update

from invsys.inventory.application import build_app
from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResource, CursorState, db
from tests.conftest import load_settings, migrate
from tests.support.applications import close
from tests.support.hours_in_2099 import period_fields
from tests.support.tables import table_driven

LISTS = ["/api/cars", "/api/cars/all/allocations", "/api/cars/all/availability"]


@pytest.fixture
def seven_cars(register, allocate):
    """Register seven cars, each with one allocation."""
    for number in range(7):
        allocate(register(f"Car{number}"), "2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z")


def next_cursor(client, path, **query):
    """Request a page, and return the cursor of the next page."""
    response = client.get(path, query_string=query)
    assert response.status_code == 200, response.text
    (cursor,) = parse_qs(urlsplit(response.headers["Link"].partition(">")[0][1:]).query)["cursor"]
    return cursor


@pytest.mark.one_engine
@pytest.mark.parametrize("path", LISTS)
def test_cursors_of_neighbouring_pages_have_nothing_in_common(app, client, seven_cars, path):
    page_cursors = [next_cursor(client, path, limit=limit) for limit in range(1, 7)]
    assert page_cursors == [next_cursor(client, path, limit=limit) for limit in range(1, 7)]
    raw = [base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)) for cursor in page_cursors]
    for one, other in combinations(raw, 2):
        assert len(one) == len(other)
        assert sum(byte == other_byte for byte, other_byte in zip(one, other, strict=True)) < len(one) // 3
    with app.app_context(), session.read() as connection:
        keys = connection.scalars(select(ContinuousResource.key)).all()
    for key in keys:
        assert not any(key.to_bytes(4) in one for one in raw)


@pytest.mark.one_engine
@table_driven("path", LISTS)
@table_driven("other", [*LISTS, *(path.replace("cars", "lorries") for path in LISTS)])
def test_a_cursor_belongs_to_one_list(client, seven_cars, refused, path, other):
    cursor = next_cursor(client, path, limit=2)
    response = client.get(other, query_string={"cursor": cursor, "limit": 1})
    if path == other:
        assert len(response.json) == 1
    else:
        refused(response, 422, "invalid_fields", "cursor")


@pytest.mark.one_engine
def test_a_cursor_of_a_list_is_not_valid_for_the_feed(client, seven_cars, refused):
    refused(
        client.get("/api/events", query_string={"after": next_cursor(client, LISTS[0], limit=2)}), 422, "invalid_fields"
    )
    # A cursor of this list is as long as a cursor of the feed.
    cursor = next_cursor(client, LISTS[1], limit=2)
    refused(client.get("/api/events", query_string={"after": cursor}), 410, "cursor_expired")


def fill(app):
    client = app.test_client()
    for number in range(3):
        assert client.post("/api/cars", json={"name": f"Car{number}"}).status_code == 201
    assert client.post("/api/cars/any/allocations", json=period_fields(10, 12)).status_code == 201
    return client


def migrated_app(url):
    migrate(url)
    return build_app(load_settings(url))


@pytest.fixture
def other_url(engine, fresh_url, tmp_path, request):
    """The URL of a second empty database on the same server or in the same folder as ``fresh_url``."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'other.sqlite3'}"
        return
    server, name = request.getfixturevalue("postgresql"), f"other_{os.getpid()}"
    server.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    yield server.url(name)
    server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def replace_database(engine, fresh_url, other_url, request):
    """Return a function that replaces the database ``fresh_url`` with ``other_url``, as a restore does."""

    def replace_database():
        if engine == "sqlite":
            old, new = (Path(url.removeprefix("sqlite:///")) for url in (fresh_url, other_url))
            for file in old.parent.glob(f"{old.name}*"):
                file.unlink()
            shutil.move(new, old)
            return
        server = request.getfixturevalue("postgresql")
        old, new = (psycopg.conninfo.conninfo_to_dict(url)["dbname"] for url in (fresh_url, other_url))
        server.execute(
            f"SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname IN ('{old}', '{new}')"
        )
        server.execute(f"ALTER DATABASE {old} RENAME TO {old}_lost")
        server.execute(f"ALTER DATABASE {new} RENAME TO {old}")
        server.execute(f"DROP DATABASE {old}_lost")

    return replace_database


def test_a_service_uses_the_secret_of_a_replaced_database(fresh_url, other_url, replace_database):
    running, other = migrated_app(fresh_url), migrated_app(other_url)
    clients = fill(running), fill(other)
    before, expected = (next_cursor(client, "/api/cars", limit=1) for client in clients)
    cursor = clients[1].get("/api/events").json["next"]
    assert before != expected
    for app in (running, other) if fresh_url.startswith("postgresql") else (other,):
        close(app)
    replace_database()
    client = running.test_client()
    assert next_cursor(client, "/api/cars", limit=1) == expected
    assert len(client.get("/api/cars", query_string={"cursor": expected}).json) == 2
    assert client.get("/api/cars", query_string={"cursor": before}).status_code == 422
    assert client.get("/api/events", query_string={"after": cursor}).json["events"] == []
    close(running)


def test_a_secret_that_changes_behind_open_connections_is_read_again(fresh_url):
    # This happens behind PgBouncer, which keeps the service's connections open while the database is replaced.
    running = migrated_app(fresh_url)
    client = fill(running)
    cursors = [next_cursor(client, "/api/cars", limit=1), client.get("/api/events").json["next"]]
    assert client.get("/api/cars", query_string={"cursor": cursors[0]}).status_code == 200
    with running.app_context(), db.engine.begin() as connection:
        connection.execute(update(CursorState).values(secret=bytes(64)))
    restarted = build_app(load_settings(fresh_url))
    cursor, position = (
        next_cursor(restarted.test_client(), "/api/cars", limit=1),
        restarted.test_client().get("/api/events").json["next"],
    )
    assert client.get("/api/cars", query_string={"cursor": cursor}).status_code == 200
    assert client.get("/api/events", query_string={"after": position}).status_code == 200
    assert client.get("/api/cars", query_string={"cursor": cursors[0]}).status_code == 422
    assert client.get("/api/events", query_string={"after": cursors[1]}).status_code == 410
    for app in (running, restarted):
        close(app)
