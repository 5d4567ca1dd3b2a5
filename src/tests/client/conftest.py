"""Fixtures of the client tests: clients that call the real service in the same process."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx2
import pytest
from flask import Flask

from invsys_client import Allocation, AsyncClient, Client, Collection, Resource
from tests.support.blocking_client import AsyncTransport, Blocking
from tests.support.faults import FakeTime, Fault, FaultyTransport

MONDAY = datetime(2099, 3, 2, 8, tzinfo=UTC)
TUESDAY = MONDAY.replace(day=3)
FRIDAY = MONDAY.replace(day=6)


# The modules whose tests also run with the asynchronous client.
BOTH = {
    *("test_availability_and_events", "test_deadline", "test_lists", "test_lost_responses", "test_replacement"),
    *("test_freshness", "test_retries", "test_several_changes", "test_unexpected_responses"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of some modules with both clients; the calls of both have one description."""
    if "is_async" in metafunc.fixturenames:
        both = metafunc.module.__name__.rpartition(".")[2] in BOTH
        metafunc.parametrize("is_async", [False, True] if both else [False], ids=["sync", "async"][: 1 + both])


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """The settings of ``app``; it accepts the two host names that the client tests use."""
    return environ | {"INVSYS_SERVER_ALLOWED_HOSTS": "inventory, 127.0.0.1"}


@pytest.fixture
def time() -> FakeTime:
    """The clock that the clients use."""
    return FakeTime()


@pytest.fixture
def connect(app: Flask, time: FakeTime, is_async: bool) -> Iterator[Callable[..., tuple[Client, FaultyTransport]]]:
    """Return a function that creates a client with the given faults for its first requests.

    The function returns the client and its transport.
    """
    with ExitStack() as stack:

        def connect(
            *faults: Fault, base_url: str = "http://inventory", **options: object
        ) -> tuple[Client, FaultyTransport]:
            transport = FaultyTransport(httpx2.WSGITransport(app=app), faults)
            options |= {"clock": time.clock}
            if is_async:
                runner = stack.enter_context(asyncio.Runner())
                options |= {"transport": AsyncTransport(transport), "sleep": time.sleep_async}
                client = Blocking(AsyncClient(base_url, **options), runner)
            else:
                client = Client(base_url, transport=transport, sleep=time.sleep, **options)
            stack.callback(client.close)
            return client, transport

        yield connect


@pytest.fixture
def invsys(connect: Callable[..., tuple[Client, FaultyTransport]]) -> Client:
    """A client without faults."""
    return connect()[0]


@pytest.fixture
def lorries(invsys: Client) -> Collection:
    """The client's collection of lorries."""
    return invsys.collection("lorries")


@pytest.fixture
def lorry(lorries: Collection) -> Resource:
    """A registered lorry."""
    return lorries.register("Lorry1")


@pytest.fixture
def spare(lorries: Collection, lorry: Resource) -> Resource:
    """Another registered lorry."""
    return lorries.register("Lorry2")


@pytest.fixture
def booking(lorries: Collection, lorry: Resource) -> Allocation:
    """The lorry's allocation from Monday to Friday."""
    return lorries.allocate(lorry.id, MONDAY, FRIDAY)
