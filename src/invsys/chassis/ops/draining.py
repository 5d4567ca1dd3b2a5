"""Connection draining: while the server replaces its workers, every response closes its connection.

granian closes the idle connections of a worker that stops. A request that a client is sending over such a connection
would be lost. A new worker starts some seconds before the old one stops. Within this time, each active client gets a
response with ``Connection: close``, and connects again.
"""

import os
import time
from pathlib import Path

from flask import Flask, Response

# The configured number of workers; ``server.command.serve`` sets the variable.
WORKERS_VARIABLE = "SERVER_WORKERS"

# Seconds between two counts of the worker processes.
_INTERVAL = 0.25


def register(app: Flask) -> None:
    """Add ``Connection: close`` to the responses of ``app`` during a reload of the production server."""
    if WORKERS_VARIABLE not in os.environ:
        return
    configured_workers = int(os.environ[WORKERS_VARIABLE])
    counted_at, is_reloading = 0.0, False

    @app.after_request
    def close(response: Response) -> Response:
        nonlocal counted_at, is_reloading
        if time.monotonic() - counted_at > _INTERVAL:
            counted_at, is_reloading = time.monotonic(), _count_workers() > configured_workers
        if is_reloading:
            response.headers["Connection"] = "close"
        return response


def _count_workers() -> int:
    parent = os.getppid()
    try:
        return len(Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
    except OSError:
        return 0
