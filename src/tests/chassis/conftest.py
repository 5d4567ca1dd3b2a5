"""Fixtures of the chassis tests."""

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
    """Return a context manager that configures logging and yields a list, to which it adds the log lines on exit."""

    @contextmanager
    def logged(level: str) -> Iterator[list[dict[str, Any]]]:
        root, lines, stream = logging.getLogger(), list[dict[str, Any]](), io.StringIO()
        handlers, before = root.handlers, root.level
        # Removed for now, so that ``configure`` does not close them.
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
