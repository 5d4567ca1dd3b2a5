"""Databases that cannot grow: ``/readyz`` answers 503 with the reason, and 200 again when there is space.

In most tests a limit of file sizes (RLIMIT_FSIZE) stands for a full disk: every user can set and remove it for a
process. If this user may mount a file system, one test fills a small one.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.conftest import child_processes, migrate
from tests.support.paths import PROJECT
from tests.support.serving import run_server, send_request
from tests.support.waiting import until

CANNOT_WRITE = "The database answers, but cannot store anything"
UNLIMITED = "unlimited"


def limit_file_size(pid, size, user=()):
    """Limit the size of the files that a process writes; only the soft limit, which can be lifted again."""
    subprocess.run([*user, "prlimit", "--pid", str(pid), f"--fsize={size}:"], check=True)


def dump(file):
    """Return the content of a SQLite database as SQL, and its version."""
    with closing(sqlite3.connect(file)) as connection:
        return [*connection.iterdump(), *connection.execute("PRAGMA user_version")]


def readiness(port):
    status, _, body = send_request(port, "GET", "/readyz")
    return status, json.loads(body)


def cannot_write(status, problem):
    """Return whether a response of ``/readyz`` says that the database cannot store anything."""
    reason = problem.get("code"), problem.get("detail", "").partition(":")[0]
    return (status, *reason) == (503, "database_unavailable", CANNOT_WRITE)


@pytest.fixture
def sqlite_file(tmp_path):
    """A database of its own: after many changes, SQLite writes over its write-ahead log instead of appending to it."""
    file = tmp_path / "inventory.sqlite3"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def wal(sqlite_file):
    """The file to which SQLite appends each change."""
    return Path(f"{sqlite_file}-wal")


@pytest.fixture
def server(sqlite_file, tmp_path):
    """The port of a server with one worker, and the process id of the worker."""
    with run_server(f"sqlite:///{sqlite_file}", tmp_path, workers=1) as (process, port, _):
        yield port, child_processes(process.pid)[-1]


@pytest.mark.one_engine
def test_a_service_on_sqlite_is_not_ready_until_its_files_can_grow(server, wal):
    port, worker = server
    assert send_request(port, "POST", "/api/cars", {"name": "Car1"})[0] == 201
    limit_file_size(worker, wal.stat().st_size)
    status, headers, body = send_request(port, "POST", "/api/cars", {"name": "Car2"})
    assert (status, json.loads(body)["code"]) == (503, "database_unavailable")
    assert headers["Retry-After"]
    # After a slow failure, the service does not ask the database for a second.
    until(lambda: cannot_write(*readiness(port)))
    assert str(wal.parent) not in readiness(port)[1]["detail"]
    for path in ("/healthz", "/api/cars"):
        until(lambda path=path: send_request(port, "GET", path)[0] == 200)
    limit_file_size(worker, UNLIMITED)
    until(lambda: readiness(port)[0] == 200)
    assert send_request(port, "POST", "/api/cars", {"name": "Car2"})[0] == 201


@pytest.mark.one_engine
def test_requests_are_answered_while_the_worker_can_write_no_file(server):
    port, worker = server
    limit_file_size(worker, 0)
    for number in range(3):
        for path in ("/healthz", "/api/cars", f"/api/cars/{number}", "/api/events", "/docs", "/metrics"):
            assert send_request(port, "GET", path)[0] in (200, 404, 503), path
        assert send_request(port, "POST", "/api/cars", {"name": f"Car{number}"})[0] == 503
    until(lambda: readiness(port)[0] == 503)


@pytest.mark.one_engine
def test_a_service_on_sqlite_stays_ready_during_a_long_write(own_app, database_url):
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert own_app.test_client().get("/readyz").status_code == 200


@pytest.mark.one_engine
def test_readyz_writes_a_page_at_most_every_few_seconds_and_changes_nothing(open_client, sqlite_file, wal):
    client = open_client(f"sqlite:///{sqlite_file}")
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201
    before, content = wal.stat().st_size, dump(sqlite_file)
    assert {client.get("/readyz").status_code for _ in range(50)} == {200}
    assert dump(sqlite_file) == content
    # On a busy machine, the requests may take longer than the interval.
    assert before + 4096 <= wal.stat().st_size < before + 20 * 5000


@pytest.fixture
def own_url(pg_server):
    """The URL of a database on PostgreSQL that only this test uses."""
    name = f"growing_{uuid.uuid4().hex}"
    pg_server.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    migrate(pg_server.url(name))
    yield pg_server.url(name)
    pg_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def limit_backends(pg_server, own_url):
    """Return a function that limits the file sizes of the server processes that serve the database."""
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    name = conninfo_to_dict(own_url)["dbname"]

    def limit_backends(size):
        with psycopg.connect(pg_server.url()) as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
            pids = [pid for (pid,) in connection.execute(query, [name])]
        assert pids
        for pid in pids:
            limit_file_size(pid, size, user)

    return limit_backends


def test_a_service_on_postgresql_is_not_ready_until_its_files_can_grow(own_url, limit_backends, open_client):
    client = open_client(own_url)
    assert client.get("/readyz").status_code == 200
    limit_backends(100_000)
    until(lambda: client.get("/readyz").status_code == 503)
    problem = client.get("/readyz").json
    assert (problem["code"], problem["detail"].partition(":")[0]) == ("database_unavailable", CANNOT_WRITE)
    assert client.get("/api/cars").status_code == 200
    limit_backends(UNLIMITED)
    until(lambda: client.get("/readyz").status_code == 200)


def test_a_role_that_may_not_write_temporary_files_is_ready(pg_server, own_url, open_client):
    pg_server.execute(f"ALTER DATABASE {conninfo_to_dict(own_url)['dbname']} SET temp_file_limit = 0")
    client = open_client(own_url)
    for _ in range(2):
        assert client.get("/readyz").status_code == 200
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201


@pytest.fixture
def disk():
    """A folder for the mount point, which the user ``postgres`` can reach; it cannot reach ``tmp_path``."""
    with tempfile.TemporaryDirectory(prefix="invsys-disk-") as folder:
        yield folder


ON_SMALL_DISK = 'mount -t tmpfs -o size=40m tmpfs "$1" && shift && exec "$@"'
MAY_MOUNT = subprocess.run(["unshare", "--mount", "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0


@pytest.mark.skipif(not MAY_MOUNT, reason="mounting a small file system requires root")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_service_on_a_full_disk_is_not_ready_until_there_is_space(kind, disk, request):
    if kind == "postgresql":
        request.getfixturevalue("pg_server")
    script = [sys.executable, "-m", "tests.support.full_disk", kind, disk]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (PROJECT / "src", PROJECT / "client/src")))}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", ON_SMALL_DISK, "sh", disk, *script],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result.pop("detail").startswith(CANNOT_WRITE)
    assert result == {"ready": [200], "create": [201, 503, 201], "reads": [200, 200]}
