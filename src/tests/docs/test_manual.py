"""The calls in the manual return the printed responses, and its table of calls has every route."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask

from invsys.gateway import settings
from invsys.gateway.application import build_app as build_gateway
from invsys.gateway.auth import client_admin
from invsys.inventory.api import ROUTES
from tests.support.paths import MANUAL
from tests.support.printed_calls import Session, calls
from tests.support.serving_apps import close_idle, served_app

INVENTORY, GATEWAY = "http://127.0.0.1:5000", "http://127.0.0.1:5001"


def page(name: str) -> str:
    return (MANUAL / f"{name}.rst").read_text()


@pytest.fixture
def caller() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


def test_the_calls_on_the_api_page_return_the_printed_responses(app: Flask, caller: httpx.Client) -> None:
    with served_app(app) as url:
        session = Session(caller, {INVENTORY: url})
        for call in calls(page("api")):
            session.play(call)


def test_the_calls_of_the_quick_start_return_the_printed_responses(
    app: Flask, caller: httpx.Client, tmp_path: Path
) -> None:
    text = page("quickstart")
    [words] = re.findall("invsys-gateway-manage client add (.+)", text)
    name, *options = shlex.split(words)
    key = client_admin.add(tmp_path / "clients.ini", name, [scope for scope in options if scope != "--scope"])
    with served_app(app) as inventory:
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(tmp_path / "clients.ini"),
            "INVSYS_SERVICES_INVENTORY": inventory,
        }
        gateway = build_gateway(settings.load(environ=environ))
        with served_app(gateway) as url:
            session = Session(caller, {GATEWAY: url, "$KEY": key})
            for call in calls(text):
                session.play(call)
        close_idle(gateway)


def test_the_calls_of_every_page_are_tested() -> None:
    assert {path.stem for path in MANUAL.glob("*.rst") if list(calls(path.read_text()))} == {"api", "quickstart"}


def test_the_table_of_calls_has_every_route() -> None:
    # In the form of the table: cars for the collection, {id} for any id.
    routes = {
        re.sub("<uuid:[^>]+>", "{id}", url.replace("<collection:resource_type>", "cars"))
        for _, urls in ROUTES
        for url in urls
    }
    table = page("api").partition("All calls")[2].partition("Ground rules")[0]
    assert set(re.findall(r"^``(/[^`]+)``  ", table, re.MULTILINE)) == routes
