"""Applications on real sockets, served by threads of this process."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from invsys.gateway.pipeline import Pipeline


class _Handler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.server.clock() if timestamp is None else timestamp)


@contextmanager
def served_app(app: Callable[..., Any], clock: Callable[[], float] = time.time) -> Iterator[str]:
    """Serve a WSGI application, with one request per connection; yield its base URL.

    ``clock`` returns the time for the header Date.
    """
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Handler)
    server.daemon_threads = True
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
