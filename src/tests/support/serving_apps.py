"""Applications on real sockets, served by threads of this process."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from invsys.gateway.pipeline import Pipeline


class _Handler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.server.clock() if timestamp is None else timestamp)


class _Server(ThreadedWSGIServer):
    """A server that, when it is closed, waits until its requests have been answered."""

    daemon_threads = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        # A browser opens connections ahead of its requests: those threads would wait for a request forever.
        for connection in self._connections.copy():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        super().server_close()


@contextmanager
def served_app(app: Callable[..., Any], clock: Callable[[], float] = time.time) -> Iterator[str]:
    """Serve a WSGI application, with one request per connection; yield its base URL.

    ``clock`` returns the time for the header Date. At the end, no request uses the application any more.
    """
    server = _Server("127.0.0.1", 0, app, _Handler)
    server.clock = clock
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def close_idle(app: Flask) -> None:
    """Close the idle connections of a gateway to its services."""
    owners = (getattr(function, "__self__", None) for function in app.before_request_funcs[None])
    pipeline = next(owner for owner in owners if isinstance(owner, Pipeline))
    for service in pipeline._proxy._services.values():
        for host in service._hosts:
            while host.pool._idle:
                host.pool._idle.pop().close()
