"""The sessions of README.rst run as printed, again and again, and through the gateway with the printed scopes."""

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from flask import Flask

from invsys.gateway import settings
from invsys.gateway.application import build_app as build_gateway
from tests.support.paths import PROJECT
from tests.support.printed_calls import Session, calls
from tests.support.serving_apps import close_idle, served_app

README = (PROJECT / "README.rst").read_text()
INVENTORY = "http://127.0.0.1:5000"
# The commands that make a client: with make, and in containers.
COMMANDS = [
    shlex.split(words.replace("\\\n", " "))
    for words in re.findall(r"invsys-gateway-manage (client add (?:.*\\\n)*.*)", README)
]


def play_calls(url: str, headers: dict[str, str] | None = None) -> None:
    with httpx.Client() as caller:
        session = Session(caller, {INVENTORY: url}, headers)
        played = [session.play(call) for call in calls(README) if call.url.startswith(INVENTORY)]
    assert len(played) == 5


def play_python(client: str) -> None:
    text = README.replace(f'Client("{INVENTORY}")', client)
    assert text != README
    session = doctest.DocTestParser().get_doctest(text, {}, "README.rst", "README.rst", 0)
    told: list[str] = []
    result = doctest.DocTestRunner().run(session, out=told.append)
    assert result.attempted > 0
    assert not told, "".join(told)


def test_the_sessions_can_be_repeated(app: Flask) -> None:
    with served_app(app) as url:
        for _ in range(2):
            play_calls(url)
            play_python(f'Client("{url}")')


@contextmanager
def gateway(inventory: str, environ: dict[str, str]) -> Iterator[str]:
    app = build_gateway(settings.load(environ={**environ, "INVSYS_SERVICES_INVENTORY": inventory}))
    with served_app(app) as url:
        yield url
    close_idle(app)


@pytest.mark.parametrize("command", COMMANDS, ids=["make", "containers"])
def test_the_sessions_are_the_same_through_the_gateway(app: Flask, tmp_path: Path, command: list[str]) -> None:
    environ = {"INVSYS_CONFIG": os.devnull, "INVSYS_CLIENTS_FILE": str(tmp_path / "clients.ini")}
    words = [sys.executable, "-m", "invsys.gateway", *command]
    done = subprocess.run(words, env=os.environ | environ, capture_output=True, text=True, check=True)
    key = done.stdout.strip()
    with served_app(app) as inventory, gateway(inventory, environ) as url:
        for _ in range(2):
            play_calls(url, {"Authorization": f"Bearer {key}"})
            play_python(f'Client("{url}", token="{key}")')


def test_the_commands_are_those_of_the_page() -> None:
    assert [command[:3] for command in COMMANDS] == [["client", "add", "booking"]] * 2
