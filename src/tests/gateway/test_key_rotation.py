"""Key rotation under load: requests with the newest key are never rejected."""

import http.client
import json
import signal
import threading
import uuid
from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest

from invsys.gateway.auth import client_admin
from invsys.inventory.application import build_app
from tests.conftest import child_processes, close, load_settings
from tests.support.gateway_server import served_gateway
from tests.support.serving_apps import served_app
from tests.support.waiting import SECONDS, until


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The clients file of the gateway."""
    return tmp_path_factory.mktemp("clients") / "clients.ini"


@pytest.fixture(scope="module")
def served(tmp_path_factory, migrated_url, file):
    """A gateway with two workers in front of an inventory."""
    app = build_app(load_settings(migrated_url))
    with served_app(app) as url:
        settings = {"server": {"workers": 2}, "services": {"inventory": url}, "clients": {"file": file}}
        with served_gateway(tmp_path_factory.mktemp("gateway"), settings) as served:
            yield served
    close(app)


@pytest.fixture
def port(served):
    """The port of the gateway."""
    return served.port


@pytest.fixture
def connections(port, database_url):
    """Connections to the gateway, enough to reach both workers."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS) for _ in range(8)]
    yield connections
    for connection in connections:
        connection.close()


def send(connection, method, path, key, body=None):
    """Send a request over a persistent connection; return the status."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    response.read()
    return response.status


def statuses(connections, key):
    """Return the statuses of requests with a key over all connections."""
    return {send(connection, "GET", "/api/cars", key) for connection in connections}


def new_car():
    return {"name": str(uuid.uuid4())}


class Callers:
    """Threads that read and write with the newest key; ``statuses`` counts the responses by status."""

    def __init__(self, port, key, threads=4):
        self.key, self.statuses, self._port, self._stop = key, Counter(), port, threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(SECONDS)

    def _call(self):
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)) as connection:
            while not self._stop.is_set():
                for method, path, body in (("GET", "/api/cars?limit=1", None), ("POST", "/api/cars", new_car())):
                    try:
                        status = send(connection, method, path, self.key, body)
                    except (OSError, http.client.HTTPException) as error:
                        status = repr(error)
                        connection.close()
                    with self._lock:
                        self.statuses[status] += 1

    def wait_for_responses(self, count=20):
        """Wait for ``count`` more responses."""
        before = self.statuses.total()
        until(lambda: self.statuses.total() >= before + count)


def test_no_request_is_rejected_while_keys_are_rotated(port, file, connections):
    first = client_admin.add(file, "booking", ["resources:read", "resources:write"])
    until(lambda: statuses(connections, first) == {200})
    with Callers(port, first) as callers:
        callers.wait_for_responses()
        for _ in range(5):
            callers.key = client_admin.rotate(file, "booking", timedelta(hours=1))
            callers.wait_for_responses()
    assert callers.statuses.keys() == {200, 201}


def test_a_revoked_key_is_soon_rejected_by_every_worker(file, connections):
    old = client_admin.add(file, "staff", ["resources:read"])
    new = client_admin.rotate(file, "staff", timedelta(hours=1))
    other = client_admin.add(file, "other", ["resources:read"])
    until(lambda: [statuses(connections, key) for key in (old, new, other)] == [{200}] * 3)
    for revoked, prefix, valid_keys in ((old, old.split("_")[1], {new, other}), (new, None, {other})):
        client_admin.revoke(file, "staff", prefix)
        until(lambda revoked=revoked: statuses(connections, revoked) == {401})
        assert [statuses(connections, key) for key in valid_keys] == [{200}] * len(valid_keys)


@pytest.mark.parametrize("size", [100, 30_000])
def test_a_connection_can_be_used_again_after_a_401(connections, size):
    for connection in connections:
        for _ in range(3):
            assert send(connection, "POST", "/api/cars", "wrong", {"name": "x" * size}) == 401


@pytest.mark.only_thorough
def test_a_reload_reads_the_file_and_replaces_the_workers(served, file, database_url):
    old = set(child_processes(served.process.pid))
    key = client_admin.add(file, str(uuid.uuid4()), ["resources:read"])
    started = served.log.read_text().count("Started worker-")
    served.process.send_signal(signal.SIGHUP)
    until(lambda: served.log.read_text().count("Started worker-") == started + 2)
    until(lambda: not old & set(child_processes(served.process.pid)))
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=SECONDS)) as connection:
        assert send(connection, "GET", "/api/cars", key) == 200
