"""The client, and behind it the real service, in one process."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest
from flask import Flask

from invsys.client import Allocation, Client, Collection, Resource
from tests.support.faults import Fault, FaultyWay, Time

MONDAY = datetime(2099, 3, 2, 8, tzinfo=UTC)
TUESDAY = MONDAY.replace(day=3)
FRIDAY = MONDAY.replace(day=6)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """The settings of ``app``, which the client asks as http://inventory, or over a socket."""
    return environ | {"INVSYS_SERVER_ALLOWED_HOSTS": "inventory, 127.0.0.1"}


@pytest.fixture
def time() -> Time:
    """The clock that the clients go by."""
    return Time()


@pytest.fixture
def connect(app: Flask, time: Time) -> Iterator[Callable[..., tuple[Client, FaultyWay]]]:
    """Make a client whose first requests meet these faults; gives the way that they take, too."""
    made: list[Client] = []

    def connect(*faults: Fault, base_url: str = "http://inventory", **options: object) -> tuple[Client, FaultyWay]:
        way = FaultyWay(httpx.WSGITransport(app=app), faults)
        client = Client(base_url, transport=way, sleep=time.sleep, clock=time.clock, **options)
        made.append(client)
        return client, way

    yield connect
    for client in made:
        client.close()


@pytest.fixture
def invsys(connect: Callable[..., tuple[Client, FaultyWay]]) -> Client:
    """A client that meets no faults."""
    return connect()[0]


@pytest.fixture
def lorries(invsys: Client) -> Collection:
    """The calls for lorries."""
    return invsys.collection("lorries")


@pytest.fixture
def lorry(lorries: Collection) -> Resource:
    """A registered lorry."""
    return lorries.register("Lorry1")


@pytest.fixture
def spare(lorries: Collection, lorry: Resource) -> Resource:
    """Another one."""
    return lorries.register("Lorry2")


@pytest.fixture
def booking(lorries: Collection, lorry: Resource) -> Allocation:
    """The lorry's allocation from Monday to Friday."""
    return lorries.allocate(lorry.id, MONDAY, FRIDAY)
