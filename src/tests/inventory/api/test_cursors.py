"""Cursors of lists: they show nothing, belong to one kind of list, and outlive the database's replacement."""

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
from tests.support.instants import period_fields

LISTS = ["/api/cars", "/api/cars/all/allocations", "/api/cars/all/availability"]


@pytest.fixture
def seven(register, allocate):
    """Seven cars with an allocation each."""
    for number in range(7):
        allocate(register(f"Car{number}"), "2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z")


def next_cursor(client, path, **query):
    """Ask for a page, and return the cursor of the next one."""
    response = client.get(path, query_string=query)
    assert response.status_code == 200, response.text
    (cursor,) = parse_qs(urlsplit(response.headers["Link"].partition(">")[0][1:]).query)["cursor"]
    return cursor


@pytest.mark.parametrize("path", LISTS)
def test_cursors_of_neighbours_have_nothing_in_common(app, client, seven, path):
    found = [next_cursor(client, path, limit=limit) for limit in range(1, 7)]
    assert found == [next_cursor(client, path, limit=limit) for limit in range(1, 7)]
    raw = [base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)) for cursor in found]
    for one, other in combinations(raw, 2):
        assert len(one) == len(other)
        assert sum(mine == its for mine, its in zip(one, other, strict=True)) < len(one) // 3
    with app.app_context(), session.read() as connection:
        keys = connection.scalars(select(ContinuousResource.key)).all()
    for key in keys:
        assert not any(key.to_bytes(4) in one for one in raw)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("other", [*LISTS, *(path.replace("cars", "lorries") for path in LISTS)])
def test_a_cursor_belongs_to_one_list(client, seven, refused, path, other):
    cursor = next_cursor(client, path, limit=2)
    response = client.get(other, query_string={"cursor": cursor, "limit": 1})
    if path == other:
        assert len(response.json) == 1
    else:
        refused(response, 422, "invalid_fields", "cursor")


def test_a_cursor_of_a_list_is_none_of_the_feed(client, seven, refused):
    refused(
        client.get("/api/events", query_string={"after": next_cursor(client, LISTS[0], limit=2)}), 422, "invalid_fields"
    )
    # This one is as long.
    cursor = next_cursor(client, LISTS[1], limit=2)
    refused(client.get("/api/events", query_string={"after": cursor}), 410, "cursor_expired")


def fill(app):
    client = app.test_client()
    for number in range(3):
        assert client.post("/api/cars", json={"name": f"Car{number}"}).status_code == 201
    assert client.post("/api/cars/any/allocations", json=period_fields(10, 12)).status_code == 201
    return client


def make(url):
    migrate(url)
    return build_app(load_settings(url))


@pytest.fixture
def other_url(engine, fresh_url, tmp_path, request):
    """The URL of another empty database beside ``fresh_url``."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'other.sqlite3'}"
        return
    server, name = request.getfixturevalue("postgresql"), f"other_{os.getpid()}"
    server.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    yield server.url(name)
    server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def put_in_place(engine, fresh_url, other_url, request):
    """Put the other database in the place of the first one, as a restore does."""

    def put_in_place():
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

    return put_in_place


def test_a_service_whose_database_is_replaced_goes_by_the_new_secret(fresh_url, other_url, put_in_place):
    running, other = make(fresh_url), make(other_url)
    clients = fill(running), fill(other)
    before, expected = (next_cursor(client, "/api/cars", limit=1) for client in clients)
    cursor = clients[1].get("/api/events").json["next"]
    assert before != expected
    for app in (running, other) if fresh_url.startswith("postgresql") else (other,):
        close(app)
    put_in_place()
    client = running.test_client()
    assert next_cursor(client, "/api/cars", limit=1) == expected
    assert len(client.get("/api/cars", query_string={"cursor": expected}).json) == 2
    assert client.get("/api/cars", query_string={"cursor": before}).status_code == 422
    assert client.get("/api/events", query_string={"after": cursor}).json["events"] == []
    close(running)


def test_a_secret_that_changes_behind_open_connections_is_read_once_more(fresh_url):
    # As behind PgBouncer, which keeps the service's connections when the database is replaced.
    running = make(fresh_url)
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
