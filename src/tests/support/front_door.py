"""A gateway in front of the inventory under test, connected over real HTTP, and a client with all scopes."""

import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from invsys.gateway import settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from tests.support.serving_apps import served_app
from tests.support.waiting import LONG_UPSTREAM_TIMEOUTS

ALL_SCOPES = ["resources:read", "resources:write", "allocations:read", "allocations:write", "events:read"]


class BufferingClient(FlaskClient):
    """A test client that buffers every response: an unread streamed response would occupy its connection."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **kwargs})


class FrontDoor:
    """One gateway for all tests of a process; the inventory behind it changes from test to test."""

    # The client id that the inventory sees.
    name = "contract"

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._current_app: Callable[..., Iterable[bytes]] | None = None
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="invsys-gateway-")))
        self._key = client_admin.add(folder / "clients.ini", self.name, ALL_SCOPES)
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(folder / "clients.ini"),
            "INVSYS_SERVICES_INVENTORY": self._stack.enter_context(served_app(self._inventory)),
            **LONG_UPSTREAM_TIMEOUTS,
            "INVSYS_LIMITS_RATE": "1000000/second",
            "INVSYS_LIMITS_WRITE_RATE": "1000000/second",
            "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
        }
        self._gateway = build_app(settings.load(environ=environ))
        self._gateway.test_client_class = BufferingClient

    @property
    def authorization(self) -> str:
        """The header ``Authorization`` with the key of the client."""
        return f"Bearer {self._key}"

    def connect(self, inventory: Flask) -> Flask:
        """Connect the gateway to ``inventory``, and return the application of the gateway."""
        self._current_app = inventory
        return self._gateway

    def caller(self, inventory: Flask) -> FlaskClient:
        """Connect the gateway to ``inventory``; return a test client that sends the key."""
        client = self.connect(inventory).test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = self.authorization
        return client

    def close(self) -> None:
        """Stop the server of the inventory and remove the clients file."""
        self._stack.close()

    def _inventory(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        assert self._current_app is not None
        return self._current_app(environ, start_response)
