"""Fixtures for the tests of generated clients: the served API, its document, and the programs that read it."""

import os
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.support.front_door import FrontDoor
from tests.support.serving_apps import served_app

# `tox -e clients` installs the generators; the other environments leave these tests out.
NODE_MODULES = os.environ.get("NODE_MODULES")
collect_ignore_glob = [] if NODE_MODULES else ["test_*.py"]

Run = Callable[[str], str]


@pytest.fixture
def key(access_path: str, request: pytest.FixtureRequest) -> str:
    """The API key for the gateway; without a gateway, any text."""
    if access_path == "direct":
        return "ignored"
    front_door: FrontDoor = request.getfixturevalue("front_door")
    return front_door.authorization.removeprefix("Bearer ")


@pytest.fixture
def address(app: Flask, access_path: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The base URL of the application, or of the gateway in front of it."""
    target = app if access_path == "direct" else request.getfixturevalue("front_door").connect(app)
    with served_app(target) as url:
        yield url


@pytest.fixture
def folder(address: str, tmp_path: Path) -> Path:
    """A folder with the document, and with the packages of npm."""
    with urllib.request.urlopen(f"{address}/api/openapi.json") as response:
        (tmp_path / "openapi.json").write_bytes(response.read())
    (tmp_path / "node_modules").symlink_to(str(NODE_MODULES))
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    """Return a function that runs a command in this folder, and returns its standard output."""
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # Where openapi-generator writes its package.
        "PYTHONPATH": str(folder / "invsys-api"),
        "REDOCLY_TELEMETRY": "off",
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    }

    def run(command: str) -> str:
        result = subprocess.run(
            shlex.split(command), cwd=folder, env=environ, check=False, capture_output=True, text=True, timeout=600
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    return run
