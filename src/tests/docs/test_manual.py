"""The manual is correct: its curl commands get the printed responses, and its table of calls lists every route."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from flask import Flask

from invsys.gateway import settings
from invsys.gateway.application import build_app as build_gateway
from invsys.gateway.auth import client_admin
from invsys.inventory.api import ROUTES
from tests.support.documented_calls import Session, calls
from tests.support.front_door import FrontDoor
from tests.support.paths import MANUAL, PROJECT
from tests.support.serving_apps import close_idle, served_app
from tests.support.waiting import LONG_UPSTREAM_TIMEOUTS, SECONDS

INVENTORY, GATEWAY = "http://127.0.0.1:5000", "http://127.0.0.1:5001"


def page(name: str) -> str:
    return (MANUAL / f"{name}.rst").read_text()


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=SECONDS) as client:
        yield client


def test_the_calls_of_the_api_page_get_the_printed_responses(app: Flask, client: httpx2.Client) -> None:
    with served_app(app) as url:
        session = Session(client, {INVENTORY: url})
        for call in calls(page("api")):
            session.run_call(call)


def test_the_gateway_answers_the_calls_of_the_api_page(
    app: Flask, client: httpx2.Client, front_door: FrontDoor
) -> None:
    printed = page("api").replace('"client_id": null', f'"client_id": "{front_door.name}"')
    with served_app(front_door.connect(app)) as url:
        session = Session(client, {INVENTORY: url}, headers={"Authorization": front_door.authorization})
        for call in calls(printed):
            session.run_call(call)


def test_the_quick_start_books_a_car(app: Flask, client: httpx2.Client, tmp_path: Path) -> None:
    text = page("quickstart")
    [words] = re.findall(r"KEY=\$\(invsys-gateway-manage client add ((?:.*\\\n)*.*)\)", text)
    name, *options = shlex.split(words.replace("\\\n", " "))
    key = client_admin.add(tmp_path / "clients.ini", name, [scope for scope in options if scope != "--scope"])
    with served_app(app) as inventory:
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(tmp_path / "clients.ini"),
            "INVSYS_SERVICES_INVENTORY": inventory,
            **LONG_UPSTREAM_TIMEOUTS,
        }
        gateway = build_gateway(settings.load(environ=environ))
        with served_app(gateway) as url:
            session = Session(client, {GATEWAY: url}, variables={"KEY": key})
            for call in calls(text):
                session.run_call(call)
        close_idle(gateway)


def test_calls_are_printed_only_on_pages_that_are_run() -> None:
    # The tests of generated clients run the page about them.
    run = {"api", "quickstart", "generated"}
    assert {path.stem for path in MANUAL.glob("*.rst") if list(calls(path.read_text()))} == run


def test_the_table_of_calls_has_every_route() -> None:
    # As in the table: cars for the collection, {id} for each id.
    routes = {
        re.sub("<uuid:[^>]+>", "{id}", url.replace("<collection:collection>", "cars"))
        for _, urls in ROUTES
        for url in urls
    }
    table = page("api").partition("All calls")[2].partition("Conventions")[0]
    assert set(re.findall(r"^``(/[^`]+)``  ", table, re.MULTILINE)) == routes


def test_the_modules_in_the_technical_details_exist() -> None:
    paths = re.findall(r"``((?:inventory|gateway|chassis)/[\w/]+\.py)``", page("technical"))
    assert len(paths) > 10
    assert [path for path in paths if not (PROJECT / "src/invsys" / path).exists()] == []
