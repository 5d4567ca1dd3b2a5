"""Events that repeat within a second are counted by key, in bounded memory."""

import threading
from collections import Counter
from collections.abc import Hashable

import pytest

from invsys.chassis.ops import repeats
from invsys.chassis.ops.repeats import OTHERS, Repeats
from tests.support.fake_clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(repeats, "time", clock)
    return clock


class Counted(Repeats):
    """Counts at most three keys; the reports are recorded."""

    def __init__(self) -> None:
        self.reported: list[tuple[Hashable, int]] = []
        super().__init__(3, lambda key, count: self.reported.append((key, count)))


def test_only_the_first_of_a_key_is_first(clock: Clock) -> None:
    counted = Counted()
    assert [counted.is_first(key) for key in "aababc"] == [True, False, True, False, False, True]
    assert counted.reported == []


def test_the_others_are_reported_when_their_second_is_over(clock: Clock) -> None:
    counted = Counted()
    for key in "aaabbc":
        counted.is_first(key)
    clock.advance(0.99)
    counted.flush()
    assert counted.reported == []
    clock.advance(0.02)
    counted.flush()
    counted.flush()
    # "c" came once, and was logged.
    assert counted.reported == [("a", 2), ("b", 1)]
    assert counted.pending == {}


def test_the_next_one_reports_them_and_is_a_first_one_again(clock: Clock) -> None:
    counted = Counted()
    counted.is_first("a")
    counted.is_first("a")
    clock.advance(1.01)
    assert counted.is_first("a")
    assert counted.reported == [("a", 1)]
    assert not counted.is_first("a")


def test_at_once_reports_before_the_second_is_over(clock: Clock) -> None:
    counted = Counted()
    counted.is_first("a")
    counted.is_first("a")
    counted.flush(at_once=True)
    assert counted.reported == [("a", 1)]


def test_the_number_of_keys_is_limited(clock: Clock) -> None:
    counted = Counted()
    firsts = [counted.is_first(number) for number in range(1000)]
    assert firsts == [True] * 3 + [False] * 997
    assert len(counted.pending) == 4
    counted.flush(at_once=True)
    assert counted.reported == [(OTHERS, 997)]


def test_known_keys_are_counted_separately_when_there_is_no_more_room(clock: Clock) -> None:
    counted = Counted()
    for key in "abcda":
        counted.is_first(key)
    counted.flush(at_once=True)
    assert dict(counted.reported) == {"a": 1, OTHERS: 1}


def test_no_event_is_lost_between_threads(clock: Clock) -> None:
    counted, firsts = Counted(), Counter[str]()

    def count() -> None:
        for _ in range(200):
            if counted.is_first("a"):
                firsts["a"] += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted.flush(at_once=True)
    assert (firsts["a"], counted.reported) == (1, [("a", 799)])
