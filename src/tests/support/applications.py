"""Applications that one test after the other uses: to build one, and to connect it, takes longer than most tests."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask

from invsys.inventory import settings
from invsys.inventory.application import build_app
from invsys.inventory.db.engine import disconnect as dispose
from invsys.inventory.db.models import db

# Of each every connection stays open, and PostgreSQL takes 100.
_KEPT = 3


class Applications:
    """An application for each environment, of those that were used last.

    What a test leaves changed is not given to another one. What this does not see (handlers, listeners at an engine)
    is for an application of the test's own.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[frozenset[tuple[str, str]], tuple[Flask, Any]] = OrderedDict()

    @contextmanager
    def lent(self, environ: Mapping[str, str]) -> Iterator[Flask]:
        """Give the application for an environment; it comes back as it was, or is closed."""
        key = frozenset(environ.items())
        app, before = self._kept.pop(key, None) or _built(environ)
        yield app
        if _state(app) != before:
            close(app)
            return
        self._kept[key] = app, before
        while len(self._kept) > _KEPT:
            close(self._kept.popitem(last=False)[1][0])

    def close(self) -> None:
        """Close every connection."""
        for app, _ in self._kept.values():
            close(app)
        self._kept.clear()


def close(app: Flask) -> None:
    """Close every connection of an application; whoever uses it again connects anew."""
    with app.app_context():
        dispose()


def _built(environ: Mapping[str, str]) -> tuple[Flask, Any]:
    app = build_app(settings.load(environ=environ))
    return app, _state(app)


def _state(app: Flask) -> Any:
    with app.app_context():
        # A connection that is still in use may hold a lock.
        in_use = [engine.pool.checkedout() for engine in db.engines.values()]  # type: ignore[attr-defined]
    # The extensions have the outage that the service is waiting out.
    return dict(app.config), set(app.extensions), list(app.url_map.iter_rules()), in_use
