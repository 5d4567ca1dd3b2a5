"""A gateway in front of whichever inventory is tested: real HTTP between them, and a caller who may do everything."""

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

EVERYTHING = ["resources:read", "resources:write", "allocations:read", "allocations:write", "events:read"]


class Caller(FlaskClient):
    """Takes in every answer as a whole: one that is streamed and left unread keeps its connection."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **kwargs})


class FrontDoor:
    """One gateway for all tests of a process; what stands behind it changes from test to test."""

    # Who the caller is for the inventory.
    name = "contract"

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._behind: Callable[..., Iterable[bytes]] | None = None
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="invsys-gateway-")))
        self._key = client_admin.add(folder / "clients.ini", self.name, EVERYTHING)
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(folder / "clients.ini"),
            "INVSYS_SERVICES_INVENTORY": self._stack.enter_context(served_app(self._inventory)),
            "INVSYS_LIMITS_RATE": "1000000/second",
            "INVSYS_LIMITS_WRITE_RATE": "1000000/second",
            "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
        }
        self._gateway = build_app(settings.load(environ=environ))
        self._gateway.test_client_class = Caller

    def caller(self, inventory: Flask) -> FlaskClient:
        """Put the gateway in front of ``inventory``, and give a caller that has a key."""
        self._behind = inventory
        caller = self._gateway.test_client()
        caller.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self._key}"
        return caller

    def close(self) -> None:
        """Stop what was started."""
        self._stack.close()

    def _inventory(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        assert self._behind is not None
        return self._behind(environ, start_response)
