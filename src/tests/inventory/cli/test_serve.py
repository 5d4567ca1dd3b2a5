"""The production server, started as an operator starts it, with real processes, sockets and signals."""

import http.client
import json
import os
import re
import signal
import threading
from contextlib import closing, suppress

import pytest

from tests.conftest import child_processes
from tests.support.serving import SECONDS, has_started, is_ready, run_server, send_request, until

pytestmark = pytest.mark.one_engine


def closes(port):
    return send_request(port, "GET", "/healthz")[1].get("Connection") == "close"


class Callers:
    """Threads that register vehicles until the ``with`` block ends; ``statuses`` lists the status of every response.

    If a connection is closed without a response, the thread sends the request once more, and counts it in ``retries``.
    If the first attempt had been executed, the second would get 409 name_taken.
    """

    def __init__(self, port, threads=2):
        self.statuses, self.retries, self._port, self._stop = [], 0, port, threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(SECONDS)

    def _call(self, number):
        count = 0
        # The pauses leave the CPU to the new worker.
        while not self._stop.wait(0.01):
            count += 1
            self.statuses.append(self._register(f"Car {number}-{count}"))

    def _register(self, name):
        try:
            return send_request(self._port, "POST", "/api/cars", {"name": name})[0]
        except (ConnectionError, http.client.RemoteDisconnected):
            self.retries += 1
            return send_request(self._port, "POST", "/api/cars", {"name": name})[0]


@pytest.fixture
def one_worker(database_url, tmp_path):
    """A running server with one worker, as a tuple of its process, its port and the path of its log."""
    with run_server(database_url, tmp_path, workers=1) as running:
        yield running


def test_a_reload_replaces_the_worker_and_no_request_fails(one_worker):
    process, port, log_path = one_worker
    before, reloads = set(child_processes(process.pid)), []

    def reload():
        reloads.append(process.send_signal(signal.SIGHUP))

    def is_replaced():
        return log_path.read_text().count("Stopped worker-") == len(reloads)

    def announces_its_end():
        if is_replaced() and len(reloads) < 5:
            # The machine was too busy to ask within the seconds in which both workers run.
            reload()
        return closes(port)

    with Callers(port) as callers:
        until(lambda: len(callers.statuses) > 20)
        assert not closes(port)
        reload()
        # Wait until the old worker announces that it will close its connections.
        until(announces_its_end)
        until(lambda: is_replaced() and not before & set(child_processes(process.pid)) and is_ready(port))
        count = len(callers.statuses)
        until(lambda: len(callers.statuses) > count + 20)
        until(lambda: not closes(port))
        until(lambda: has_started(log_path, workers=1 + len(reloads)))
    assert set(callers.statuses) == {201}
    assert callers.retries <= 4 * len(reloads)


@pytest.mark.only_thorough
def test_a_worker_that_is_killed_is_replaced(serving):
    process, port, log_path = serving
    os.kill(min(child_processes(process.pid)), signal.SIGKILL)
    until(lambda: has_started(log_path, workers=3) and is_ready(port))
    assert [send_request(port, "GET", "/api/cars")[0] for _ in range(20)] == [200] * 20


@pytest.fixture(scope="module")
def server(migrated_url, tmp_path_factory):
    """A running server for tests that do not reload or kill its workers."""
    with run_server(migrated_url, tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture
def port(server, database_url):
    """The port of that server, whose database is empty."""
    return server[1]


def options_counted(port):
    """Return how many OPTIONS requests for a list are counted in the metrics."""
    metrics = send_request(port, "GET", "/metrics")[2].decode()
    labels = '{method="OPTIONS",route="/api/{collection}",status="200"}'
    series = f"http_request_duration_seconds_count{labels}"
    match = re.search(f"^{re.escape(series)} (.+)$", metrics, re.MULTILINE)
    return float(match[1]) if match else 0.0


def test_the_metrics_of_all_workers_are_added_up(port):
    # No other test in this module sends OPTIONS. Workers cache the rendered metrics for up to a second.
    for _ in range(40):
        assert send_request(port, "OPTIONS", "/api/cars")[0] == 200
    until(lambda: options_counted(port) == 40)


def test_the_metrics_show_each_worker_and_its_connections(server, port):
    workers = set(child_processes(server[0].pid))

    def shown(pattern):
        return re.findall(pattern, send_request(port, "GET", "/metrics")[2].decode())

    # Each worker samples its memory and its connections every second.
    until(lambda: set(map(int, shown(r'process_resident_memory_bytes\{pid="(\d+)"\}'))) == workers)
    assert send_request(port, "GET", "/api/cars")[0] == 200
    until(lambda: float(shown(r'database_pool_connections\{state="idle"\} (.+)')[0]) >= 1)


def test_a_chunked_body_over_the_limit_is_refused(port):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
        # The body exceeds the limit by one byte, in its last chunk. The service responds without waiting for the
        # end of the body, so it may close the connection while this client still sends.
        chunks = [b'{"name": "', *[b"x" * 1000] * 65, b"x" * (64 * 1024 + 1 - 65_010)]
        headers = {"Content-Type": "application/json"}
        with suppress(BrokenPipeError):
            connection.request("POST", "/api/cars", iter(chunks), headers, encode_chunked=True)
        response = connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read())["code"] == "body_too_large"
    assert json.loads(send_request(port, "GET", "/api/cars")[2]) == []


def test_a_chunked_body_within_the_limit_is_accepted(port):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/api/cars", iter([b'{"name"', b': "Car1"}']), headers, encode_chunked=True)
        assert connection.getresponse().status == 201
