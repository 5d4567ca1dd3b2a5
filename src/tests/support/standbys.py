"""A primary with asynchronous standbys, and services that read from them."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from invsys.inventory.application import build_app
from tests.conftest import load_settings, migrate
from tests.support.applications import close
from tests.support.cluster import Member
from tests.support.waiting import until

AVAILABILITY = "/api/cars/all/availability?from=2099-03-01T00:00:00Z&to=2099-03-02T00:00:00Z"
NO_CACHE = {"Cache-Control": "no-cache"}


@contextmanager
def primary() -> Iterator[Member]:
    """Yield a primary with a migrated database."""
    member = Member("db1")
    member.start()
    migrate(member.url())
    yield member
    member.remove()


@contextmanager
def standby_of(leader: Member, name: str = "db2") -> Iterator[Member]:
    """Yield an asynchronous standby, which has replayed everything that ``leader`` has written until now."""
    member = Member(name, leader=leader)
    # The replay cancels conflicting reads at once.
    member.start("max_standby_streaming_delay=0")
    yield member
    member.remove()


def build(primary: Member, *standbys: Member, max_staleness: int = 60) -> Flask:
    """Build a service that writes to ``primary`` and may read from the standbys."""
    hosts = ",".join(member.address for member in standbys)
    read_url = f"postgresql://postgres@{hosts}/postgres"
    more = {"INVSYS_DATABASE_READ_URL": read_url, "INVSYS_DATABASE_MAX_STALENESS": str(max_staleness)}
    return build_app(load_settings(primary.url(), **more))


@contextmanager
def service(primary: Member, *standbys: Member, max_staleness: int = 60) -> Iterator[FlaskClient]:
    """Yield a test client of a service that writes to ``primary`` and reads from the standbys."""
    app = build(primary, *standbys, max_staleness=max_staleness)
    yield app.test_client()
    close(app)


def is_from_standby(response: TestResponse) -> bool:
    """Return whether a standby has answered."""
    assert response.status_code == 200, response.text
    return "Age" in response.headers


def wait_for_standby(client: FlaskClient, url: str = AVAILABILITY) -> TestResponse:
    """Repeat a request until a standby answers; return the response."""
    responses = []

    def answers() -> bool:
        responses.append(client.get(url))
        return is_from_standby(responses[-1])

    until(answers)
    return responses[-1]


def wait_for_primary(client: FlaskClient, url: str = AVAILABILITY) -> None:
    """Repeat a request until the primary answers."""
    until(lambda: not is_from_standby(client.get(url)))
