"""Failover: when the primary fails under load and the standby is promoted, the service continues without a restart.

To see what happens, run ``tox run -e py -- -k failover -s -n 0``.
"""

import json
import threading
import time

import psycopg
import pytest
from sqlalchemy import select

from invsys.inventory.application import build_app
from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResource
from invsys_client import Client
from tests.conftest import child_processes, load_settings
from tests.support.applications import close
from tests.support.booking_clients import CARS, Callers, stored_allocations
from tests.support.cluster import pair
from tests.support.serving import run_server, send_request
from tests.support.waiting import SECONDS, until


class StatusMonitor:
    """A client that registers lorries one after another, without retries, and prints when the status changes."""

    def __init__(self, port):
        self.statuses, self.registered, self._port, self._stop = [], set(), port, threading.Event()
        self._started = self._back = time.monotonic()
        self._thread = threading.Thread(target=self._register_lorries)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(SECONDS)

    def log(self, message):
        print(f"{time.monotonic() - self._started:7.2f} s  {message}")  # noqa: T201 - read when run with -s

    def is_away(self):
        return self.statuses[-1:] == [503]

    def is_back(self):
        return self.statuses[-1:] == [201]

    def _register_lorries(self):
        while not self._stop.wait(0.02):
            name = f"Lorry{len(self.statuses)}"
            status, _, body = send_request(self._port, "POST", "/api/lorries", {"name": name})
            response = json.loads(body)
            if self.statuses and status != self.statuses[-1]:
                downtime = time.monotonic() - self._back
                self.log(
                    f"the service is back after {downtime:.2f} s" if status == 201 else f"{status} {response['code']}"
                )
            self.statuses.append(status)
            if status == 201:
                self.registered.add(response["name"])
                self._back = time.monotonic()


@pytest.fixture
def members(request):
    """A primary with a migrated database, and its synchronous standby; None with --sqlite-only."""
    if request.config.getoption("--sqlite-only"):
        yield None
        return
    with pair() as members:
        yield members


@pytest.fixture
def url(members):
    """The database URL that lists both servers; None with --sqlite-only."""
    return members and f"postgresql://postgres@{','.join(member.address for member in members)}/postgres"


@pytest.fixture
def app(url):
    """An application that the test uses to check the result."""
    app = build_app(load_settings(url)) if url else None
    yield app
    if app:
        close(app)


@pytest.fixture
def cars(app):
    """The ids of the cars that the callers allocate."""
    client = app and app.test_client()
    return client and [client.post("/api/cars", json={"name": f"Car{number}"}).json["id"] for number in range(CARS)]


def acknowledges_nothing(member):
    """Return whether a server without its standby leaves a commit unacknowledged; kill it to end the wait."""
    outcomes = []

    def change():
        try:
            member.execute("CREATE TABLE unheard ()")
        except psycopg.OperationalError as error:
            outcomes.append(error)
        else:
            outcomes.append("acknowledged")

    thread = threading.Thread(target=change)
    thread.start()
    until(lambda: "SyncRep" in member.query("SELECT wait_event FROM pg_stat_activity"))
    assert not outcomes
    member.kill()
    thread.join(SECONDS)
    return isinstance(outcomes[0], psycopg.OperationalError)


def fail_over(primary, standby, monitor, callers):
    """Kill the primary, wait until the service responds with 503, and promote the standby."""
    monitor.log(f"{len(callers.ids_by_key)} orders acknowledged; kill -9 of {primary.name}")
    primary.kill()
    until(monitor.is_away)
    standby.promote()
    monitor.log(f"{standby.name} is promoted")
    until(monitor.is_back)
    callers.wait_for_progress()


def rejoin_as_standby(old, primary, monitor, callers):
    """Restart the old primary unchanged, check that it acknowledges no commit, then rewind it and make it a standby."""
    monitor.log(f"{old.name} is started as it was")
    old.start()
    assert acknowledges_nothing(old)
    monitor.log(f"{old.name} acknowledged nothing; it is rewound, and follows {primary.name}")
    old.rewind(primary)
    old.start()
    primary.wait_for(old)
    callers.wait_for_progress()


def fail_over_from_frozen(primary, standby, monitor, callers):
    """Freeze the primary, so that it no longer responds; wait for 503, and promote the standby."""
    monitor.log(f"{len(callers.ids_by_key)} orders acknowledged; {primary.name} hangs")
    primary.freeze()
    until(monitor.is_away)
    standby.promote()
    monitor.log(f"{standby.name} is promoted")
    until(monitor.is_back)
    primary.kill()
    callers.wait_for_progress()


@pytest.mark.only_thorough
def test_failovers_under_load_lose_nothing_and_need_no_restart(members, url, app, cars, tmp_path):
    if members is None:
        return
    first, second = members
    # With the timeouts of the default settings.
    with run_server(url, tmp_path, timeouts={}) as (process, port, log_path):
        workers = child_processes(process.pid)
        with Callers(port, cars) as callers, StatusMonitor(port) as monitor:
            callers.wait_for_progress()
            fail_over(first, second, monitor, callers)
            rejoin_as_standby(first, second, monitor, callers)
            fail_over_from_frozen(second, first, monitor, callers)
            monitor.log(f"{len(callers.ids_by_key)} orders acknowledged")
        sample = dict(list(callers.ids_by_key.items())[::5])
        with Client(f"http://127.0.0.1:{port}") as client:
            assert callers.repeat(sample, client) == sample
        assert child_processes(process.pid) == workers
    assert set(monitor.statuses) == {201, 503}
    assert '"status":500' not in log_path.read_text()
    assert stored_allocations(app) == callers.ids_by_key
    with app.app_context(), session.read() as connection:
        assert monitor.registered <= set(connection.scalars(select(ContinuousResource.name)))
