"""Values that a thread computes: readers wait for a limited time, and only one thread computes at a time."""

import threading

from invsys.chassis.ops.background import BackgroundValue

LONG = 60.0


def test_a_value_is_computed_once_until_it_is_too_old() -> None:
    numbers = iter(range(10))
    kept, renewed = (BackgroundValue(lambda: next(numbers), max_age) for max_age in (LONG, 0.0))
    assert [kept.get(LONG) for _ in range(3)] == [0, 0, 0]
    assert [renewed.get(LONG) for _ in range(3)] == [1, 2, 3]


def test_readers_of_a_slow_value_get_none_and_start_no_second_thread() -> None:
    may_finish, calls = threading.Event(), []

    def compute() -> str:
        calls.append(threading.current_thread())
        may_finish.wait(LONG)
        return "value"

    value = BackgroundValue(compute, LONG)
    assert [value.get(timeout=0.01) for _ in range(3)] == [None] * 3
    may_finish.set()
    assert value.get(LONG) == "value"
    assert len(calls) == 1
