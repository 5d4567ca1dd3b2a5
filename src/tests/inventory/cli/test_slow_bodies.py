"""Bodies that do not arrive: at most half the threads wait for them, each only for a while."""

import contextlib
from pathlib import Path

import pytest

from tests.conftest import child_processes, migrate
from tests.support.serving import run_server, send_request
from tests.support.slow_bodies import BODY, SlowBody, slow_bodies
from tests.support.waiting import until

THREADS = 4


@pytest.fixture
def url(tmp_path):
    """A database of the test's own; which engine it is makes no difference here."""
    migrate(url := f"sqlite:///{tmp_path / 'slow.sqlite3'}")
    return url


def threads(process):
    """Return the number of threads of the only worker."""
    [worker] = child_processes(process.pid)
    return len(list(Path(f"/proc/{worker}/task").iterdir()))


def test_others_are_answered_while_half_the_threads_wait_and_more_are_refused(url, tmp_path):
    with (
        run_server(url, tmp_path, workers=1, threads=THREADS, body_timeout=3600) as (_, port, _),
        slow_bodies(port, 80) as slow,
    ):
        until(lambda: sum(each.has_ended() for each in slow) == 80 - THREADS // 2)
        assert send_request(port, "GET", "/api/cars")[0] == 200
        assert send_request(port, "POST", "/api/cars", {"name": "Prompt"})[0] == 201
        waiting = [each for each in slow if not each.has_ended()]
        assert {each.status() for each in slow if each not in waiting} <= {503, None}
        refused = next(each for each in slow if each.status() == 503).text()
        assert '"code":"slow_bodies"' in refused
        assert "connection: close\r\n" in refused
        assert "retry-after: 1\r\n" in refused
        waiting[0].send(BODY)
        until(lambda: waiting[0].status() == 201)
        # There is room for another one now.
        with slow_bodies(port, 1) as [another]:
            another.send(BODY[:5])
            another.send(BODY[5:].replace(b"Slow", b"Next"))
            until(lambda: another.status() == 201)


def test_a_body_that_takes_too_long_is_answered_408_and_its_connection_and_thread_are_freed(url, tmp_path):
    with run_server(url, tmp_path, workers=1, threads=THREADS, body_timeout=1) as (process, port, _):
        usual = threads(process)
        dripping = SlowBody(port, length=60_000)
        with contextlib.closing(dripping), slow_bodies(port, 1) as [silent]:
            until(lambda: drip(dripping) or (silent.has_ended() and dripping.has_ended()))
            assert silent.status() == 408
            assert '"code":"request_timeout"' in silent.text()
            assert "connection: close\r\n" in silent.text()
            with slow_bodies(port, 80) as more:
                until(lambda: all(each.has_ended() for each in more))
                until(lambda: threads(process) <= usual + 2 * THREADS)


def drip(slow):
    """Send a byte, unless the connection is closed already."""
    with contextlib.suppress(ConnectionError):
        slow.send(b" ")
