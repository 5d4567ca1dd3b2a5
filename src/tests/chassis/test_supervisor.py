"""The supervisor of the production server: workers that die, reloads that fail, and stopping."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.tiny_server import Tiny, answers, tiny_server, until_it_serves
from tests.support.waiting import SECONDS, until

BROKEN = "raise SystemExit(3)"


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Tiny]:
    with tiny_server(tmp_path) as running:
        until_it_serves(running)
        yield running


def test_a_worker_that_is_killed_again_and_again_comes_back_and_the_other_one_keeps_serving(tiny: Tiny) -> None:
    healthy = tiny.workers[0]
    for killed in range(1, 4):
        os.kill(tiny.workers[-1], signal.SIGKILL)
        until(lambda killed=killed: tiny.logged("was killed by SIGKILL") == killed)
        assert answers(tiny.port)
        until(lambda killed=killed: tiny.logged("Started worker-") == 2 + killed)
    assert tiny.workers[0] == healthy
    assert len(tiny.workers) == 2
    assert [tiny.logged(f"replacing it {when}") for when in ("now", "in 0.25 sec", "in 0.5 sec")] == [1, 1, 1]


def test_all_workers_killed_at_once_come_back_and_no_connection_is_refused(tiny: Tiny) -> None:
    for worker in tiny.workers:
        os.kill(worker, signal.SIGKILL)
    assert answers(tiny.port)
    until(lambda: tiny.logged("Started worker-") == 4)


def test_new_connections_go_to_the_workers_that_run(tiny: Tiny) -> None:
    tiny.change_application("import threading; threading.Event().wait()")
    os.kill(tiny.workers[0], signal.SIGKILL)
    until(lambda: tiny.logged("Spawning worker-") == 3)
    assert all(answers(tiny.port) for _ in range(20))


def test_a_reload_replaces_every_worker(tiny: Tiny) -> None:
    before = set(tiny.workers)
    tiny.process.send_signal(signal.SIGHUP)
    until(lambda: len(tiny.workers) == 2 and not before & set(tiny.workers))
    assert answers(tiny.port)


def test_a_reload_whose_new_worker_dies_leaves_the_old_ones(tiny: Tiny) -> None:
    before = tiny.workers
    tiny.change_application(BROKEN)
    tiny.process.send_signal(signal.SIGHUP)
    until(lambda: tiny.logged("ended with status 3 during its start: the reload is aborted"))
    assert tiny.workers == before
    assert answers(tiny.port)


def test_a_worker_that_dies_during_a_reload_is_replaced(tiny: Tiny) -> None:
    first, second = tiny.workers
    tiny.process.send_signal(signal.SIGHUP)
    until(lambda: len(tiny.workers) == 3)
    os.kill(second, signal.SIGKILL)
    until(lambda: len(tiny.workers) == 2 and not {first, second} & set(tiny.workers))
    until(lambda: answers(tiny.port))


LOADED_BEFORE = """
import sys
inherited = [name for name in sys.modules if name.startswith("invsys")]
def app(environ, start_response):
    start_response("500 Inherited" if inherited else "200 OK", [("Content-Length", "0")])
    return [b""]
"""


def test_a_worker_inherits_no_module_that_an_upgrade_may_have_replaced(tmp_path: Path) -> None:
    with tiny_server(tmp_path, LOADED_BEFORE) as tiny:
        until_it_serves(tiny)


def test_a_stop_does_not_wait_for_a_worker_that_is_to_be_replaced_later(tmp_path: Path) -> None:
    with tiny_server(tmp_path, BROKEN) as tiny:
        until(lambda: tiny.logged("ended with status 3; replacing it in 2 seconds"))
        tiny.process.terminate()
        assert tiny.process.wait(SECONDS) == 0
        assert "Traceback" not in tiny.log.read_text()


def test_a_worker_that_has_hardly_started_can_be_stopped(tmp_path: Path) -> None:
    with tiny_server(tmp_path, "import threading; threading.Event().wait()") as tiny:
        until(lambda: tiny.logged("Spawning worker-") == 2)
        tiny.process.terminate()
        assert tiny.process.wait(SECONDS) == 0
        assert not tiny.logged("Killed")


def test_workers_end_with_their_supervisor_and_free_the_port(tiny: Tiny) -> None:
    workers = tiny.workers
    tiny.process.kill()
    tiny.process.wait(SECONDS)
    until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    assert not answers(tiny.port)


@pytest.fixture
def signalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[signal.Signals], None]:
    """Let the supervisor get a signal while Python starts, before it runs any code of ours."""

    def signalled(number: signal.Signals) -> None:
        condition = "if 'invsys.chassis.server.supervisor' in sys.orig_argv"
        code = f"import os, sys\n{condition}: os.kill(os.getpid(), {int(number)})\n"
        (tmp_path / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))

    return signalled


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_still_loading_stops_in_an_orderly_way(
    tmp_path: Path, signalled: Callable[[signal.Signals], None], number: signal.Signals
) -> None:
    signalled(number)
    with tiny_server(tmp_path / "served") as tiny:
        assert tiny.process.wait(SECONDS) == 0
        assert tiny.logged("shutdown completed")
        assert not tiny.logged("Traceback")
        assert not tiny.logged("Spawning worker-")


def test_a_reload_while_the_server_is_still_loading_does_not_end_it(
    tmp_path: Path, signalled: Callable[[signal.Signals], None]
) -> None:
    signalled(signal.SIGHUP)
    with tiny_server(tmp_path / "served") as tiny:
        until_it_serves(tiny)


def test_ctrl_c_stops_the_whole_process_group_in_an_orderly_way(tiny: Tiny) -> None:
    for pid in (*tiny.workers, tiny.process.pid):
        os.kill(pid, signal.SIGINT)
    assert tiny.process.wait(SECONDS) == 0
    assert not tiny.logged("Traceback")
