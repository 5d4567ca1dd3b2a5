"""The metrics of the inventory: holds, replays, the pool of connections, the feed, the last purge, lock waits."""

import sqlite3
from contextlib import ExitStack, closing
from datetime import UTC, datetime

import pytest
from flask_migrate import upgrade
from prometheus_client import REGISTRY
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from invsys.inventory import state_metrics
from invsys.inventory.db import engine, session
from invsys.inventory.db.sqlite import connections as sqlite
from invsys.inventory.errors import Overloaded
from invsys.inventory.maintenance import archive, purge
from tests.support.hours_in_2099 import let_holds_expire, period_fields

ANY = "/api/cars/any/allocations"
CHANGES = "/api/cars/all/allocations/changes"
HOLD = {"hold_seconds": 60}
OUTCOMES = ("created", "confirmed", "expired")


@pytest.fixture
def state(app):
    """Return a function that returns the current values of the metrics that are not counters, by name and label."""

    def state():
        families = [*state_metrics.StateMetrics(app).collect(), *REGISTRY.collect()]
        samples = [sample for family in families for sample in family.samples]
        return {
            sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value for sample in samples
        }

    return state


@pytest.fixture
def counted():
    """Return a function that returns by how much each of the inventory's counters has increased since its last call."""
    names = {f"holds {outcome}": ("inventory_holds_total", {"outcome": outcome}) for outcome in OUTCOMES}
    names["replays"] = ("inventory_replays_total", {})
    before = {}

    def counted():
        now = {name: REGISTRY.get_sample_value(*series) for name, series in names.items()}
        increased = {name: value - before.get(name, value) for name, value in now.items() if value != before.get(name)}
        before.update(now)
        return increased

    counted()
    return counted


@pytest.mark.through_gateway
def test_holds_are_counted_when_they_are_created_confirmed_and_expired(app, client, register, counted):
    car = register("Car1")
    register("Car2")
    first = client.post(f"{car}/allocations", json={**period_fields(10, 12), **HOLD}).headers["Location"]
    client.post(ANY, json={**period_fields(12, 13), **HOLD, "quantity": 2})
    assert counted() == {"holds created": 3}
    client.post(f"{car}/allocations", json=period_fields(14, 15))
    client.post(f"{car}/allocations", json={**period_fields(10, 12), **HOLD})
    assert counted() == {}
    client.patch(first, json={"status": "confirmed"})
    client.patch(first, json={"description": "confirmed already"})
    assert counted() == {"holds confirmed": 1}
    let_holds_expire(app)
    # One is deleted because it blocks the period, the other one because the feed is read.
    assert client.post(f"{car}/allocations", json=period_fields(12, 13)).status_code == 201
    assert counted() == {"holds expired": 1}
    client.get("/api/events")
    assert counted() == {"holds expired": 1}


def test_holds_that_a_change_list_confirms_are_counted(client, car, counted):
    created = [client.post(ANY, json={**period_fields(hour, hour + 1), **HOLD}).json["id"] for hour in (1, 2, 3)]
    counted()
    changes = [{"id": allocation_id, "status": "confirmed"} for allocation_id in created[:2]]
    changes.append({"id": created[2], "description": "x"})
    assert client.post(CHANGES, json={"changes": changes}).status_code == 200
    assert counted() == {"holds confirmed": 2}


def test_expired_holds_of_a_decommissioned_vehicle_are_counted(app, client, car, counted):
    client.post(f"{car}/allocations", json={**period_fields(1, 2), **HOLD})
    let_holds_expire(app)
    counted()
    assert client.delete(car).status_code == 204
    assert counted() == {"holds expired": 1}


def test_replays_are_counted_and_create_no_holds(client, car, counted):
    for _ in range(3):
        headers = {"Idempotency-Key": "order-1"}
        assert (
            client.post(f"{car}/allocations", json={**period_fields(1, 2), **HOLD}, headers=headers).status_code == 201
        )
    assert counted() == {"holds created": 1, "replays": 2}


def test_the_state_of_the_database_is_shown(app, client, car, state):
    client.post(f"{car}/allocations", json={**period_fields(1, 2), **HOLD})
    let_holds_expire(app)
    client.post(f"{car}/allocations", json={**period_fields(2, 3), **HOLD})
    values = state()
    assert (values["database_up"], values["inventory_feed_lag_seconds"]) == (1, 0)
    assert (values["inventory_holds active"], values["inventory_holds expired"]) == (1, 1)
    assert values["database_pool_connections in_use"] == 0
    assert values["database_pool_connections idle"] >= 1


def test_connections_in_use_are_shown(app, state):
    with app.app_context(), session.read(), session.snapshot():
        assert state()["database_pool_connections in_use"] == 2


def test_the_time_of_the_last_purge_is_shown(app, state):
    with app.app_context():
        purge.purge(60, 0)
        purged_at = session.now().timestamp()
    assert state()["inventory_last_purge_timestamp_seconds"] == pytest.approx(purged_at, abs=30)


def test_the_end_of_the_archive_is_shown(app, allocate, car, state):
    with app.app_context():
        archive.archive(100, archive.Archived())
        assert "inventory_archived_until_timestamp_seconds" not in state()
        assert allocate(car, "2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z").status_code == 201
        archive.archive(100, archive.Archived())
    assert state()["inventory_archived_until_timestamp_seconds"] == datetime(2020, 1, 1, 1, tzinfo=UTC).timestamp()


def test_a_new_database_that_was_never_purged_has_the_time_of_its_creation(fresh_app):
    upgrade(revision="0007")
    created_at = session.now().timestamp()
    upgrade()
    families = {family.name: family for family in state_metrics.StateMetrics(fresh_app).collect()}
    [sample] = families["inventory_last_purge_timestamp_seconds"].samples
    assert sample.value == pytest.approx(created_at, abs=30)


def test_the_sessions_of_postgresql_are_shown(app, state):
    with app.app_context(), session.transaction() as connection:
        connection.exec_driver_sql("SELECT 1")
        sessions = {name: value for name, value in state().items() if name.startswith("postgresql_sessions")}
        is_sqlite = engine.current().is_sqlite
    if is_sqlite:
        assert sessions == {}
    else:
        assert sessions["postgresql_sessions active"] >= 1
        assert sessions["postgresql_sessions waiting_for_lock"] == 0


def test_a_change_that_is_not_visible_yet_delays_the_feed(app, client, car, state):
    with app.app_context(), session.transaction() as connection:
        if engine.current().is_sqlite:
            return  # changes are visible when they are committed
        # As a command does: the number of its event is announced until the transaction ends.
        connection.exec_driver_sql("SELECT next_event_key()")
        assert client.post(f"{car}/allocations", json=period_fields(1, 2)).status_code == 201
        assert state()["inventory_feed_lag_seconds"] > 0
    assert state()["inventory_feed_lag_seconds"] == 0


class TestUnreachable:
    @pytest.fixture(
        params=["sqlite:///{folder}/no/such/folder/x.sqlite3", "postgresql://invsys:hunter2@/invsys?host={folder}"],
        ids=["sqlite", "postgresql"],
    )
    def environ(self, request, tmp_path):
        return {"INVSYS_DATABASE_URL": request.param.format(folder=tmp_path)}

    def test_the_metrics_do_not_fail(self, client, state):
        assert client.get("/metrics").status_code == 200
        values = state()
        assert values["database_up"] == 0
        missing = ("inventory_holds ", "inventory_feed_lag_seconds", "inventory_last_purge", "postgresql_sessions")
        assert not [name for name in values if name.startswith(missing)]


@pytest.mark.one_engine
@pytest.mark.parametrize("other_process", [False, True])
def test_writes_that_wait_for_the_lock_of_sqlite_are_counted(app, register, database_url, other_process):
    def waits():
        return REGISTRY.get_sample_value("sqlite_lock_wait_seconds_count")

    before = waits()
    register("Car1")
    assert waits() == before
    with app.app_context(), ExitStack() as stack:
        if other_process:
            connection = stack.enter_context(closing(sqlite3.connect(make_url(database_url).database)))
            connection.execute("BEGIN IMMEDIATE")
        else:
            stack.enter_context(session.transaction())
        error = DBAPIError if other_process else Overloaded
        with pytest.raises(error), sqlite.writing(engine.current().transactions, timeout=0):
            pass
    assert waits() == before + 1
