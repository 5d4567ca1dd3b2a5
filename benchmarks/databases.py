"""Migrated databases for the benchmarks: in SQLite files, or on a private PostgreSQL server with full durability."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from flask_migrate import upgrade

from invsys.inventory import settings
from invsys.inventory.application import build_app
from invsys.inventory.db.engine import disconnect

# PostgreSQL's defaults are too small for current machines. fsync and synchronous_commit keep their default, on.
_OPTIONS = ("max_connections=300", "shared_buffers=512MB", "max_wal_size=4GB", "listen_addresses=")


class Databases(Protocol):
    """A database engine that can create databases."""

    name: str
    folder: Path

    def url(self, name: str) -> str:
        """Return the URL of a database."""

    def create(self, name: str) -> str:
        """Create a database, migrate it to the newest revision and return its URL."""


class PostgreSQL:
    """A private server on a Unix socket. Root starts it as ``postgres``, because PostgreSQL refuses to run as root."""

    name = "PostgreSQL"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._bin = binaries()
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        options = " ".join(f"-c {option}" for option in (*_OPTIONS, f"unix_socket_directories={self.folder}"))
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop the server immediately, without a checkpoint."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def pid(self) -> int:
        """Return the process id of the running server."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create(self, name: str) -> str:
        """Create a database, migrate it to the newest revision and return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
        migrate(self.url(name))
        return self.url(name)

    def copy(self, source: str, name: str) -> str:
        """Copy a database that nobody is connected to, file by file, and return the URL of the copy."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE {source} STRATEGY file_copy".encode())
        return self.url(name)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*as_postgres(), str(self._bin / program), "-D", str(self._data), *arguments]
        subprocess.run(command, cwd=self.folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def as_postgres() -> list[str]:
    """Return the beginning of a command that runs as the user postgres if this process runs as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []


def binaries() -> Path:
    """Return the folder with the programs of the newest installed PostgreSQL."""
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if not by_version and on_path is None:
        raise SystemExit("PostgreSQL is not installed: run apt-get install postgresql, or use --only sqlite.")
    return by_version[-1].parent if by_version else Path(str(on_path)).parent


class SQLite:
    """A folder of database files."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"sqlite:///{self.folder / name}.sqlite3"

    def create(self, name: str) -> str:
        """Create a database, migrate it to the newest revision and return its URL."""
        migrate(self.url(name))
        return self.url(name)


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Yield a running server; stop it and remove its files afterwards."""
    with tempfile.TemporaryDirectory(prefix="invsys-benchmark-") as folder:
        server = PostgreSQL(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def sqlite(parent: str | None = None) -> Iterator[SQLite]:
    """Yield a temporary folder for databases, created in ``parent`` if that is given; remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="invsys-benchmark-", dir=parent) as folder:
        yield SQLite(Path(folder))


def migrate(url: str) -> None:
    """Migrate a database to the newest revision."""
    app = build_app(settings.load(environ={"INVSYS_DATABASE_URL": url}))
    with app.app_context():
        upgrade()
        disconnect()
