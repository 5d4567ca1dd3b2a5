"""The production server, started as an operator starts it: real processes, real sockets, real signals."""

import http.client
import json
import os
import socket
import subprocess
import sys
from contextlib import closing, contextmanager

from tests.support.waiting import SECONDS, until

# By which a process that starts here knows that it is measured what it runs. The server's end without telling it: being
# measured, they would only take twice as long to start.
_MEASURED = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


@contextmanager
def served(database_url, folder, workers=2, **server):
    """Run a server on a migrated database; yields its process, its port and the file of its log.

    ``server`` are further settings of the section ``[server]``.
    """
    port = free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if name not in _MEASURED},
        "INVSYS_CONFIG": os.devnull,
        "INVSYS_DATABASE_URL": database_url,
        "INVSYS_SERVER_PORT": str(port),
        "INVSYS_SERVER_WORKERS": str(workers),
        **{f"INVSYS_SERVER_{key.upper()}": str(value) for key, value in server.items()},
        "RUNTIME_DIRECTORY": str(folder),
    }
    command = [sys.executable, "-m", "invsys.inventory.manage", "serve"]
    told = folder / "log"
    with told.open("w") as log, subprocess.Popen(command, env=environ, stderr=log, stdout=log) as process:
        try:
            # Wait for every worker, so that a test counts from a known state.
            until(lambda: has_started(told, workers) and is_ready(port))
            yield process, port, told
        finally:
            process.terminate()
            process.wait(SECONDS)


def free_port():
    """Give a port of the loopback address that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(port, method, path, body=None):
    """Send a request over a connection of its own; gives status, headers and body."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def is_ready(port):
    try:
        return call(port, "GET", "/readyz")[0] == 200
    except OSError:
        return False


def has_started(told, workers):
    return told.read_text().count("Started worker-") >= workers
