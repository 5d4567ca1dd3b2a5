"""The production server as an operator starts it: real processes, sockets and signals."""

import http.client
import json
import os
import subprocess
import sys
from contextlib import closing, contextmanager

from tests.support.ports import free_port
from tests.support.waiting import LONG_TIMEOUTS, SECONDS, until

# These variables make coverage measure every process. The server does not get them: tests kill it before it could save
# the results, and the measurement would double its start-up time.
_COVERAGE = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


@contextmanager
def run_server(database_url, folder, workers=2, timeouts=LONG_TIMEOUTS, **server):
    """Run a server on a migrated database; yield (process, port, path of its log).

    ``timeouts`` are settings as environment variables; ``server`` contains further settings of the section
    ``[server]``.
    """
    port = free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if name not in _COVERAGE},
        "INVSYS_CONFIG": os.devnull,
        "INVSYS_DATABASE_URL": database_url,
        **timeouts,
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
