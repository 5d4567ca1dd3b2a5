"""What the tests of the gateway share: gateways of any settings, and a real inventory behind them."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from invsys.gateway import manage, settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from tests.support.front_door import EVERYTHING
from tests.support.gateway_app import House, built_house
from tests.support.gateway_client import Door
from tests.support.gateway_server import FREE, Sections, served_gateway, write_ini
from tests.support.raw_upstream import Upstream, deaf, listening, unused_port
from tests.support.serving_apps import close_idle, served_app


@pytest.fixture(scope="session", autouse=True)
def umask() -> Iterator[None]:
    """Let files that tests write be writable for their owner only, as the gateway wants it of the clients' file."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    """Where the clients of the gateway stand; nobody is in it yet."""
    return tmp_path / "clients.ini"


@pytest.fixture
def run(
    clients_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str, str]]:
    """Type a command of the gateway's; gives its status, what it printed, and what it complained of."""
    monkeypatch.setenv("INVSYS_CONFIG", os.devnull)
    monkeypatch.setenv("INVSYS_CLIENTS_FILE", str(clients_file))

    def run(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["invsys-gateway-manage", *words])
        capsys.readouterr()  # what others have said
        with pytest.raises(SystemExit) as ended:
            manage.main()
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def key_of(clients_file: Path) -> Callable[..., str]:
    """Make a client; gives its API key."""

    def key_of(name: str, *scopes: str, **limits: Any) -> str:
        return client_admin.add(clients_file, name, list(scopes), **limits)

    return key_of


@pytest.fixture
def rotate(clients_file: Path) -> Callable[..., str]:
    """Give a client a new key; the old ones count for ``keep`` more."""
    return lambda name, keep=timedelta(0): client_admin.rotate(clients_file, name, keep)


@pytest.fixture
def inventory(app: Flask) -> Iterator[str]:
    """The base URL of a real inventory on an empty database."""
    with served_app(app) as url:
        yield url


@pytest.fixture
def built_apps() -> Iterator[list[Flask]]:
    """The gateways that a test has built; a process that ends closes its connections, here it goes on."""
    apps: list[Flask] = []
    yield apps
    for app in apps:
        close_idle(app)


@pytest.fixture
def gateway(clients_file: Path, built_apps: list[Flask]) -> Callable[..., Flask]:
    """Build a gateway in front of a service, with more settings such as ``INVSYS_LIMITS_RATE`` if wanted."""

    def gateway(inventory: str, **more: str) -> Flask:
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(clients_file),
            "INVSYS_SERVICES_INVENTORY": inventory,
            "INVSYS_LIMITS_RATE": "1000000/second",
            "INVSYS_LIMITS_WRITE_RATE": "1000000/second",
            "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
            **more,
        }
        built_apps.append(build_app(settings.load(environ=environ)))
        return built_apps[-1]

    return gateway


@pytest.fixture
def calling(gateway: Callable[..., Flask], inventory: str, key_of: Callable[..., str]) -> Callable[..., FlaskClient]:
    """A caller of the gateway in front of the inventory: a new client of this name, with these scopes."""
    made: list[Flask] = []

    def calling(name: str, *scopes: str) -> FlaskClient:
        # One gateway for all of them, made after the first is in the file: it looks at the file once a second.
        key = key_of(name, *scopes)
        made[:] = [gateway(inventory)]
        return as_client(made[0], key)

    return calling


def as_client(app: Flask, key: str) -> FlaskClient:
    """Give a caller that says who it is with every request."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


@pytest.fixture(scope="session")
def raw_service() -> Iterator[Upstream]:
    """A service of raw sockets, for all tests of the production server."""
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def proxy_nobody_asks() -> Iterator[Upstream]:
    """Where the environment says that a proxy is; nothing may be asked of it."""
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def door(
    raw_service: Upstream, proxy_nobody_asks: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """A gateway under the production server.

    ``/api`` leads to the raw service, and so does whatever is below ``/echo``. Below ``/gone`` nothing listens, below
    ``/full`` and ``/busy`` nobody takes connections: the queue is full from the first, or has places.
    """
    folder = tmp_path_factory.mktemp("door")
    others = ("echo", "gone", "full", "busy")
    scopes = [f"{name}:{verb}" for name in others for verb in ("read", "write")]
    key = client_admin.add(folder / "clients.ini", "booking", [*EVERYTHING, *scopes])
    narrow = client_admin.add(folder / "clients.ini", "narrow", ["echo:read"], None, 1)
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), proxy_nobody_asks.url)
    with deaf(queue=0) as full, deaf() as busy:
        gone = f"http://127.0.0.1:{unused_port()}"
        settings = {
            "services": {
                "inventory": raw_service.url,
                "echo": raw_service.url,
                "gone": gone,
                "full": full,
                "busy": busy,
            },
            "routes": {f"/{name}": name for name in others},
            "upstream": {"connect_timeout": 0.3, "read_timeout": 1, "answer_timeout": 2, "max_answer": 40 * 2**20},
        }
        with served_gateway(folder, settings, {**proxies, "NO_PROXY": "", "no_proxy": ""}) as served:
            yield Door(served, key, narrow)


@pytest.fixture
def narrow_door(door: Door) -> Door:
    """The same gateway, for a client that may have one request in it at a time."""
    return replace(door, key=door.narrow)


@pytest.fixture
def behind(raw_service: Upstream) -> Iterator[Upstream]:
    """The service behind ``door``: it has not been asked anything, and answers ``ok`` until it is told otherwise."""
    raw_service.again()
    yield raw_service
    raw_service.again()


@pytest.fixture
def built(tmp_path: Path, clients_file: Path, built_apps: list[Flask]) -> Callable[..., Flask]:
    """Build a gateway from sections of settings, in this process."""

    def built(*layers: Sections) -> Flask:
        file = write_ini(tmp_path, FREE, {"clients": {"file": clients_file}}, *layers)
        built_apps.append(build_app(settings.load(str(file), {})))
        return built_apps[-1]

    return built


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A service of raw sockets, for one test."""
    with listening() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def house_of_module(
    request: pytest.FixtureRequest, migrated_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """An inventory with a gateway in front of it that knows the module's ``CLIENTS``, each with its scopes."""
    with built_house(migrated_url, tmp_path_factory.mktemp("house"), request.module.CLIENTS) as house:
        yield house


@pytest.fixture
def house(house_of_module: House, database_url: str) -> House:
    """The module's house; its database is empty."""
    return house_of_module
