"""What every test stands on: both databases, real ones, and an application over each.

PostgreSQL is started here from the installed binaries, once per test process, on a socket in a private folder.
"""

import logging
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from invsys.chassis.config.settings import Settings
from invsys.inventory import settings
from invsys.inventory.application import build_app
from invsys.inventory.db.engine import disconnect as dispose
from invsys.inventory.db.models import CursorState, db
from tests.support.applications import Applications, close
from tests.support.front_door import FrontDoor

SQLITE_ONLY = "--sqlite-only"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(SQLITE_ONLY, action="store_true", help="leave PostgreSQL out, on a machine that has none")


@pytest.fixture(autouse=True)
def log_handlers() -> Iterator[None]:
    """Remove handlers that a test has added: they would write to its captured output, which is closed by then."""
    loggers = logging.getLogger(), logging.getLogger("werkzeug")
    before = [handler for logger in loggers for handler in logger.handlers]
    yield
    for logger in loggers:
        for handler in logger.handlers[:]:
            # pytest's own are left to it.
            if handler not in before and not type(handler).__module__.startswith("_pytest"):
                logger.removeHandler(handler)


# Where Linux keeps files in memory, and how many bytes have to be free there.
MEMORY, ROOM = "/dev/shm", 4 * 2**30


def _fast() -> str | None:
    """Give a folder for databases: in memory where there is room, as no test takes the power away from a disk."""
    return MEMORY if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM else None


def binaries() -> Path:
    """Give the folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise pytest.UsageError(
            "PostgreSQL is not installed: apt-get install postgresql, or say --sqlite-only to test half of the promise."
        )
    return found[-1].parent if found else Path(str(on_path)).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "direct(why): asks the inventory only, for what a gateway in front must not change"
    )
    if not config.getoption(SQLITE_ONLY):
        binaries()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test of the inventory on both engines, and those of its contract through the gateway too."""
    folders = Path(metafunc.definition.path).parts
    engines = ["sqlite"] if metafunc.config.getoption(SQLITE_ONLY) else ["sqlite", "postgresql"]
    if "gateway" in folders:
        engines = ["sqlite"]  # what is behind it makes no difference
    if "engine" not in metafunc.fixturenames:
        if "way" in metafunc.fixturenames:  # a database of the test's own
            metafunc.parametrize("way", ["direct"], scope="session", ids=[""])
        return
    if "way" not in metafunc.fixturenames:
        metafunc.parametrize("engine", engines, scope="session")
        return
    ways = [pytest.param(engine, "direct", id=engine) for engine in engines]
    if "inventory" in folders and metafunc.definition.get_closest_marker("direct") is None:
        ways.append(pytest.param("sqlite", "gateway", id="gateway"))
    metafunc.parametrize(("engine", "way"), ways, scope="session")


def children(pid: int) -> list[int]:
    """Give the processes that a process has started and that still run."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class PostgreSQL:
    """A server of the tests' own; as root it runs as the user ``postgres``, since it refuses root."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="invsys-postgresql-", dir=_fast()))
        self._data = self.folder / "data"
        self._bin = binaries()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._make()

    def _make(self) -> None:
        self._run("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def start(self, *options: str) -> None:
        private = ("listen_addresses=", f"unix_socket_directories={self.folder}")
        given = " ".join(f"-c {option}" for option in (*private, *options))
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", given, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def freeze(self) -> None:
        """Stop every process of the server where it stands: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        leader = int((self._data / "postmaster.pid").read_text().split()[0])
        for pid in (leader, *children(leader)):
            os.kill(pid, number)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        command = [*user, str(self._bin / program), "-D", str(self._data), *arguments]
        # Not through a pipe: the server that pg_ctl starts would hold its end open.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command, check=False, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            output.seek(0)
            assert done.returncode == 0, output.read()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running server."""
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def migrated_url(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database at the newest migration."""
    with tempfile.TemporaryDirectory(prefix="invsys-sqlite-", dir=_fast()) as folder:
        if engine == "sqlite":
            url = f"sqlite:///{folder}/invsys.sqlite3"
        else:
            server: PostgreSQL = request.getfixturevalue("postgresql")
            # Tests of one engine may come after those of the other, and then again.
            name = f"invsys_{uuid.uuid4().hex}"
            server.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
            url = server.url(name)
        migrate(url)
        yield url


def load(url: str, **more: str) -> Settings:
    """Read the settings for a database, and no file of this machine's."""
    return settings.load(environ={"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": url, **more})


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a migration."""
    app = build_app(load(url))
    with app.app_context():
        upgrade(revision=revision)
        dispose()


@pytest.fixture(scope="session")
def sweeper(migrated_url: str) -> Iterator[Flask]:
    """An application that no test sees, to look into the database and to empty it."""
    app = build_app(load(migrated_url))
    yield app
    close(app)


@pytest.fixture
def database_url(migrated_url: str, sweeper: Flask) -> Iterator[str]:
    """The URL of an empty database at the newest migration."""
    yield migrated_url
    with sweeper.app_context():
        empty()


def empty() -> None:
    """Delete every row but the one that a migration made, which is as the migration made it."""
    state = CursorState.__table__
    with db.engine.begin() as connection:
        for table in reversed(db.metadata.sorted_tables):
            if table is not state:
                connection.execute(table.delete())
        connection.execute(state.update().values(purged_key=None, purged_id=None))


@pytest.fixture
def environ(database_url: str) -> dict[str, str]:
    """The settings of ``app``, as environment variables; a test module may override this fixture to add some."""
    return {"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": database_url}


@pytest.fixture(scope="session")
def applications() -> Iterator[Applications]:
    """What ``app`` is taken from."""
    with closing(Applications()) as shared:
        yield shared


@pytest.fixture
def app(environ: dict[str, str], applications: Applications) -> Iterator[Flask]:
    """The application as it runs in production: TESTING is off, so failures are answered as callers see them.

    Other tests of the same settings use it too, and its connections. A module, class or test that changes it in a way
    that ``Applications`` does not see, or that minds when it connects, has ``app`` be ``own_app``.
    """
    with applications.lent(environ) as app:
        yield app


@pytest.fixture
def own_app(environ: dict[str, str]) -> Iterator[Flask]:
    """An application that no other test sees."""
    app = build_app(settings.load(environ=environ))
    yield app
    close(app)


@pytest.fixture(scope="session")
def front_door() -> Iterator[FrontDoor]:
    """A gateway, for the tests that go through it."""
    with closing(FrontDoor()) as made:
        yield made


@pytest.fixture
def caller_id(way: str) -> str | None:
    """Who ``client`` is for the inventory."""
    return None if way == "direct" else FrontDoor.name


@pytest.fixture
def client(app: Flask, way: str, request: pytest.FixtureRequest) -> FlaskClient:
    """A caller, of the inventory or of the gateway in front of it."""
    if way == "direct":
        return app.test_client()
    front_door: FrontDoor = request.getfixturevalue("front_door")
    return front_door.caller(app)
