"""The pytest plugin for callers: their tests run against the real service, with an empty database for each."""

import configparser
import os
import signal
import subprocess
import sys
import textwrap
import urllib.request

import pytest

from invsys.testing import plugin
from invsys.testing.plugin import InvSysServer
from tests.support.paths import MANUAL, PROJECT
from tests.support.waiting import until

PATH = os.pathsep.join([str(PROJECT / "src"), str(PROJECT / "client/src")])
# Whether or not the package is installed here, the plugin is loaded once.
LOADED = ["-p", "invsys.testing.plugin", "-p", "no:cacheprovider"]
ENVIRON = {**os.environ, "PYTHONPATH": PATH, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

TESTS = """
import urllib.request

import pytest

from invsys_client import Client, NoneAvailable


@pytest.fixture
def lorries(invsys_url):
    with Client(invsys_url) as invsys:
        yield invsys.collection("lorries")


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_begins_with_an_empty_database(lorries, number):
    assert [*lorries.resources()] == []
    with pytest.raises(NoneAvailable):
        lorries.allocate_any(None, None, key="order-1")
    lorries.register("Lorry1")
    assert not lorries.allocate_any(None, None, key="order-1").replayed


def test_the_session_has_one_server(invsys_server, invsys_url, lorries):
    assert invsys_server.url == invsys_url
    lorries.register("Lorry1")
    invsys_server.empty()
    assert [*lorries.resources()] == []


def test_a_setting_can_be_changed(invsys_url):
    with urllib.request.urlopen(f"{invsys_url}/api/vans") as response:
        assert response.read().strip() == b"[]"
"""
CONFTEST = """
import pytest


@pytest.fixture(scope="session")
def invsys_settings():
    return {"INVSYS_RESOURCE_TYPES_VANS": "Van"}
"""


def run_pytest(folder, *options, **environ):
    command = [sys.executable, "-m", "pytest", "-q", *LOADED, *options, str(folder)]
    return subprocess.run(command, cwd=folder, env={**ENVIRON, **environ}, capture_output=True, text=True, check=False)


def test_tests_of_a_caller_run_against_the_real_service(tmp_path):
    (tmp_path / "test_caller.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    # A setting of the machine is ignored.
    result = run_pytest(tmp_path, INVSYS_DATABASE_URL="postgresql://nowhere/none", INVSYS_SERVER_ALLOWED_HOSTS="other")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 passed" in result.stdout


def test_the_example_of_the_manual_works(tmp_path):
    section = (MANUAL / "client.rst").read_text().partition("Tests of your code\n---")[2]
    _, module, settings, *_ = section.split(".. code-block:: python\n\n")
    (tmp_path / "test_booking.py").write_text(textwrap.dedent(module.partition("\n\nEach test")[0]))
    (tmp_path / "conftest.py").write_text("import pytest\n" + textwrap.dedent(settings.partition("\n\nThe service")[0]))
    result = run_pytest(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout


def test_a_run_without_the_fixtures_starts_and_imports_nothing(tmp_path):
    text = """
    import sys

    def test_modules():
        modules = {name.partition(".")[0] for name in sys.modules}
        assert not modules & {"flask", "sqlalchemy", "marshmallow", "orjson", "httpx2", "invsys_client"}
        assert {name for name in sys.modules if name.startswith("invsys.")} == {
            "invsys.testing", "invsys.testing.plugin"
        }
    """
    (tmp_path / "test_modules.py").write_text(textwrap.dedent(text))
    result = run_pytest(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_service_that_cannot_start_shows_its_log(tmp_path):
    (tmp_path / "test_caller.py").write_text("def test_it(invsys_url): pass")
    (tmp_path / "conftest.py").write_text(CONFTEST.replace("RESOURCE_TYPES_VANS", "DATABASE_POOL_SIZE"))
    result = run_pytest(tmp_path)
    assert result.returncode == 1
    assert "The InvSys service for tests has ended" in result.stdout
    assert "pool_size" in result.stdout


def test_the_service_ends_with_the_process_that_has_started_it(tmp_path):
    code = f"""
    import os, pathlib, sys
    from invsys.testing.plugin import InvSysServer
    print(InvSysServer(pathlib.Path({str(tmp_path)!r}), {{}}).url, flush=True)
    os.kill(os.getpid(), 9)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    result = subprocess.run(command, env=ENVIRON, capture_output=True, text=True, check=False)
    until(lambda: is_closed(result.stdout.strip()))


def is_closed(url):
    try:
        urllib.request.urlopen(f"{url}/healthz", timeout=30).close()
    except OSError:
        return True
    return False


def test_the_package_declares_the_plugin():
    setup = configparser.ConfigParser()
    setup.read(PROJECT / "setup.cfg")
    assert setup["options.entry_points"]["pytest11"].split() == ["invsys", "=", InvSysServer.__module__]


@pytest.fixture
def servers(tmp_path, monkeypatch):
    """Return a function that starts a server; the servers are stopped after the test."""
    monkeypatch.setenv("PYTHONPATH", PATH)
    started = []

    def start(folder=tmp_path):
        started.append(InvSysServer(folder, {}))
        return started[-1]

    yield start
    for server in started:
        server.stop()


INTERRUPTED = """
import os
import signal

import pytest
from invsys_client import Client


@pytest.fixture
def car(invsys_url):
    with Client(invsys_url) as invsys:
        car = invsys.collection("cars").register("Car1")
        yield car
        invsys.collection("cars").decommission(car.id)
        print("decommissioned")


def test_it(car):
    os.killpg(0, signal.SIGINT)
"""


def test_fixtures_can_use_the_service_after_ctrl_c(tmp_path):
    (tmp_path / "test_caller.py").write_text(INTERRUPTED)
    command = [sys.executable, "-m", "pytest", "-q", "-s", *LOADED, str(tmp_path)]
    # Ctrl-C sends the signal to each process of the group.
    result = subprocess.run(
        command, cwd=tmp_path, env=ENVIRON, capture_output=True, text=True, check=False, process_group=0
    )
    assert "KeyboardInterrupt" in result.stdout
    assert "decommissioned" in result.stdout, result.stdout + result.stderr


def test_modules_of_the_caller_do_not_replace_those_of_the_service(tmp_path):
    (tmp_path / "marshmallow.py").write_text("raise RuntimeError('a module of the caller')")
    (tmp_path / "test_caller.py").write_text("def test_it(invsys_url): pass")
    result = run_pytest(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_database_is_in_the_folder_whatever_its_name(tmp_path, servers):
    folder = tmp_path / "a b%20c?x#y"
    folder.mkdir()
    servers(folder)
    assert {file.name for file in folder.iterdir()} >= {"invsys.sqlite3", "log"}
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("INVSYS_DATABASE_CONNECT_TIMEOUT", 5, TypeError, "INVSYS_DATABASE_CONNECT_TIMEOUT must be a string, not 5"),
        ("DATABASE_URL", "x", ValueError, "'DATABASE_URL' is not a setting: its name must begin with INVSYS_"),
        (5, "x", ValueError, "5 is not a setting"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, name, value, error, message):
    with pytest.raises(error, match=f"invsys_settings: {message}"):
        InvSysServer(tmp_path, {name: value})


def test_a_service_that_has_ended_is_reported_each_time(servers):
    server = servers()
    os.kill(server._process.pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="service for tests has ended"):
            server.empty()
    server.stop()


def test_a_service_that_hangs_is_killed(servers, monkeypatch):
    asked, stopped = servers(), servers()
    for server in (asked, stopped):
        os.kill(server._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(plugin, "_TIMEOUT", 0.1)
    with pytest.raises(RuntimeError, match="has not responded"):
        asked.empty()
    stopped.stop()
    assert [server._process.returncode for server in (asked, stopped)] == [-signal.SIGKILL] * 2


@pytest.mark.parametrize("times", [1, 2])
def test_a_server_can_be_stopped_and_started_again(servers, times):
    for number in range(times):
        server = servers()
        server.empty()
        server.stop()
        assert server._process.returncode == 0, number
