"""Repeated events within a second are counted by key, with limited memory."""

import threading
from collections import Counter
from collections.abc import Hashable

import pytest

from invsys.chassis.ops import repeat_counter
from invsys.chassis.ops.repeat_counter import OTHERS, RepeatCounter
from tests.support.fake_clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(repeat_counter, "time", clock)
    return clock


class RecordedCounter(RepeatCounter):
    """Counts at most three keys, and records the reports."""

    def __init__(self) -> None:
        self.reported: list[tuple[Hashable, int]] = []
        super().__init__(3, lambda key, count: self.reported.append((key, count)))


def test_only_the_first_event_of_a_key_is_first(clock: Clock) -> None:
    recorded = RecordedCounter()
    assert [recorded.is_first(key) for key in "aababc"] == [True, False, True, False, False, True]
    assert recorded.reported == []


def test_further_events_are_reported_after_a_second(clock: Clock) -> None:
    recorded = RecordedCounter()
    for key in "aaabbc":
        recorded.is_first(key)
    clock.advance(0.99)
    recorded.flush()
    assert recorded.reported == []
    clock.advance(0.02)
    recorded.flush()
    recorded.flush()
    # The only "c" is not reported, because the caller has logged it already.
    assert recorded.reported == [("a", 2), ("b", 1)]
    assert recorded.pending == {}


def test_the_next_event_after_the_window_reports_them_and_is_first_again(clock: Clock) -> None:
    recorded = RecordedCounter()
    recorded.is_first("a")
    recorded.is_first("a")
    clock.advance(1.01)
    assert recorded.is_first("a")
    assert recorded.reported == [("a", 1)]
    assert not recorded.is_first("a")


def test_force_reports_before_the_window_is_over(clock: Clock) -> None:
    recorded = RecordedCounter()
    recorded.is_first("a")
    recorded.is_first("a")
    recorded.flush(force=True)
    assert recorded.reported == [("a", 1)]


def test_the_number_of_keys_is_limited(clock: Clock) -> None:
    recorded = RecordedCounter()
    firsts = [recorded.is_first(number) for number in range(1000)]
    assert firsts == [True] * 3 + [False] * 997
    assert len(recorded.pending) == 4
    recorded.flush(force=True)
    assert recorded.reported == [(OTHERS, 997)]


def test_existing_keys_are_counted_separately_when_the_limit_is_reached(clock: Clock) -> None:
    recorded = RecordedCounter()
    for key in "abcda":
        recorded.is_first(key)
    recorded.flush(force=True)
    assert dict(recorded.reported) == {"a": 1, OTHERS: 1}


def test_no_event_is_lost_between_threads(clock: Clock) -> None:
    recorded, firsts = RecordedCounter(), Counter[str]()

    def count() -> None:
        for _ in range(200):
            if recorded.is_first("a"):
                firsts["a"] += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorded.flush(force=True)
    assert (firsts["a"], recorded.reported) == (1, [("a", 799)])
