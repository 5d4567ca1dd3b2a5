"""Fixtures shared by all tests: a database on each engine, and an application that uses it.

A test process that needs PostgreSQL starts its own server from the installed binaries, on a socket in a private folder.
"""

import atexit
import gc
import logging
import math
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from werkzeug.routing import Rule

from invsys.chassis.config.settings import Settings
from invsys.inventory import settings, state_metrics
from invsys.inventory.application import build_app
from invsys.inventory.db import failures
from invsys.inventory.db.engine import disconnect
from invsys.testing.database import delete_all_rows
from tests.support.applications import Applications, close
from tests.support.effort import THOROUGH
from tests.support.front_door import FrontDoor
from tests.support.waiting import LONG_TIMEOUTS, SECONDS

SQLITE_ONLY = "--sqlite-only"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(SQLITE_ONLY, action="store_true", help="skip the tests on PostgreSQL")


@pytest.fixture(autouse=True)
def log_handlers() -> Iterator[None]:
    """Remove log handlers that the test added: they would write to its captured output, which is closed by then."""
    loggers = logging.getLogger(), logging.getLogger("werkzeug")
    before = [handler for logger in loggers for handler in logger.handlers]
    yield
    for logger in loggers:
        for handler in logger.handlers[:]:
            # pytest manages its own handlers.
            if handler not in before and not type(handler).__module__.startswith("_pytest"):
                logger.removeHandler(handler)


@pytest.fixture(scope="session", autouse=True)
def url_builders() -> Iterator[None]:
    """Compile the function that builds the URL of a route once.

    Werkzeug compiles it for each application, which takes most of the time in which a test builds one.
    """
    compiled: dict[tuple[object, ...], Any] = {}
    compile_builder = Rule._compile_builder

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = rule.rule, tuple(rule._trace), append_unknown
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Rule, "_compile_builder", compile_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Let the applications in this process wait for a busy machine, as LONG_TIMEOUTS does.

    The circuit breaker of the database does not open after a failure, which can always be a slow one, and the metrics
    wait until the database answers.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(failures, "_SLOW_SECONDS", math.inf)
        patched.setattr(state_metrics, "_TIMEOUT", SECONDS)
        yield


# A folder in memory on Linux, and how many bytes must be free there for the databases.
MEMORY, REQUIRED_BYTES = "/dev/shm", 4 * 2**30


def _database_folder() -> str | None:
    """Return the parent folder for databases: one in memory if it has enough space, else None for the default.

    Databases in memory are sufficient, because no test simulates a power failure.
    """
    has_space = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= REQUIRED_BYTES
    return MEMORY if has_space else None


def postgresql_binaries() -> Path:
    """Return the folder with the programs of the newest installed PostgreSQL; raises UsageError if there is none."""
    initdbs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if not initdbs and on_path is None:
        raise pytest.UsageError("PostgreSQL is not installed: apt-get install postgresql, or pass --sqlite-only.")
    return initdbs[-1].parent if initdbs else Path(str(on_path)).parent


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "one_engine: runs on SQLite only, because what it tests never reaches SQL",
        "only_thorough: runs in `make test-all` only, because it takes many seconds of CPU time",
        "through_gateway: also sends the requests of ``client`` through a gateway, which could change the responses",
    ):
        config.addinivalue_line("markers", marker)
    # Collecting the tests creates many objects and almost no garbage.
    gc.disable()
    # A shell starts background commands with SIGINT ignored, and the processes that the tests start would inherit this.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not config.getoption(SQLITE_ONLY):
        postgresql_binaries()


def pytest_collection_finish() -> None:
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the longest tests in `make test`."""
    if THOROUGH:
        return
    longest = [item for item in items if item.get_closest_marker("only_thorough") is not None]
    config.hook.pytest_deselected(items=longest)
    items[:] = [item for item in items if item not in longest]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Select the engines on which each test runs, and whether it also runs through the gateway.

    Tests of the inventory and of the documentation use both engines, unless ``--sqlite-only`` or the marker
    ``one_engine`` restricts them to SQLite; all other tests use SQLite. The marker ``through_gateway`` adds a run
    through the gateway, on SQLite.
    """
    names, marker = metafunc.fixturenames, metafunc.definition.get_closest_marker
    if "engine" not in names:
        if "access_path" in names:  # the test has its own database
            metafunc.parametrize("access_path", ["direct"], scope="session", ids=[""])
        return
    # The gateway and the client behave alike in front of both engines.
    tests_engines = {"inventory", "docs", "page"} & set(Path(metafunc.definition.path).parts)
    both = tests_engines and not metafunc.config.getoption(SQLITE_ONLY) and marker("one_engine") is None
    engines = ["sqlite", "postgresql"] if both else ["sqlite"]
    if "access_path" not in names:
        metafunc.parametrize("engine", engines, scope="session")
        return
    access_paths = [pytest.param(engine, "direct", id=engine) for engine in engines]
    if marker("through_gateway") is not None:
        access_paths.append(pytest.param("sqlite", "gateway", id="gateway"))
    metafunc.parametrize(("engine", "access_path"), access_paths, scope="session")


def child_processes(pid: int) -> list[int]:
    """Return the ids of the running child processes of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _copy(source: Path, target: Path) -> Path:
    """Copy a folder, including the owners of its files; return the path of the copy."""
    subprocess.run(["cp", "--archive", str(source), str(target)], check=True)
    return target


class PostgreSQL:
    """A PostgreSQL server for the tests.

    PostgreSQL refuses to run as root, so tests that run as root start it as the user ``postgres``.
    """

    _initial_data: ClassVar[Path | None] = None

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="invsys-postgresql-", dir=_database_folder()))
        self._data = self.folder / "data"
        self._bin = postgresql_binaries()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._initialise()

    def _initialise(self) -> None:
        """Create the data folder: with initdb for the first server of a process, then with a copy of that folder."""
        if PostgreSQL._initial_data is None:
            self._run("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
            folder = Path(tempfile.mkdtemp(prefix="invsys-postgresql-", dir=_database_folder()))
            atexit.register(shutil.rmtree, folder)
            PostgreSQL._initial_data = _copy(self._data, folder / "data")
        else:
            _copy(PostgreSQL._initial_data, self._data)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def start(self, *options: str) -> None:
        # An ANALYZE at any time would change the plans that tests read.
        private = ("listen_addresses=", f"unix_socket_directories={self.folder}", "autovacuum=off")
        joined = " ".join(f"-c {option}" for option in (*private, *options))
        self._run("pg_ctl", "-w", "-t", str(SECONDS), "-l", str(self.folder / "log"), "-o", joined, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-w", "-t", str(SECONDS), "-m", mode, "stop")

    def freeze(self) -> None:
        """Suspend every process of the server: connections stay open, but nothing responds."""
        # The postmaster first: it then starts no process, and removes none, while its processes are listed.
        os.kill(self._postmaster, signal.SIGSTOP)
        for pid in child_processes(self._postmaster):
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in child_processes(self._postmaster):
            os.kill(pid, signal.SIGCONT)
        os.kill(self._postmaster, signal.SIGCONT)

    @property
    def _postmaster(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        command = [*user, str(self._bin / program), "-D", str(self._data), *arguments]
        # Not a pipe: the server that pg_ctl starts would keep its write end open.
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.run(
                command, check=False, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            output.seek(0)
            assert process.returncode == 0, output.read()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running PostgreSQL server."""
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def migrated_url(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database at the newest migration."""
    with tempfile.TemporaryDirectory(prefix="invsys-sqlite-", dir=_database_folder()) as folder:
        if engine == "sqlite":
            url = f"sqlite:///{folder}/invsys.sqlite3"
        else:
            server: PostgreSQL = request.getfixturevalue("postgresql")
            # pytest may set this fixture up more than once for an engine, so the name must be unique.
            name = f"invsys_{uuid.uuid4().hex}"
            server.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
            url = server.url(name)
        migrate(url)
        yield url


def load_settings(url: str, **more: str) -> Settings:
    """Return the inventory's settings for a database URL and other variables, without an operator's file."""
    return settings.load(environ={"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": url, **LONG_TIMEOUTS, **more})


def migrate(url: str, revision: str = "head") -> None:
    """Migrate a database to a revision, by default the newest."""
    app = build_app(load_settings(url))
    with app.app_context():
        upgrade(revision=revision)
        disconnect()


@pytest.fixture(scope="session")
def admin_app(migrated_url: str) -> Iterator[Flask]:
    """An application for inspecting and emptying the database; tests never send requests to it."""
    app = build_app(load_settings(migrated_url))
    yield app
    close(app)


@pytest.fixture
def database_url(migrated_url: str, admin_app: Flask) -> Iterator[str]:
    """The URL of an empty database at the newest migration."""
    yield migrated_url
    with admin_app.app_context():
        delete_all_rows()


@pytest.fixture
def environ(database_url: str) -> dict[str, str]:
    """The settings of ``app`` as environment variables; a test module can override this fixture to add more."""
    return {"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": database_url, **LONG_TIMEOUTS}


@pytest.fixture(scope="session")
def applications() -> Iterator[Applications]:
    """The cache from which ``app`` gets its application."""
    with closing(Applications()) as shared:
        yield shared


@pytest.fixture
def app(environ: dict[str, str], applications: Applications) -> Iterator[Flask]:
    """The application as in production: TESTING is off, so callers get error responses instead of exceptions.

    Tests with the same settings share it and its connections. A test must use ``own_app`` instead if it changes the
    application in a way that ``Applications`` does not detect, or if it depends on when the application connects.
    """
    with applications.cached_app(environ) as app:
        yield app


@pytest.fixture
def own_app(environ: dict[str, str]) -> Iterator[Flask]:
    """An application for this test only."""
    app = build_app(settings.load(environ=environ))
    yield app
    close(app)


@pytest.fixture(scope="session")
def front_door() -> Iterator[FrontDoor]:
    """A gateway that can be connected to any application; tests marked ``through_gateway`` use it."""
    with closing(FrontDoor()) as gateway:
        yield gateway


@pytest.fixture
def caller_id(access_path: str) -> str | None:
    """The client id that the inventory sees in the requests of ``client``; None without a gateway."""
    return None if access_path == "direct" else FrontDoor.name


@pytest.fixture
def client(app: Flask, access_path: str, request: pytest.FixtureRequest) -> FlaskClient:
    """A test client of the inventory, or of the gateway in front of it."""
    if access_path == "direct":
        return app.test_client()
    front_door: FrontDoor = request.getfixturevalue("front_door")
    return front_door.caller(app)
