"""The application that the fleet page calls: it can be away, and its clock can be ahead."""

import socket
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from flask import Flask

from invsys.inventory.db.models import ContinuousResourceAllocation
from tests.support.time_travel import shift_timestamps


class PageService:
    """The inventory under test, as the page calls it.

    While ``is_away``, it closes connections without a response.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._ahead = 0.0
        self.is_away = False

    def inventory(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as the inventory does; a WSGI application."""
        if self.is_away:
            # After this exception alone, Werkzeug would wait for another request over the connection.
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError
        return self._app(environ, start_response)

    def clock(self) -> float:
        """Return the time that the browser gets in the header Date."""
        return time.time() + self._ahead

    def set_clock(self, now: str) -> None:
        """Set that time to an instant such as 2099-03-02T12:00:00+00:00. The stored holds stay as they are."""
        self._ahead = datetime.fromisoformat(now).timestamp() - time.time()

    def advance(self, seconds: float) -> None:
        """Let time pass, also for the stored holds."""
        shift_timestamps(self._app, ContinuousResourceAllocation.expires, seconds=seconds)
        self._ahead += seconds
