"""A primary with asynchronous standbys, and services that read from them."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from invsys.inventory.application import build_app
from tests.conftest import load_settings, migrate
from tests.support.applications import close
from tests.support.cluster import Member
from tests.support.waiting import SECONDS, until

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


def url_of(*members: Member) -> str:
    """Return the URL that lists these servers."""
    return f"postgresql://postgres@{','.join(member.address for member in members)}/postgres"


def build(primary: Member, *standbys: Member, max_staleness: int = 60) -> Flask:
    """Build a service that writes to ``primary`` and may read from the standbys."""
    return _build([primary], standbys, max_staleness)


def _build(
    primaries: Sequence[Member], standbys: Sequence[Member], max_staleness: int, statement_timeout: int = SECONDS
) -> Flask:
    more = {
        "INVSYS_DATABASE_READ_URL": url_of(*standbys),
        "INVSYS_DATABASE_MAX_STALENESS": str(max_staleness),
        "INVSYS_DATABASE_STATEMENT_TIMEOUT": str(statement_timeout),
    }
    return build_app(load_settings(url_of(*primaries), **more))


def service(primary: Member, *standbys: Member, **seconds: int) -> AbstractContextManager[FlaskClient]:
    """Return a test client of a service that writes to ``primary`` and reads from the standbys.

    ``seconds`` are ``max_staleness`` and ``statement_timeout``.
    """
    return service_of([primary], *standbys, **seconds)


@contextmanager
def service_of(
    primaries: Sequence[Member], *standbys: Member, max_staleness: int = 60, statement_timeout: int = SECONDS
) -> Iterator[FlaskClient]:
    """Yield a test client of a service that writes to the one of ``primaries`` that is the primary."""
    app = _build(primaries, standbys, max_staleness, statement_timeout)
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
