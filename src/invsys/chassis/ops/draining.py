"""While the server exchanges its workers, answers close their connections, so that none is lost with its worker.

granian closes the idle connections of a worker that leaves, and a client may just be sending over one. The new
worker starts some seconds before the old one leaves; in that time every client that talks is sent elsewhere.
"""

import os
import time
from pathlib import Path

from flask import Flask, Response

# How many workers the server has when it exchanges none; ``server.serve`` sets it.
WORKERS_VARIABLE = "SERVER_WORKERS"

# Seconds between two looks at the processes.
_INTERVAL = 0.25


def register(app: Flask) -> None:
    """Close connections by the answers of ``app`` during a reload, where it runs under the production server."""
    if WORKERS_VARIABLE not in os.environ:
        return
    usual = int(os.environ[WORKERS_VARIABLE])
    looked_at, exchanging = 0.0, False

    @app.after_request
    def close(answer: Response) -> Response:
        nonlocal looked_at, exchanging
        if time.monotonic() - looked_at > _INTERVAL:
            looked_at, exchanging = time.monotonic(), _siblings() > usual
        if exchanging:
            answer.headers["Connection"] = "close"
        return answer


def _siblings() -> int:
    parent = os.getppid()
    try:
        return len(Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
    except OSError:
        return 0
