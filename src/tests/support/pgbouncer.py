"""A real PgBouncer in front of a PostgreSQL server."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.conftest import PostgreSQL
from tests.support.ports import free_port
from tests.support.waiting import until

_SETTINGS = """
[databases]
* = host={server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
admin_users = postgres
pool_mode = {mode}
default_pool_size = 24
"""


def _binary() -> str:
    # Debian installs it in /usr/sbin, which is not on every user's PATH.
    path = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        raise pytest.UsageError("PgBouncer is not installed: apt-get install pgbouncer.")
    return path


class PgBouncer:
    """A PgBouncer in the pool mode ``session``, ``transaction`` or ``statement``.

    Tests that run as root start it as the user ``postgres``.
    """

    def __init__(self, server: PostgreSQL, mode: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="invsys-pgbouncer-"))
        self._port, self._server = free_port(), server
        self._write(mode)
        (self._folder / "users").write_text('"postgres" ""\n')
        user: list[str] = []
        if os.geteuid() == 0:
            for path in (self._folder, *self._folder.iterdir()):
                shutil.chown(path, "postgres", "postgres")
            user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        self._process = subprocess.Popen(
            [*user, _binary(), "--quiet", str(self._folder / "pgbouncer.ini")], stdin=subprocess.DEVNULL
        )
        until(self._accepts_connections)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def switch(self, mode: str) -> None:
        """Change the pool mode of the running PgBouncer, as an operator does."""
        self._write(mode)
        with psycopg.connect(self.url("pgbouncer"), autocommit=True, prepare_threshold=None) as console:
            # The console supports the simple query protocol only.
            console.pgconn.exec_(b"RELOAD")

    def remove(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder)

    def _write(self, mode: str) -> None:
        text = _SETTINGS.format(server=self._server.folder, port=self._port, folder=self._folder, mode=mode)
        (self._folder / "pgbouncer.ini").write_text(text)

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(self.url("pgbouncer")).close()
        except psycopg.OperationalError:
            return False
        return True
