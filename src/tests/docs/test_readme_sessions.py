"""The examples in README.rst work as printed, even when repeated, and through the gateway with the printed scopes."""

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from flask import Flask

from invsys.gateway import settings
from invsys.gateway.application import build_app as build_gateway
from tests.support.documented_calls import Session, calls
from tests.support.paths import PROJECT
from tests.support.serving_apps import close_idle, served_app
from tests.support.waiting import LONG_UPSTREAM_TIMEOUTS, SECONDS

README = (PROJECT / "README.rst").read_text()
INVENTORY = "http://127.0.0.1:5000"
# The commands that add a client: after `make gateway`, and in containers.
COMMANDS = [
    shlex.split(command.replace("\\\n", " "))
    for command in re.findall(r"KEY=\$\(.*invsys-gateway-manage (client add (?:.*\\\n)*.*)\)", README)
]


def run_calls(url: str, headers: dict[str, str] | None = None, text: str = README) -> None:
    with httpx2.Client(timeout=SECONDS) as client:
        session = Session(client, {INVENTORY: url}, headers)
        responses = [session.run_call(call) for call in calls(text)]
    # Five calls whose responses are compared, and two that store an id.
    assert len(responses) == 7


def run_python(client: str) -> None:
    text = README.replace(f'Client("{INVENTORY}")', client)
    assert text != README
    session = doctest.DocTestParser().get_doctest(text, {}, "README.rst", "README.rst", 0)
    output: list[str] = []
    result = doctest.DocTestRunner().run(session, out=output.append)
    assert result.attempted > 0
    assert not output, "".join(output)


def test_the_sessions_can_be_repeated(app: Flask) -> None:
    with served_app(app) as url:
        for _ in range(2):
            run_calls(url)
            run_python(f'Client("{url}")')


@contextmanager
def gateway(inventory: str, environ: dict[str, str]) -> Iterator[str]:
    app = build_gateway(settings.load(environ={**environ, "INVSYS_SERVICES_INVENTORY": inventory}))
    with served_app(app) as url:
        yield url
    close_idle(app)


@pytest.mark.one_engine
@pytest.mark.parametrize("command", COMMANDS, ids=["make", "containers"])
def test_the_sessions_are_the_same_through_the_gateway(app: Flask, tmp_path: Path, command: list[str]) -> None:
    environ = {"INVSYS_CONFIG": os.devnull, "INVSYS_CLIENTS_FILE": str(tmp_path / "clients.ini")}
    environ |= LONG_UPSTREAM_TIMEOUTS
    words = [sys.executable, "-m", "invsys.gateway", *command]
    process = subprocess.run(words, env=os.environ | environ, capture_output=True, text=True, check=True)
    key = process.stdout.strip()
    # A client that sees only its own allocations gets no client_id.
    text = README.replace(',"client_id":null', "")
    with served_app(app) as inventory, gateway(inventory, environ) as url:
        for _ in range(2):
            run_calls(url, {"Authorization": f"Bearer {key}"}, text)
            run_python(f'Client("{url}", token="{key}")')


def test_the_page_prints_both_commands() -> None:
    assert [command[:3] for command in COMMANDS] == [["client", "add", "booking"]] * 2
