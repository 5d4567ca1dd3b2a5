"""The commands ``migrate`` and ``serve`` in real processes."""

import http.client
import json
import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from tests.support.waiting import SECONDS, until


def manage(*words, **options):
    return subprocess.Popen([sys.executable, "-m", "depot.manage", *words], **options)


def call(port, method, path, body=None):
    """Send a request over a new connection and return the status."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        return connection.getresponse().status


def is_ready(port):
    try:
        return call(port, "GET", "/readyz") == 200
    except OSError:
        return False


@pytest.fixture
def port():
    """A free port. A bound socket that does not listen keeps it for the server."""
    with closing(socket.socket()) as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield keeper.getsockname()[1]


def test_the_service_migrates_serves_and_logs_requests(tmp_path, port):
    log = tmp_path / "log"
    environ = os.environ | {
        "INVSYS_CONFIG": os.devnull,
        "INVSYS_DATABASE_URL": f"sqlite:///{tmp_path / 'served.sqlite3'}",
        "INVSYS_LOG_FILE": str(log),
        "INVSYS_SERVER_PORT": str(port),
        "INVSYS_SERVER_WORKERS": "1",
        "RUNTIME_DIRECTORY": str(tmp_path),
    }
    with manage("migrate", env=environ) as migrating:
        assert migrating.wait(SECONDS) == 0
    with manage("serve", env=environ) as server:
        try:
            until(lambda: is_ready(port))
            assert call(port, "POST", "/api/pallets", {"name": "First"}) == 201
        finally:
            server.terminate()
            server.wait(SECONDS)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["status"] for line in lines if line.get("path") == "/api/pallets"] == [201]
