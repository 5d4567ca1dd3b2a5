"""The supervisor of the production server: dead workers, failing reloads, and stops."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.tiny_server import TinyServer, responds, tiny_server, until_it_serves
from tests.support.waiting import SECONDS, until

BROKEN = "raise SystemExit(3)"


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinyServer]:
    with tiny_server(tmp_path) as running:
        until_it_serves(running)
        yield running


def test_a_repeatedly_killed_worker_is_replaced_while_the_other_one_keeps_serving(tiny: TinyServer) -> None:
    healthy = tiny.workers[0]
    for count in range(1, 4):
        os.kill(tiny.workers[-1], signal.SIGKILL)
        until(lambda count=count: tiny.logged("was killed by SIGKILL") == count)
        assert responds(tiny.port)
        until(lambda count=count: tiny.logged("Started worker-") == 2 + count)
    assert tiny.workers[0] == healthy
    assert len(tiny.workers) == 2
    assert [tiny.logged(f"replacing it {delay}") for delay in ("now", "in 0.25 sec", "in 0.5 sec")] == [1, 1, 1]


def test_workers_that_are_all_killed_are_replaced_and_no_connection_is_refused(tiny: TinyServer) -> None:
    for worker in tiny.workers:
        os.kill(worker, signal.SIGKILL)
    assert responds(tiny.port)
    until(lambda: tiny.logged("Started worker-") == 4)


def test_new_connections_go_to_running_workers(tiny: TinyServer) -> None:
    tiny.change_application("import threading; threading.Event().wait()")
    os.kill(tiny.workers[0], signal.SIGKILL)
    until(lambda: tiny.logged("Spawning worker-") == 3)
    assert all(responds(tiny.port) for _ in range(20))


def test_a_reload_replaces_every_worker(tiny: TinyServer) -> None:
    before = set(tiny.workers)
    tiny.process.send_signal(signal.SIGHUP)
    until(lambda: len(tiny.workers) == 2 and not before & set(tiny.workers))
    assert responds(tiny.port)


def test_a_reload_is_aborted_if_the_new_worker_dies(tiny: TinyServer) -> None:
    before = tiny.workers
    tiny.change_application(BROKEN)
    tiny.process.send_signal(signal.SIGHUP)
    until(lambda: tiny.logged("ended with status 3 during its start: the reload is aborted"))
    assert tiny.workers == before
    assert responds(tiny.port)


def test_a_worker_that_dies_during_a_reload_is_replaced(tiny: TinyServer) -> None:
    first, second = tiny.workers
    # The new worker starts only when the test allows it, so the reload cannot end before.
    tiny.change_application(STARTS_LATER)
    tiny.process.send_signal(signal.SIGHUP)
    until(lambda: len(tiny.workers) == 3)
    os.kill(second, signal.SIGKILL)
    (tiny.folder / "may_start").touch()
    until(lambda: len(tiny.workers) == 2 and not {first, second} & set(tiny.workers))
    until(lambda: responds(tiny.port))


STARTS_LATER = """
import pathlib, threading
while not pathlib.Path("may_start").exists():
    threading.Event().wait(0.05)
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
REPORTS_INHERITED_MODULES = """
import sys
inherited = [name for name in sys.modules if name.startswith("invsys")]
def app(environ, start_response):
    start_response("500 Inherited" if inherited else "200 OK", [("Content-Length", "0")])
    return [b""]
"""


def test_a_worker_does_not_inherit_modules_of_the_package(tmp_path: Path) -> None:
    with tiny_server(tmp_path, REPORTS_INHERITED_MODULES) as tiny:
        until_it_serves(tiny)


def test_a_stop_does_not_wait_for_the_delayed_start_of_a_worker(tmp_path: Path) -> None:
    with tiny_server(tmp_path, BROKEN) as tiny:
        until(lambda: tiny.logged("ended with status 3; replacing it in 2 seconds"))
        tiny.process.terminate()
        assert tiny.process.wait(SECONDS) == 0
        assert "Traceback" not in tiny.log.read_text()


def test_a_worker_can_be_stopped_during_its_start(tmp_path: Path) -> None:
    with tiny_server(tmp_path, "import threading; threading.Event().wait()") as tiny:
        until(lambda: tiny.logged("Spawning worker-") == 2)
        tiny.process.terminate()
        assert tiny.process.wait(SECONDS) == 0
        assert not tiny.logged("Killed")


def test_workers_end_with_their_supervisor_and_free_the_port(tiny: TinyServer) -> None:
    workers = tiny.workers
    tiny.process.kill()
    tiny.process.wait(SECONDS)
    until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    assert not responds(tiny.port)


@pytest.fixture
def send_during_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[signal.Signals], None]:
    """Return a function that makes the supervisor receive a signal while Python starts, before any of our code runs."""

    def send(number: signal.Signals) -> None:
        condition = "if 'invsys.chassis.server.supervisor' in sys.orig_argv"
        code = f"import os, sys\n{condition}: os.kill(os.getpid(), {int(number)})\n"
        (tmp_path / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))

    return send


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_loading_server_without_an_error(
    tmp_path: Path, send_during_start: Callable[[signal.Signals], None], number: signal.Signals
) -> None:
    send_during_start(number)
    with tiny_server(tmp_path / "served") as tiny:
        assert tiny.process.wait(SECONDS) == 0
        assert tiny.logged("shutdown completed")
        assert not tiny.logged("Traceback")
        assert not tiny.logged("Spawning worker-")


def test_a_reload_signal_does_not_stop_a_loading_server(
    tmp_path: Path, send_during_start: Callable[[signal.Signals], None]
) -> None:
    send_during_start(signal.SIGHUP)
    with tiny_server(tmp_path / "served") as tiny:
        until_it_serves(tiny)


def test_ctrl_c_stops_the_process_group_without_an_error(tiny: TinyServer) -> None:
    for pid in (*tiny.workers, tiny.process.pid):
        os.kill(pid, signal.SIGINT)
    assert tiny.process.wait(SECONDS) == 0
    assert not tiny.logged("Traceback")
