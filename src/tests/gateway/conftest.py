"""Fixtures of the gateway tests: gateways with any settings, in front of real services or services on raw sockets."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from invsys.gateway import manage, settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from invsys.gateway.rate_limit import limits
from tests.support.front_door import ALL_SCOPES
from tests.support.gateway_server import UNLIMITED, Sections, served_gateway, write_ini
from tests.support.gateway_system import GatewayWithInventory, running_system
from tests.support.ports import free_port
from tests.support.raw_upstream import Upstream, listening, not_accepting
from tests.support.redis_server import RedisServer
from tests.support.running_gateway import RunningGateway
from tests.support.serving_apps import close_idle, served_app
from tests.support.waiting import LONG_UPSTREAM_TIMEOUTS


class ImpatientGateway(NamedTuple):
    """A gateway with short timeouts, and the service behind it."""

    gateway: RunningGateway
    service: Upstream


@pytest.fixture(scope="session", autouse=True)
def umask() -> Iterator[None]:
    """Make new files writable only by their owner, as the gateway requires of the clients file."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    """The path of the clients file; the file does not exist yet."""
    return tmp_path / "clients.ini"


@pytest.fixture
def run_command(
    clients_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str, str]]:
    """Return a function that runs a command of invsys-gateway-manage.

    The function returns exit status, standard output and standard error.
    """
    monkeypatch.setenv("INVSYS_CONFIG", os.devnull)
    monkeypatch.setenv("INVSYS_CLIENTS_FILE", str(clients_file))

    def run_command(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["invsys-gateway-manage", *words])
        capsys.readouterr()  # discard earlier output
        with pytest.raises(SystemExit) as exit_info:
            manage.main()
        return exit_info.value.code, *capsys.readouterr()

    return run_command


@pytest.fixture
def add_client(clients_file: Path) -> Callable[..., str]:
    """Return a function that adds a client and returns its API key."""

    def add_client(name: str, *scopes: str, **limits: Any) -> str:
        return client_admin.add(clients_file, name, list(scopes), **limits)

    return add_client


@pytest.fixture
def rotate(clients_file: Path) -> Callable[..., str]:
    """Return a function that adds a key to a client and returns it; the previous keys stay valid for ``keep``."""
    return lambda name, keep=timedelta(0): client_admin.rotate(clients_file, name, keep)


@pytest.fixture
def inventory(app: Flask) -> Iterator[str]:
    """The base URL of a real inventory with an empty database."""
    with served_app(app) as url:
        yield url


@pytest.fixture
def built_apps() -> Iterator[list[Flask]]:
    """The gateways that a test has built; their idle connections are closed after the test."""
    apps: list[Flask] = []
    yield apps
    for app in apps:
        close_idle(app)


@pytest.fixture
def build_gateway(clients_file: Path, built_apps: list[Flask]) -> Callable[..., Flask]:
    """Return a function that builds a gateway in front of a service; ``variables`` override its settings."""

    def build_gateway(inventory: str, **variables: str) -> Flask:
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(clients_file),
            "INVSYS_SERVICES_INVENTORY": inventory,
            **LONG_UPSTREAM_TIMEOUTS,
            "INVSYS_LIMITS_RATE": "1000000/second",
            "INVSYS_LIMITS_WRITE_RATE": "1000000/second",
            "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
            **variables,
        }
        built_apps.append(build_app(settings.load(environ=environ)))
        return built_apps[-1]

    return build_gateway


@pytest.fixture
def new_client(
    build_gateway: Callable[..., Flask], inventory: str, add_client: Callable[..., str]
) -> Callable[..., FlaskClient]:
    """Return a function that adds a client with these scopes and returns a test client that sends its key."""
    apps: list[Flask] = []

    def new_client(name: str, *scopes: str) -> FlaskClient:
        # Built after the client was added, because a gateway checks the file only once a second.
        key = add_client(name, *scopes)
        apps[:] = [build_gateway(inventory)]
        return as_client(apps[0], key)

    return new_client


def as_client(app: Flask, key: str) -> FlaskClient:
    """Return a test client that sends the key with every request."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


@pytest.fixture(scope="session")
def raw_service() -> Iterator[Upstream]:
    """A raw-socket service for all tests that use ``gateway``."""
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def unused_proxy() -> Iterator[Upstream]:
    """The proxy that the environment names; it must not receive any request."""
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def gateway(
    raw_service: Upstream, unused_proxy: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """A gateway under the production server.

    ``/api`` and ``/echo`` are routed to the raw service. Nothing listens behind ``/gone``.
    """
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), unused_proxy.url)
    settings = {
        "services": {
            "inventory": raw_service.url,
            "echo": raw_service.url,
            "gone": f"http://127.0.0.1:{free_port()}",
        },
        "upstream": {"max_answer": 40 * 2**20},
    }
    environ = {**proxies, "NO_PROXY": "", "no_proxy": ""}
    with _running_gateway(tmp_path_factory.mktemp("gateway"), settings, environ) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def impatient_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImpatientGateway]:
    """A gateway with short timeouts, and the service behind ``/echo``, which no other test uses.

    Nothing listens behind ``/gone``. The services behind ``/full`` and ``/busy`` accept no connections; the queue of
    the first is full, that of the second is not.
    """
    with listening() as echo, not_accepting(queue=0) as full, not_accepting() as busy:
        gone = f"http://127.0.0.1:{free_port()}"
        settings = {
            "services": {"echo": echo.url, "gone": gone, "full": full, "busy": busy},
            "upstream": {"connect_timeout": 1, "read_timeout": 1, "answer_timeout": 2},
        }
        with _running_gateway(tmp_path_factory.mktemp("impatient"), settings) as gateway:
            yield ImpatientGateway(gateway, echo)


@contextmanager
def _running_gateway(
    folder: Path, settings: Sections, environ: Mapping[str, str] | None = None
) -> Iterator[RunningGateway]:
    """Run a gateway that routes ``/NAME`` to each service NAME except the inventory."""
    names = [name for name in settings["services"] if name != "inventory"]
    scopes = [f"{name}:{verb}" for name in names for verb in ("read", "write")]
    key = client_admin.add(folder / "clients.ini", "booking", [*ALL_SCOPES, *scopes])
    limited_key = client_admin.add(folder / "clients.ini", "limited", ["echo:read"], None, 1)
    routes = {"routes": {f"/{name}": name for name in names}}
    with served_gateway(folder, {**settings, **routes}, environ) as served:
        yield RunningGateway(served, key, limited_key)


@pytest.fixture
def limited_gateway(gateway: RunningGateway) -> RunningGateway:
    """The same gateway, with the key of a client that is limited to one concurrent request."""
    return replace(gateway, key=gateway.limited_key)


@pytest.fixture
def service(raw_service: Upstream) -> Iterator[Upstream]:
    """The service behind ``gateway``: it has no recorded requests and responds with ``ok``."""
    raw_service.reset()
    yield raw_service
    raw_service.reset()


@pytest.fixture
def build_from_ini(tmp_path: Path, clients_file: Path, built_apps: list[Flask]) -> Callable[..., Flask]:
    """Return a function that builds a gateway in this process from sections of settings."""

    def build_from_ini(*layers: Sections) -> Flask:
        file = write_ini(tmp_path, UNLIMITED, {"clients": {"file": clients_file}}, *layers)
        built_apps.append(build_app(settings.load(str(file), {})))
        return built_apps[-1]

    return build_from_ini


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A raw-socket service for one test."""
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def module_system(
    request: pytest.FixtureRequest, migrated_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayWithInventory]:
    """An inventory behind a gateway with the module's ``CLIENTS``, which maps names to scopes."""
    with running_system(migrated_url, tmp_path_factory.mktemp("system"), request.module.CLIENTS) as system:
        yield system


@pytest.fixture
def system(module_system: GatewayWithInventory, database_url: str) -> GatewayWithInventory:
    """The module's system with an empty database."""
    return module_system


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A running Redis. On a busy machine, it needs more time than the gateway allows by default."""
    monkeypatch.setattr(limits, "_REDIS_TIMEOUTS", {"socket_connect_timeout": 60, "socket_timeout": 60})
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()
