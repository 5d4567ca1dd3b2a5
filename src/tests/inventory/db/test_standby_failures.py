"""Standbys that fail, are promoted or do not belong to the primary: they are left out, and come back by themselves."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from prometheus_client import REGISTRY

from invsys.inventory.application import build_app
from invsys.inventory.db import revisions
from invsys.inventory.db.standbys import start_check
from invsys.inventory.errors import UnusableDatabase
from tests.conftest import PostgreSQL, load_settings, migrate
from tests.support import standbys
from tests.support.applications import close
from tests.support.cluster import Member
from tests.support.standbys import AVAILABILITY, is_from_standby, wait_for_standby
from tests.support.waiting import until


@pytest.fixture(scope="module")
def primary(request):
    """A primary with a migrated database."""
    if request.config.getoption("--sqlite-only"):
        pytest.skip("PostgreSQL only")
    with standbys.primary() as primary:
        yield primary


@pytest.fixture
def running():
    """An exit stack for servers and services of one test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def standby(primary, running):
    return running.enter_context(standbys.standby_of(primary))


@pytest.fixture
def client(primary, standby, running):
    return running.enter_context(standbys.service(primary, standby))


@pytest.fixture
def warnings(caplog):
    """Return a function that returns the warnings about standbys until now."""
    caplog.set_level(logging.INFO)

    def warnings():
        return [record.message for record in caplog.records if record.levelname == "WARNING"]

    return warnings


def usable(member):
    return REGISTRY.get_sample_value("database_standby_usable", {"standby": member.address})


@contextmanager
def commits_wait_for(primary, names):
    """Let commits wait for the standbys with these names."""
    primary.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    primary.execute("SELECT pg_reload_conf()")
    until(lambda: primary.query("SHOW synchronous_standby_names") == [names])
    try:
        yield
    finally:
        primary.execute("ALTER SYSTEM RESET synchronous_standby_names")
        primary.execute("SELECT pg_reload_conf()")


def reads_of(server):
    return REGISTRY.get_sample_value("database_reads_total", {"server": server}) or 0


def names(response):
    return {vehicle["name"] for vehicle in response.json}


def check_start(app):
    try:
        with app.app_context():
            start_check.require_usable_at_start()
    finally:
        close(app)


def test_the_primary_answers_while_a_standby_is_away(client, standby, warnings):
    wait_for_standby(client)
    before = reads_of("primary"), reads_of(standby.address)
    # On a busy machine, the standby may have been late before.
    earlier = len(warnings())
    standby.kill()
    # Also the first one, whose connection is lost.
    assert not is_from_standby(client.get(AVAILABILITY))
    until(lambda: usable(standby) == 0)
    for _ in range(20):
        assert not is_from_standby(client.get(AVAILABILITY))
    (warning,) = warnings()[earlier:]
    assert warning.startswith(
        f"The standby {standby.address} is left out, and the primary answers: it does not answer: "
    )
    standby.start()
    wait_for_standby(client)
    until(lambda: usable(standby) == 1)
    assert reads_of("primary") >= before[0] + 21
    assert reads_of(standby.address) == before[1] + 1


def test_a_standby_that_hangs_is_left_out(primary, standby, running):
    # The check waits so long for an answer. Of the primary, no answer takes that long.
    client = running.enter_context(standbys.service(primary, standby, statement_timeout=10))
    wait_for_standby(client)
    standby.freeze()
    try:
        until(lambda: not is_from_standby(client.get(AVAILABILITY)))
        until(lambda: usable(standby) == 0)
        assert not is_from_standby(client.get(AVAILABILITY))
    finally:
        standby.thaw()
    wait_for_standby(client)


def test_the_primary_answers_a_request_that_waits_for_a_standby_that_hangs(primary, standby, running):
    # Longer than the test may take.
    client = running.enter_context(standbys.service(primary, standby, statement_timeout=600))
    wait_for_standby(client)
    standby.freeze()
    try:
        assert not is_from_standby(client.get(AVAILABILITY))
    finally:
        standby.thaw()
    wait_for_standby(client)


def test_a_standby_may_show_what_the_primary_does_not_show_yet(primary, standby, running, warnings):
    """While a commit waits for a synchronous standby, an asynchronous one already shows it."""
    # Longer than the test may take.
    client = running.enter_context(standbys.service(primary, standby, statement_timeout=600))
    wait_for_standby(client)
    with ThreadPoolExecutor() as threads:
        with commits_wait_for(primary, "missing"):
            created = threads.submit(client.application.test_client().post, "/api/cars", json={"name": "Waiting"})
            until(lambda: standby.query("SELECT name FROM continuous_resources WHERE name = 'Waiting'"))
            assert primary.query("SELECT name FROM continuous_resources WHERE name = 'Waiting'") == []
            # Several checks of the standby.
            deadline = time.monotonic() + 3
            until(lambda: is_from_standby(client.get(AVAILABILITY)) and time.monotonic() > deadline)
        assert created.result().status_code == 201
    assert not any("its history" in warning for warning in warnings())
    client.delete(created.result().headers["Location"])


def test_a_promoted_standby_is_left_out_at_once(client, standby, warnings):
    wait_for_standby(client)
    earlier = len(warnings())
    standby.promote()
    insert = "INSERT INTO continuous_resources (id, name, resource_type, attributes)"
    standby.execute(f"{insert} VALUES (gen_random_uuid(), 'Foreign', 'Car', '{{}}')")
    for _ in range(50):
        response = client.get(AVAILABILITY)
        assert response.json == []
        assert not is_from_standby(response)
    until(lambda: usable(standby) == 0)
    (warning,) = warnings()[earlier:]
    assert "it is not a standby, but a primary" in warning


def test_one_of_several_standbys_is_enough(primary, standby, running):
    other = running.enter_context(standbys.standby_of(primary, "db3"))
    client = running.enter_context(standbys.service(primary, standby, other))
    until(lambda: client.get(AVAILABILITY) and usable(standby) == usable(other) == 1)
    before = reads_of(standby.address), reads_of(other.address)
    until(lambda: is_from_standby(client.get(AVAILABILITY)) and reads_of(standby.address) > before[0])
    until(lambda: is_from_standby(client.get(AVAILABILITY)) and reads_of(other.address) > before[1])
    standby.kill()
    until(lambda: usable(standby) == 0)
    wait_for_standby(client)


def test_after_a_failover_a_standby_with_lost_changes_is_left_out(primary, running, warnings):
    """The new primary lacks the last changes of the old one, which another standby has: it must not show them."""
    old = running.enter_context(standbys.primary())
    new = running.enter_context(standbys.standby_of(old, "db2"))
    ahead = running.enter_context(standbys.standby_of(old, "db3"))
    writer = running.enter_context(standbys.service(old, ahead))
    writer.post("/api/cars", json={"name": "Kept"})
    cars = "/api/cars?available_from=2099-03-01T00:00:00Z"
    until(lambda: new.query("SELECT count(*) FROM continuous_resources") == [1])
    new.stop("fast")
    lost = {f"Lost{number}" for number in range(50)}
    for name in lost:
        writer.post("/api/cars", json={"name": name})
    until(lambda: names(wait_for_standby(writer, cars)) == {"Kept", *lost})
    old.kill()
    new.start()
    new.promote()
    client = running.enter_context(standbys.service_of([old, new], new, ahead))
    # The first read starts the checks.
    assert names(client.get(cars)) == {"Kept"}
    until(lambda: any("its history" in warning for warning in warnings()))
    for number in range(20):
        assert client.post("/api/cars", json={"name": f"Car{number}"}).status_code == 201
        response = client.get(cars)
        assert not lost & names(response)
        assert not is_from_standby(response)
    ahead.stop("fast")
    ahead.rewind(new)
    ahead.start()
    until(lambda: names(wait_for_standby(client, cars)) == {"Kept", *(f"Car{number}" for number in range(20))})


def test_a_service_starts_with_a_standby_and_without_it(primary, standby, warnings, running):
    check_start(standbys.build(primary, standby))
    assert warnings() == []
    standby.kill()
    check_start(standbys.build(primary, standby))
    (warning,) = warnings()
    assert warning.startswith(
        f"The standby {standby.address} of [database] read_url is not used yet: it does not answer: "
    )


def test_a_read_url_that_names_a_primary_is_refused_at_start(primary, standby, warnings):
    with pytest.raises(UnusableDatabase, match="it is not a standby, but a primary: correct it"):
        check_start(standbys.build(primary, primary))
    # Of several, another one is the primary after a failover.
    check_start(standbys.build(primary, primary, standby))
    assert warnings() == []


def test_a_read_url_that_names_another_cluster_is_refused_at_start_and_left_out(
    primary, running, warnings, monkeypatch
):
    # The servers of the tests are copies of one folder, and have the same system identifier.
    monkeypatch.setattr(PostgreSQL, "_initial_data", None)
    foreign = running.enter_context(standbys.primary())
    foreign_standby = running.enter_context(standbys.standby_of(foreign, "db4"))
    for member in (foreign, foreign_standby):
        with pytest.raises(UnusableDatabase, match=r"another cluster or database \(\d+/postgres, the primary has \d+/"):
            check_start(standbys.build(primary, member))
    client = running.enter_context(standbys.service(primary, foreign_standby))
    assert not is_from_standby(client.get(AVAILABILITY))
    until(lambda: usable(foreign_standby) == 0 and warnings())
    assert not is_from_standby(client.get(AVAILABILITY))
    assert "another cluster" in warnings()[-1]


def test_a_read_url_that_names_the_database_of_another_fleet_is_refused_at_start_and_left_out(
    primary, running, warnings
):
    primary.execute("CREATE DATABASE other ENCODING 'UTF8' TEMPLATE template0")
    migrate(primary.url("other"))
    standby = running.enter_context(standbys.standby_of(primary))
    read_url = {"INVSYS_DATABASE_READ_URL": standby.url("other")}
    with pytest.raises(UnusableDatabase, match=r"another cluster or database \(\d+/other, the primary has \d+/"):
        check_start(build_app(load_settings(primary.url(), **read_url)))
    app = build_app(load_settings(primary.url(), **read_url))
    running.callback(close, app)
    client = app.test_client()
    # Neither of them has an event by which they could be distinguished.
    until(lambda: not is_from_standby(client.get(AVAILABILITY)) and warnings())
    assert not is_from_standby(client.get(AVAILABILITY))
    assert "another cluster or database" in warnings()[-1]


def test_a_standby_with_an_older_schema_is_refused_at_start_and_left_out(running, warnings):
    primary = Member("db5")
    running.callback(primary.remove)
    primary.start()
    older = revisions.known()[1]
    migrate(primary.url(), older)
    standby = running.enter_context(standbys.standby_of(primary, "db6"))
    standby.query("SELECT pg_wal_replay_pause()::text")
    until(lambda: standby.query("SELECT pg_get_wal_replay_pause_state()") == ["paused"])
    migrate(primary.url())
    with pytest.raises(UnusableDatabase, match=f"its schema is at migration {older}, this version needs"):
        check_start(standbys.build(primary, standby, max_staleness=1))
    client = running.enter_context(standbys.service(primary, standby))
    assert not is_from_standby(client.get(AVAILABILITY))
    until(lambda: any(f"its schema is at migration {older}" in warning for warning in warnings()))
    standby.query("SELECT pg_wal_replay_resume()::text")
    wait_for_standby(client)
    check_start(standbys.build(primary, standby))
