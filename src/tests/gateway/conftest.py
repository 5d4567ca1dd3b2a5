"""What the tests of the gateway share: gateways of any settings, and a real inventory behind them."""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from invsys.gateway import administration, manage, settings
from invsys.gateway.application import build_app
from tests.serving_apps import served_app

# Everything that a client may be allowed.
EVERYTHING = ["resources:read", "resources:write", "allocations:read", "allocations:write", "events:read"]


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
        with pytest.raises(SystemExit) as ended:
            manage.main()
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def key_of(clients_file: Path) -> Callable[..., str]:
    """Make a client; gives its API key."""

    def key_of(name: str, *scopes: str, rate: str | None = None, concurrent: int | None = None) -> str:
        return administration.add(clients_file, name, list(scopes), rate, concurrent)

    return key_of


@pytest.fixture
def rotate(clients_file: Path) -> Callable[..., str]:
    """Give a client a new key; the old ones count for ``keep`` more."""
    return lambda name, keep=timedelta(0): administration.rotate(clients_file, name, keep)


@pytest.fixture
def inventory(app: Flask) -> Iterator[str]:
    """The base URL of a real inventory on an empty database."""
    with served_app(app) as url:
        yield url


@pytest.fixture
def gateway(clients_file: Path) -> Callable[..., Flask]:
    """Build a gateway in front of a service, with more settings such as ``INVSYS_LIMITS_RATE`` if wanted."""

    def gateway(inventory: str, **more: str) -> Flask:
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(clients_file),
            "INVSYS_SERVICES_INVENTORY": inventory,
            "INVSYS_LIMITS_RATE": "1000000/second",
            "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
            **more,
        }
        return build_app(settings.load(environ=environ))

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
