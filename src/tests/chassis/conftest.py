"""Fixtures of the chassis tests: the log, read back."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from invsys.chassis.ops import request_log

Logged = Callable[..., AbstractContextManager[list[dict[str, Any]]]]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Logged:
    """A context in which the log is configured; at its end the list has the lines written to standard error."""

    @contextmanager
    def logged(level: str) -> Iterator[list[dict[str, Any]]]:
        root, lines, stream = logging.getLogger(), list[dict[str, Any]](), io.StringIO()
        handlers, before = root.handlers, root.level
        # Away for now, so that they are not closed.
        root.handlers = []
        monkeypatch.setattr(sys, "stderr", stream)
        try:
            request_log.configure({"level": level, "file": ""})
            yield lines
        finally:
            root.handlers = handlers
            root.setLevel(before)
            monkeypatch.undo()
        lines += map(json.loads, stream.getvalue().split("\n")[:-1])

    return logged
