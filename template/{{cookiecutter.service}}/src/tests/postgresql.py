"""A private PostgreSQL server for the tests, on a socket in a temporary folder."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest


class PostgreSQL:
    """A running server. If root runs the tests, it runs as ``postgres``, because PostgreSQL refuses to run as root."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        self._run("pg_ctl", "-w", "-o", f"-c listen_addresses= -c unix_socket_directories={self.folder}", "start")

    def new_database(self, name, options="ENCODING 'UTF8' TEMPLATE template0"):
        """Create a database and return its URL."""
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {options}")
        return self._url(name)

    def remove(self):
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def _url(self, database):
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def _run(self, program, *arguments):
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        command = [*user, str(_binaries() / program), "-D", str(self.folder / "data"), *arguments]
        # The output goes to a file, because the server would keep a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(command, check=False, cwd=self.folder, stdout=output, stderr=output)
            output.seek(0)
            assert result.returncode == 0, output.read()


def _binaries():
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[4]))
    if not folders:
        raise pytest.UsageError(
            "PostgreSQL is not installed: apt-get install postgresql, or use --sqlite-only to test on SQLite only."
        )
    return folders[-1]
