"""Tests with a table of cases that share one set of fixtures: setting those up takes longer than most cases."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

import pytest

Test = Callable[..., None]

_PARAM = type(pytest.param())


def table_driven(names: str | tuple[str, ...], values: Iterable[Any], ids: Iterable[object] | None = None) -> Any:
    """Return a decorator that calls a test once for each case; use it as ``pytest.mark.parametrize``.

    Every failing case is reported with its arguments, and the others still run. A case sees what the cases before it
    have stored, so the decorator is for tests that store nothing or do not depend on what is stored.
    """
    cases = list(_cases(names, values, ids))
    assert cases, "a table without cases tests nothing"

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)
        takes_subtests = "subtests" in signature.parameters

        @wraps(test)
        def each_case(*, subtests: pytest.Subtests, **fixtures: Any) -> None:
            for label, arguments in cases:
                try:
                    within = {"subtests": _Within(subtests, label)} if takes_subtests else {}
                    test(**fixtures, **arguments, **within)
                except (Exception, pytest.fail.Exception):
                    # A subtest takes longer than most cases, so only failures become subtests.
                    with subtests.test(label):
                        raise

        each_case.__signature__ = _without(signature, cases[0][1])  # type: ignore[attr-defined]
        return each_case

    return decorate


class _Within:
    """The ``subtests`` for a table inside a case of another table; it adds the label of that case to each subtest."""

    def __init__(self, subtests: pytest.Subtests, label: str) -> None:
        self._subtests, self._label = subtests, label

    def test(self, label: str) -> AbstractContextManager[None]:
        return self._subtests.test(f"{self._label}, {label}")


def _cases(
    names: str | tuple[str, ...], values: Iterable[Any], ids: Iterable[object] | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the label and the arguments of each case; a value can be a ``pytest.param``."""
    keys = (names,) if isinstance(names, str) else names
    rows = [value if len(keys) > 1 or isinstance(value, _PARAM) else (value,) for value in values]
    for name, row in zip([None] * len(rows) if ids is None else ids, rows, strict=True):
        label, row_values = (row.id, row.values) if isinstance(row, _PARAM) else (name, row)
        arguments = dict(zip(keys, row_values, strict=True))
        shown = ", ".join(f"{key}={value!r:.200}" for key, value in arguments.items())
        yield shown if label is None else f"{label}: {shown}", arguments


def _without(signature: inspect.Signature, names: Iterable[str]) -> inspect.Signature:
    """Return the signature without the parameters of the table, and with ``subtests``."""
    parameters = [
        *(parameter for name, parameter in signature.parameters.items() if name not in (*names, "subtests")),
        inspect.Parameter("subtests", inspect.Parameter.KEYWORD_ONLY),
    ]
    return signature.replace(parameters=[one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters])
