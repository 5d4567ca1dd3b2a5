"""Request bodies that arrive slowly: they occupy at most half of the threads, and each for a limited time only."""

import contextlib
from pathlib import Path

import pytest

from tests.conftest import child_processes, migrate
from tests.support import raw_client
from tests.support.serving import run_server, send_request
from tests.support.slow_bodies import BODY, SlowBody, slow_bodies
from tests.support.waiting import until

pytestmark = pytest.mark.one_engine

THREADS = 4
JSON = ("Content-Type: application/json", "Connection: close")


@pytest.fixture
def url(tmp_path):
    """The URL of a migrated SQLite database, which only this test uses."""
    migrate(url := f"sqlite:///{tmp_path / 'slow.sqlite3'}")
    return url


def threads(process):
    """Return the number of threads that the only worker has."""
    [worker] = child_processes(process.pid)
    return len(list(Path(f"/proc/{worker}/task").iterdir()))


def test_slow_bodies_occupy_half_the_threads_and_more_of_them_are_refused(url, tmp_path):
    with (
        run_server(url, tmp_path, workers=1, threads=THREADS, body_timeout=3600) as (_, port, _),
        slow_bodies(port, 80) as slow,
    ):
        until(lambda: sum(connection.has_ended() for connection in slow) == 80 - THREADS // 2)
        assert send_request(port, "GET", "/api/cars")[0] == 200
        # In one piece: a body that follows a moment later would be slow.
        prompt = raw_client.request("POST", "/api/cars", None, *JSON, body=b'{"name": "Prompt"}')
        assert raw_client.send(port, prompt.replace(b"Host: gateway", b"Host: localhost")).status == 201
        waiting = [connection for connection in slow if not connection.has_ended()]
        assert {connection.status() for connection in slow if connection not in waiting} <= {503, None}
        refused = next(connection for connection in slow if connection.status() == 503).text()
        assert '"code":"slow_bodies"' in refused
        assert "connection: close\r\n" in refused
        assert "retry-after: 1\r\n" in refused
        waiting[0].send(BODY)
        until(lambda: waiting[0].status() == 201)
        # Another slow body can now use the thread that has become free.
        with slow_bodies(port, 1) as [another]:
            another.send(BODY[:5])
            another.send(BODY[5:].replace(b"Slow", b"Next"))
            until(lambda: another.status() == 201)


def test_a_body_that_takes_too_long_gets_408_and_frees_its_connection_and_thread(url, tmp_path):
    with run_server(url, tmp_path, workers=1, threads=THREADS, body_timeout=1) as (process, port, _):
        thread_count = threads(process)
        dripping = SlowBody(port, length=60_000)
        with contextlib.closing(dripping), slow_bodies(port, 1) as [silent]:
            until(lambda: send_byte(dripping) or (silent.has_ended() and dripping.has_ended()))
            assert silent.status() == 408
            assert '"code":"request_timeout"' in silent.text()
            assert "connection: close\r\n" in silent.text()
            with slow_bodies(port, 80) as more:
                until(lambda: all(connection.has_ended() for connection in more))
                until(lambda: threads(process) <= thread_count + 2 * THREADS)


def send_byte(slow):
    """Send one byte, unless the connection is already closed."""
    with contextlib.suppress(ConnectionError):
        slow.send(b" ")
