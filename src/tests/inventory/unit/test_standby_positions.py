"""The positions of the primary that prove how old the data of a standby are."""

import pytest
from sqlalchemy import create_engine

from invsys.inventory.db.standbys import standby
from invsys.inventory.db.standbys.positions import Event, History, Primary, PrimaryPosition


def history_of(seconds: float, positions: list[int], timeline: str = "00000001") -> History:
    primary = Primary(seconds)
    for at, position in enumerate(positions):
        primary.add(float(at), PrimaryPosition(False, "1", position, timeline, f"clock {at}", "start", None, None))
    assert primary.history is not None
    return primary.history


def test_the_newest_position_that_was_reached_counts() -> None:
    history = history_of(60, [10, 20, 20, 30])
    reached = {position: history.newest_reached(position) for position in (10, 19, 20, 29, 30, 31)}
    assert {position: mark.at for position, mark in reached.items() if mark} == {
        10: 0,
        19: 0,
        20: 2,
        29: 2,
        30: 3,
        31: 3,
    }
    assert history.newest_reached(9) is history.newest_reached(None) is None


def test_a_position_that_was_not_written_belongs_to_another_history() -> None:
    history = history_of(60, [10, 20])
    assert history.has_written(20, since=0.5)
    assert history.has_written(21, since=0.5) is False
    # Since then, the primary has not been asked.
    assert history.has_written(21, since=1.5) is None


def test_old_positions_are_forgotten_and_many_are_thinned() -> None:
    assert [mark.at for mark in history_of(5, list(range(100))).marks] == [95, 96, 97, 98, 99]
    history = history_of(3600, list(range(10_000)))
    assert len(history.marks) <= 32
    assert history.marks[-1].at == 9999
    assert 9999 - 3600 < history.marks[0].at < 9999 - 1000
    for position in range(9999 - 1000, 10_000):
        mark = history.newest_reached(position)
        assert mark is not None
        assert 0 <= position - mark.at <= 9999 - mark.at


def test_a_failover_begins_a_new_history() -> None:
    primary = Primary(60)
    primary.add(1.0, PrimaryPosition(False, "1", 50, "00000001", "clock", "start", None, None))
    primary.add(2.0, PrimaryPosition(False, "1", 40, "00000002", "clock", "start", None, None))
    assert primary.history is not None
    assert [mark.position for mark in primary.history.marks] == [40]
    # A standby at the URL of the primary has no position to offer.
    primary.add(3.0, PrimaryPosition(True, "1", None, None, "clock", "start", None, None))
    assert [mark.position for mark in primary.history.marks] == [40]


class WaitingPrimary(Primary):
    """A primary that does not show a change yet, because the commit waits for a synchronous standby."""

    def has(self, event: Event) -> bool:
        return False

    def waits_for_standby(self) -> bool:
        return True


class StallingClock:
    """Replaces the module ``time``: the process is suspended for a minute after each look at the clock."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        self._now += 60
        return self._now


def test_a_check_that_stalls_does_not_take_a_waiting_commit_for_another_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standby, "time", StallingClock())
    one = standby.Standby("db2", create_engine("sqlite://"), WaitingPrimary(60), 60, 1.5)
    assert [one._primary_has(Event(1, "id")) for _ in range(3)] == [None] * 3
