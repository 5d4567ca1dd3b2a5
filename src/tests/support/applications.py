"""A cache of applications: building an application and connecting it takes longer than most tests."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask

from invsys.inventory import settings
from invsys.inventory.application import build_app
from invsys.inventory.db.engine import disconnect
from invsys.inventory.db.models import db
from invsys.inventory.db.standbys import reads as standby_reads

# Every cached application keeps its connections open, and PostgreSQL accepts 100.
_MAX_APPS = 3


class Applications:
    """The most recently used applications, one for each set of environment variables.

    An application that a test has changed is closed, not reused. This class does not detect new log handlers or engine
    listeners: a test that adds them must use the fixture ``own_app``.
    """

    def __init__(self) -> None:
        self._apps: OrderedDict[frozenset[tuple[str, str]], tuple[Flask, Any]] = OrderedDict()

    @contextmanager
    def cached_app(self, environ: Mapping[str, str]) -> Iterator[Flask]:
        """Yield the application for an environment; afterwards cache it if it is unchanged, else close it."""
        key = frozenset(environ.items())
        app, before = self._apps.pop(key, None) or _build(environ)
        yield app
        if _state(app) != before:
            close(app)
            return
        self._apps[key] = app, before
        while len(self._apps) > _MAX_APPS:
            close(self._apps.popitem(last=False)[1][0])

    def close(self) -> None:
        """Close all connections of all applications."""
        for app, _ in self._apps.values():
            close(app)
        self._apps.clear()


def close(app: Flask) -> None:
    """Close all connections of an application; it reconnects when it is used again."""
    with app.app_context():
        standby_reads.stop()
        disconnect()


def _build(environ: Mapping[str, str]) -> tuple[Flask, Any]:
    app = build_app(settings.load(environ=environ))
    return app, _state(app)


def _state(app: Flask) -> Any:
    with app.app_context():
        # A connection that is still checked out may hold a lock.
        in_use = [engine.pool.checkedout() for engine in db.engines.values()]  # type: ignore[attr-defined]
    # The circuit breaker of the database adds an extension when it opens.
    return dict(app.config), set(app.extensions), list(app.url_map.iter_rules()), in_use
