"""A fleet moves to another PostgreSQL server under load, with the manual's commands; the other fleet is not affected.

To see how long the callers waited, run ``tox run -e thorough -- -k moving_a_fleet -s -n 0``.
"""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import psycopg
import pytest

from invsys.gateway.auth import client_admin
from tests.conftest import migrate, postgresql_binaries
from tests.support.bookers import Bookers
from tests.support.cluster import Member
from tests.support.gateway_server import served_gateway
from tests.support.paths import PROJECT
from tests.support.serving import run_server
from tests.support.waiting import until

PAGE = (PROJECT / "docs/source/fleets.rst").read_text()
COPY, LIST_COPYING, ANALYSE, MIGRATE, SWITCH, AFTERWARDS = (
    re.sub("^    ", "", block, flags=re.MULTILINE)
    for block in re.findall(
        r"^\.\. code-block:: sh\n\n((?:    .*\n)+)", PAGE.partition("\nMoving a fleet")[2], re.MULTILINE
    )
)
SCOPES = ("resources:write", "allocations:write", "events:read")
PRIMARY_KEYS = (
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    " AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = pg_class.oid AND indisprimary)"
)


@pytest.fixture
def clusters(engine):
    """The old server of the fleet "north", which "south" shares, and the new one; both with the manual's roles."""
    if engine == "sqlite":
        yield None
        return
    servers = [Member("db1"), Member("db2")]
    for server in servers:
        server.start("wal_level=logical")
    for server, databases in zip(servers, (["invsys", "south"], ["invsys"]), strict=True):
        for database in databases:
            server.execute(f"CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0")
            psql = [postgresql_binaries() / "psql", "-Xq", f"--file={PROJECT}/debian/roles.sql", server.url(database)]
            subprocess.run(psql, check=True)
    yield servers
    for server in servers:
        server.remove()


def url(role, *servers, database="invsys"):
    return f"postgresql://{role}@{','.join(server.address for server in servers)}/{database}"


class Operator:
    """Runs commands of the manual; the tools of the package are those of this source tree."""

    def __init__(self, old, new, folder):
        self._folder = folder
        for name, command in {
            "invsys-manage": f"shift 2; INVSYS_CONFIG=/dev/null exec {sys.executable} -m invsys.inventory.manage",
            "systemctl": "exec true",
        }.items():
            (folder / name).write_text(f'#!/bin/sh\n{command} "$@"\n')
            (folder / name).chmod(0o755)
        path = f"{folder}:{postgresql_binaries()}:{os.environ['PATH']}"
        self._environ = {
            **os.environ,
            "PATH": path,
            "OLD": old.url("invsys"),
            "NEW": new.url("invsys"),
            "PGUSER": "postgres",
        }

    def run(self, commands, **variables):
        """Run commands with the addresses of the test's servers; return the completed process."""
        commands = re.sub("^export OLD=.*\n", "", commands, flags=re.MULTILINE)
        commands = commands.replace("/etc/invsys/invsys@", f"{self._folder}/")
        commands = commands.replace("/usr/share/invsys/", f"{PROJECT}/debian/")
        environ = {**self._environ, **variables}
        return subprocess.run(["sh", "-ec", commands], check=False, env=environ, capture_output=True, text=True)

    def done(self, commands, **variables):
        """Run commands that must succeed; return their output."""
        process = self.run(commands, **variables)
        assert process.returncode == 0, process.stderr
        return process.stdout

    def does_not_switch(self, reason):
        """Run the command that switches; it must end without a switch for this reason."""
        process = self.run(SWITCH, WAIT="0.2")
        assert process.returncode == 1
        assert f"{reason} within 0.2 seconds" in process.stderr
        assert "The old server accepts changes again; nothing was switched." in process.stderr


@contextmanager
def suspended_session(url):
    """Open a session whose process does not run, so that it cannot end."""
    with psycopg.connect(url) as connection:
        os.kill(connection.info.backend_pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(connection.info.backend_pid, signal.SIGCONT)
            connection.close()


def report(event, callers):
    """Check that all failures were 503 with Retry-After, print how long they lasted, and forget them."""
    message = f"{event} at {len(callers.ids)} bookings: {len(callers.failures)} failures in {callers.outage:.2f} s"
    print(message)  # noqa: T201 - read when run with -s
    assert {(status, retry_after) for _, status, retry_after in callers.failures} <= {(503, "1")}
    callers.failures.clear()


def prepare(old):
    """Migrate the databases of both fleets; all tables must have a primary key."""
    for database in ("invsys", "south"):
        migrate(url("invsys_owner", old, database=database))
    assert old.query("SHOW wal_level") == ["logical"]
    with psycopg.connect(old.url("invsys")) as connection:
        # Otherwise the old server would refuse changes of such a table as soon as it is published.
        assert connection.execute(PRIMARY_KEYS).fetchall() == []


@contextmanager
def booked_fleets(old, new, folder):
    """Yield the callers of both fleets and the log of the inventory that moves."""
    folders = {name: folder / name for name in ("north", "south", "gateway")}
    for path in folders.values():
        path.mkdir()
    scopes = [f"{scope}@{fleet}/*" for scope in SCOPES for fleet in ("north", "south")]
    token = client_admin.add(folders["gateway"] / "clients.ini", "booking", scopes)
    with (
        run_server(url("invsys", old, new), folders["north"], workers=1) as (_, north_port, north_log),
        run_server(url("invsys", old, database="south"), folders["south"], workers=1) as (_, south_port, _),
        served_gateway(
            folders["gateway"],
            {"fleets": {"north": f"http://127.0.0.1:{north_port}", "south": f"http://127.0.0.1:{south_port}"}},
        ) as gateway,
        Bookers(gateway.port, token, "/north") as north,
        Bookers(gateway.port, token, "/south") as south,
    ):
        yield north, south, north_log


def check_new_server(new, callers):
    """Check that the new server has what the callers have created, and the events that they have read."""
    with psycopg.connect(new.url("invsys")) as connection:
        stored = {str(row[0]) for row in connection.execute("SELECT id FROM continuous_resource_allocations")}
        events = [str(row[0]) for row in connection.execute("SELECT id FROM events ORDER BY key")]
    assert stored == set(callers.ids.values())
    assert len(stored) == len(callers.ids)
    # The reader of the feed has missed nothing and has seen nothing twice, also across the switch.
    assert callers.events == events


@pytest.mark.only_thorough
def test_moving_a_fleet_fails_no_caller_except_for_a_moment(clusters, tmp_path):
    if clusters is None:
        return
    old, new = clusters
    prepare(old)
    operator = Operator(old, new, tmp_path)
    with booked_fleets(old, new, tmp_path) as (north, south, north_log):
        north.wait_for_progress()
        operator.done(COPY)
        until(lambda: not operator.done(LIST_COPYING).strip())
        operator.done(ANALYSE)
        operator.done(MIGRATE, INVSYS_DATABASE_URL=url("invsys_owner", new))
        for callers in (north, south):
            callers.wait_for_progress()
        assert not north.failures
        with psycopg.connect(new.url("invsys")) as connection:
            connection.execute("LOCK TABLE continuous_resource_allocations")
            north.wait_for_progress()
            operator.does_not_switch("the new server has not caught up")
            north.wait_for_progress()
        with suspended_session(url("invsys", old)):
            operator.does_not_switch("a session of the service has not ended")
        north.wait_for_progress()
        report("not switched", north)
        # The default of a second could be too short for a busy machine.
        operator.done(SWITCH, WAIT="60")
        for callers in (north, south):
            callers.wait_for_progress()
        operator.done(AFTERWARDS, INVSYS_DATABASE_URL=url("invsys", new))
    report("switched", north)
    assert not south.failures
    assert '"status":500' not in north_log.read_text()
    check_new_server(new, north)
    with psycopg.connect(url("invsys", old)) as connection:
        connection.execute("SET transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM events")
