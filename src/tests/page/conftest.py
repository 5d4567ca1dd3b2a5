"""Fixtures for the tests of the page in Chromium: the application on a real socket, and browsers."""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.front_door import FrontDoor
from tests.support.page_service import PageService
from tests.support.serving_apps import served_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.fleet_page import FleetPage

# `tox -e page` installs Playwright; the other environments leave these tests out.
collect_ignore_glob = [] if importlib.util.find_spec("playwright") else ["test_*.py"]

Open = Callable[..., "FleetPage"]


@pytest.fixture(scope="session")
def chromium() -> "Iterator[Browser]":
    """A running Chromium, of the Debian package of this name."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed, so the page was not tested: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 (only `tox -e page` has it)

    from tests.support.fleet_page import PATIENCE  # noqa: PLC0415 (as above)

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # Chromium's sandbox needs user namespaces, which containers and root do not have.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def key(access_path: str, request: pytest.FixtureRequest) -> str | None:
    """The API key for the page; None without a gateway."""
    if access_path == "direct":
        return None
    front_door: FrontDoor = request.getfixturevalue("front_door")
    return front_door.authorization.removeprefix("Bearer ")


@pytest.fixture
def service(app: Flask) -> PageService:
    """The inventory under test, which can be away and ahead in time."""
    return PageService(app)


@pytest.fixture
def address(app: Flask, service: PageService, access_path: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The base URL of the application, or of the gateway in front of it."""
    front_door: FrontDoor | None = None if access_path == "direct" else request.getfixturevalue("front_door")
    target = front_door.connect(app) if front_door else service.inventory
    with served_app(target, service.clock) as url:
        yield url


@pytest.fixture
def open_page(chromium: "Browser", address: str, key: str | None) -> Iterator[Open]:
    """Return a function that opens the page in a browser of its own.

    Afterwards, no page may have reported an exception or a violation of the Content-Security-Policy, or have sent a
    write without the headers that make it safe to repeat.
    """
    from tests.support.fleet_page import FleetPage  # noqa: PLC0415 (as above)

    with ExitStack() as stack:
        pages: list[FleetPage] = []

        def open_page(
            query: str = "", base: str = address, secret: str | None = key, has_clock: bool = False, **context: Any
        ) -> "FleetPage":
            options = {"viewport": {"width": 1280, "height": 800}, "timezone_id": "Europe/London", **context}
            page = FleetPage(chromium.new_context(**options), base, secret, has_clock)
            stack.callback(page.close)
            pages.append(page)
            page.go(query)
            return page

        yield open_page
        for page in pages:
            assert page.failures == []


@pytest.fixture
def register(client: FlaskClient) -> Callable[..., str]:
    """Return a function that registers a vehicle and returns its URL."""

    def register(name: str, collection: str = "cars", **fields: Any) -> str:
        response = client.post(f"/api/{collection}", json={"name": name, **fields})
        assert response.status_code == 201, response.text
        return response.headers["Location"]

    return register


@pytest.fixture
def allocate(client: FlaskClient) -> Callable[..., dict[str, Any]]:
    """Return a function that allocates a vehicle on 2 March 2099, in UTC, and returns the allocation."""

    def allocate(vehicle: str, start: str, end: str | None, **fields: Any) -> dict[str, Any]:
        until = {"to_infinity": True} if end is None else {"to_datetime": f"2099-03-02T{end}:00Z"}
        body = {"from_datetime": f"2099-03-02T{start}:00Z", **until, **fields}
        response = client.post(f"{vehicle}/allocations", json=body)
        assert response.status_code == 201, response.text
        allocation: dict[str, Any] = response.json
        return allocation

    return allocate
