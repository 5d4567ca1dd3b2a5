"""Runs any WSGI application under the production server, so that comparisons depend on the application only.

``python -m benchmarks.serve MODULE:NAME PORT [WORKERS THREADS]``
"""

import os
import sys

from invsys.chassis.server.command import serve


def main(target: str, port: str, workers: str = "2", threads: str = "4") -> None:
    """Replace this process with the server."""
    size = {"workers": int(workers), "threads": int(threads)}
    serve(target, {"host": "127.0.0.1", "port": int(port), "graceful_timeout": 30, **size}, os.environ)


if __name__ == "__main__":
    main(*sys.argv[1:])
