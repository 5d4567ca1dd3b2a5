"""The production server as an operator starts it: real processes, sockets and signals."""

import atexit
import http.client
import json
import os
import socket
import subprocess
import sys
from collections import deque
from contextlib import closing, contextmanager

from tests.support.waiting import SECONDS, until

# These variables make coverage measure every process. The server does not get them: tests kill it before it could save
# the results, and the measurement would double its start-up time.
_COVERAGE = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


@contextmanager
def run_server(database_url, folder, workers=2, **server):
    """Run a server on a migrated database; yield (process, port, path of its log).

    ``server`` contains further settings of the section ``[server]``.
    """
    port = free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if name not in _COVERAGE},
        "INVSYS_CONFIG": os.devnull,
        "INVSYS_DATABASE_URL": database_url,
        "INVSYS_SERVER_PORT": str(port),
        "INVSYS_SERVER_WORKERS": str(workers),
        **{f"INVSYS_SERVER_{key.upper()}": str(value) for key, value in server.items()},
        "RUNTIME_DIRECTORY": str(folder),
    }
    command = [sys.executable, "-m", "invsys.inventory.manage", "serve"]
    log_path = folder / "log"
    with log_path.open("w") as log, subprocess.Popen(command, env=environ, stderr=log, stdout=log) as process:
        try:
            # Wait for every worker, so that tests start from a known state.
            until(lambda: has_started(log_path, workers) and is_ready(port))
            yield process, port, log_path
        finally:
            process.terminate()
            process.wait(SECONDS)


# The sockets that keep the ports, and how many of them stay open.
_KEEPERS: deque[socket.socket] = deque()
_MAX_KEEPERS = 100


def free_port():
    """Return a port of the loopback address on which nothing listens.

    A bound socket that does not listen keeps the port: no other process gets it by chance, connections to it are
    refused, and a server can listen on it, because servers set SO_REUSEADDR.
    """
    if len(_KEEPERS) == _MAX_KEEPERS:
        _KEEPERS.popleft().close()
    keeper = socket.socket()
    _KEEPERS.append(keeper)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    return keeper.getsockname()[1]


@atexit.register
def _close_keepers():
    while _KEEPERS:
        _KEEPERS.pop().close()


def send_request(port, method, path, body=None):
    """Send a request over a new connection; return status, headers and body."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def is_ready(port):
    try:
        return send_request(port, "GET", "/readyz")[0] == 200
    except OSError:
        return False


def has_started(log_path, workers):
    return log_path.read_text().count("Started worker-") >= workers
