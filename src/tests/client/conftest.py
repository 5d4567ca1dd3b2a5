"""Fixtures of the client tests: clients that call the real service in the same process."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx2
import pytest
from flask import Flask

from invsys_client import Allocation, Client, Collection, Resource
from tests.support.faults import FakeTime, Fault, FaultyTransport

MONDAY = datetime(2099, 3, 2, 8, tzinfo=UTC)
TUESDAY = MONDAY.replace(day=3)
FRIDAY = MONDAY.replace(day=6)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """The settings of ``app``; it accepts the two host names that the client tests use."""
    return environ | {"INVSYS_SERVER_ALLOWED_HOSTS": "inventory, 127.0.0.1"}


@pytest.fixture
def time() -> FakeTime:
    """The clock that the clients use."""
    return FakeTime()


@pytest.fixture
def connect(app: Flask, time: FakeTime) -> Iterator[Callable[..., tuple[Client, FaultyTransport]]]:
    """Return a function that creates a client with the given faults for its first requests.

    The function returns the client and its transport.
    """
    clients: list[Client] = []

    def connect(
        *faults: Fault, base_url: str = "http://inventory", **options: object
    ) -> tuple[Client, FaultyTransport]:
        transport = FaultyTransport(httpx2.WSGITransport(app=app), faults)
        client = Client(base_url, transport=transport, sleep=time.sleep, clock=time.clock, **options)
        clients.append(client)
        return client, transport

    yield connect
    for client in clients:
        client.close()


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
