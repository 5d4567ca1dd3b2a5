"""Standbys: they cannot serve the change feed, because they do not know which transactions are open on the primary."""

import pytest

from invsys.inventory.commands import resources as resource_commands
from invsys.inventory.errors import DatabaseUnavailable
from tests.support import refusals
from tests.support.cluster import pair


@pytest.fixture(scope="module")
def members(request):
    """A primary with a migrated database, and its standby."""
    if request.config.getoption("--sqlite-only"):
        pytest.skip("PostgreSQL only")
    with pair() as members:
        yield members


@pytest.fixture
def client_of(members, open_client):
    """Return a function that opens a test client of a service that uses one of the two servers."""
    return lambda member: open_client(member.url() + "?target_session_attrs=any")


def test_the_feed_is_read_from_the_primary_only(members, client_of):
    primary, standby = map(client_of, members)
    assert primary.post("/api/cars", json={"name": "Car1"}).status_code == 201
    cursor = primary.get("/api/events").json["next"]
    for after in (None, "now", cursor):
        response = standby.get("/api/events", query_string={"after": after})
        body = refusals.refused(response, 503, "database_unavailable")
        assert "standby" in body["detail"]
    # Lists can be read from a standby.
    assert standby.get("/api/cars").status_code == 200


def test_a_change_on_a_standby_is_refused_and_the_reason_is_logged(members, client_of):
    client = client_of(members[1])
    refusals.refused(client.post("/api/cars", json={"name": "Car2"}), 503, "database_unavailable")
    with client.application.app_context(), pytest.raises(DatabaseUnavailable) as exc_info:
        resource_commands.register("Car", "Car2", {})
    assert (
        exc_info.value.reason == "The database is read-only: it is a standby, or default_transaction_read_only is on."
    )
