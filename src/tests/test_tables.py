"""Table-driven tests: every case runs, and every failing case is reported by its label."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.tables import table_driven


class Reports:
    """A replacement for ``subtests``; ``failed`` maps the label of each failed case to its exception."""

    def __init__(self) -> None:
        self.failed: dict[str, BaseException] = {}

    @contextmanager
    def test(self, label: str) -> Iterator[None]:
        try:
            yield
        except (AssertionError, pytest.fail.Exception) as failure:
            self.failed[label] = failure


def test_every_failing_case_is_reported_and_the_others_still_run() -> None:
    reports, ran = Reports(), []

    @table_driven(("left", "right"), [(1, 1), (1, 2), pytest.param(2, 1, id="larger"), (2, 2)])
    def compare(offset: int, left: int, right: int) -> None:
        ran.append((left, right))
        assert left == right + offset

    compare(subtests=reports, offset=0)
    assert ran == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert list(reports.failed) == ["left=1, right=2", "larger: left=2, right=1"]
    assert set(inspect.signature(compare).parameters) == {"offset", "subtests"}


EXPECTED = [("first", "a", 1), ("first", "a", 2), ("second", "b", 1), ("second", "b", 2)]


def test_two_tables_run_every_combination() -> None:
    reports, ran = Reports(), []

    @table_driven("letter", "ab", ids=["first", "second"])
    @table_driven("number", [1, 2])
    def fail(letter: str, number: int) -> None:
        ran.append((letter, number))
        with pytest.raises(ValueError):
            pass

    fail(subtests=reports)
    assert ran == [case[1:] for case in EXPECTED]
    assert list(reports.failed) == [f"{name}: letter={letter!r}, number={number}" for name, letter, number in EXPECTED]


def test_a_table_needs_cases_with_one_value_for_each_name() -> None:
    with pytest.raises(AssertionError):
        table_driven("number", [])
    with pytest.raises(ValueError):
        table_driven(("left", "right"), [(1,)])
