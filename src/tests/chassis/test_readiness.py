"""Readiness: the full check until it has passed once, then two smaller ones; the check for space counts for seconds."""

import threading

import pytest

from invsys.chassis.http.problems import Unavailable
from invsys.chassis.ops import readiness
from invsys.chassis.ops.readiness import Readiness


class Check:
    """A check that counts its calls, and fails while it has a reason."""

    def __init__(self):
        self.calls = 0
        self.reason = ""

    def __call__(self):
        self.calls += 1
        if self.reason:
            raise Unavailable(self.reason)


@pytest.fixture
def checks():
    return [Check() for _ in range(3)]


def test_the_full_check_runs_until_it_has_passed_once(checks):
    usable, reachable, writable = checks
    ready = Readiness(*checks)
    usable.reason = "not migrated"
    for _ in range(2):
        with pytest.raises(Unavailable, match="not migrated"):
            ready.require()
    assert (usable.calls, reachable.calls, writable.calls) == (2, 0, 0)
    usable.reason = ""
    for _ in range(3):
        ready.require()
    assert (usable.calls, reachable.calls) == (3, 2)


def test_the_result_of_the_check_for_space_is_used_again(checks):
    ready = Readiness(*checks)
    checks[2].reason = "full"
    for _ in range(3):
        with pytest.raises(Unavailable, match="full") as raised:
            ready.require()
    assert checks[2].calls == 1
    # The traceback of a problem that is raised again does not grow.
    assert len(raised.traceback) < 6


def test_the_check_for_space_is_repeated_when_its_result_is_too_old(checks, monkeypatch):
    monkeypatch.setattr(readiness, "_WRITE_INTERVAL", 0)
    ready = Readiness(*checks)
    checks[2].reason = "full"
    with pytest.raises(Unavailable):
        ready.require()
    checks[2].reason = ""
    ready.require()
    assert checks[2].calls == 2


def test_a_slow_check_for_space_delays_no_other_request():
    started, finish = threading.Event(), threading.Event()

    def slow():
        started.set()
        assert finish.wait(60)

    ready = Readiness(lambda: None, lambda: None, slow)
    thread = threading.Thread(target=ready.require)
    thread.start()
    assert started.wait(60)
    ready.require()
    assert thread.is_alive()
    finish.set()
    thread.join(60)
    assert not thread.is_alive()


def test_a_service_needs_no_check_for_space(checks):
    Readiness(*checks[:2]).require()
