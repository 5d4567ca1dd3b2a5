"""Backup and restore with the commands in docs/source/backup.rst: backups made under load are complete and usable."""

import os
import re
import subprocess
import sys

import httpx2
import psycopg
import pytest

from invsys.inventory.application import build_app
from invsys_client import Client, CursorExpired
from tests.conftest import load_settings, migrate, postgresql_binaries
from tests.support.applications import close
from tests.support.booking_clients import CARS, Callers, stored_allocations
from tests.support.databases import new_database
from tests.support.paths import MANUAL
from tests.support.roles import Roles

DUMP = ("pg_dump", "--format=custom", "--no-owner")
RESTORE = ("pg_restore", "--no-owner", "--exit-on-error")
BACKUP = MANUAL / "backup.rst"


@pytest.fixture
def cars(register):
    """The ids of the cars that the callers allocate."""
    return [register(f"Car{number}")[-36:] for number in range(CARS)]


@pytest.fixture
def back_up(engine, database_url, environ, tmp_path):
    """Return a function that makes a backup with the operator's command and returns the path of the backup."""
    file = tmp_path / "backup"
    if engine == "sqlite":
        command = [sys.executable, "-m", "invsys.inventory.manage", "backup", file]
    else:
        command = [postgresql_binaries() / DUMP[0], *DUMP[1:], f"--file={file}", database_url]

    def back_up():
        subprocess.run(command, check=True, env=os.environ | environ)
        return file

    return back_up


@pytest.fixture
def restore(engine, fresh_url):
    """Return a function that restores a backup to ``fresh_url``, as an operator does."""

    def restore(file):
        if engine == "sqlite":
            file.rename(fresh_url.removeprefix("sqlite:///"))
        else:
            command = [postgresql_binaries() / RESTORE[0], *RESTORE[1:], f"--dbname={fresh_url}", file]
            subprocess.run(command, check=True)
        migrate(fresh_url)

    return restore


def client_of(app):
    return Client("http://localhost", transport=httpx2.WSGITransport(app=app))


@pytest.mark.only_thorough
def test_a_backup_made_under_load_can_be_restored_and_used(serving, cars, app, back_up, restore, fresh_app):
    _, port, _ = serving
    with client_of(app) as client, Callers(port, cars) as callers:
        callers.wait_for_progress()
        cursor = client.event_page(limit=10).next
        before = set(callers.ids_by_key)
        file = back_up()
        callers.wait_for_progress()
        lost = set(callers.ids_by_key)
        late = client.event_page("now").next
    restore(file)
    stored = stored_allocations(fresh_app)
    assert before <= set(stored)
    assert lost - set(stored)
    with client_of(app) as client, client_of(fresh_app) as restored:
        events, all_events = list(restored.events(cursor)), list(client.events(cursor))
        assert events == [event for event in all_events if event in events]
        assert events
        with pytest.raises(CursorExpired):
            restored.event_page(late)
        # Orders that the backup contains get their stored responses; the lost orders are executed again below.
        assert callers.repeat(stored, restored) == stored
        assert stored_allocations(fresh_app) == stored
        repeated = callers.repeat(callers.ids_by_key, restored)
        # By now, the numbers of the lost events have been reused.
        with pytest.raises(CursorExpired):
            restored.event_page(late)
    assert stored_allocations(fresh_app) == repeated


def test_the_manual_prints_these_commands():
    page = BACKUP.read_text("utf-8")
    for command in (DUMP, RESTORE, ("invsys-manage", "backup")):
        assert f" {' '.join(command)} " in page


@pytest.mark.parametrize("had_roles", [True, False], ids=["with two roles", "with one role that owns everything"])
def test_a_dump_is_restored_into_a_database_with_two_roles(pg_server, tmp_path, had_roles):
    file = tmp_path / "backup"
    with new_database(pg_server) as lost, new_database(pg_server, printed_options()) as restored:
        roles = Roles(pg_server, lost)
        if had_roles:
            roles.create()
            migrate(roles.owner_url)
        else:
            pg_server.execute(f"CREATE ROLE {roles.service} LOGIN")
            pg_server.execute(f"ALTER DATABASE {lost} OWNER TO {roles.service}")
            migrate(roles.service_url)
        subprocess.run([postgresql_binaries() / DUMP[0], *DUMP[1:], f"--file={file}", pg_server.url(lost)], check=True)
        roles = Roles(pg_server, restored, like=roles)
        roles.create()
        pg_server.execute(f"ALTER DATABASE {restored} OWNER TO {roles.owner}")
        target = (f"--role={roles.owner}", f"--dbname={pg_server.url(restored)}")
        subprocess.run([postgresql_binaries() / RESTORE[0], *RESTORE[1:], *target, file], check=True)
        roles.create()
        migrate(roles.owner_url)
        app = build_app(load_settings(roles.service_url))
        assert app.test_client().post("/api/cars", json={"name": "Car1"}).status_code == 201
        close(app)
        with psycopg.connect(roles.service_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("TRUNCATE events")


def printed_options():
    """Return the options of the manual's CREATE DATABASE statement."""
    return re.search(r"CREATE DATABASE invsys_restored OWNER invsys_owner (.*)\"", BACKUP.read_text("utf-8"))[1]


def test_a_backup_never_overwrites_a_file(run, engine, tmp_path):
    (tmp_path / "backup").write_text("precious")
    status, printed, error = run("backup", tmp_path / "backup")
    assert (status, printed) == (2, "")
    assert error.startswith("invsys-manage: ")
    assert ("not overwritten" if engine == "sqlite" else "pg_dump --format=custom") in error
    assert (tmp_path / "backup").read_text() == "precious"
