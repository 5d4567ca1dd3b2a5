"""A standby does not know which transactions of the primary are still open: it has no change feed."""

import pytest

from invsys.inventory.commands import resources as resource_commands
from invsys.inventory.errors import DatabaseUnavailable
from tests.support import refusals
from tests.support.cluster import pair


@pytest.fixture(scope="module")
def members(request):
    """A primary with a migrated database, and a standby that follows it."""
    if request.config.getoption("--sqlite-only"):
        pytest.skip("PostgreSQL only")
    with pair() as members:
        yield members


@pytest.fixture
def caller(members, open_client):
    """A caller of a service that is connected to one of the servers, whichever it is."""
    return lambda member: open_client(member.url() + "?target_session_attrs=any")


def test_the_feed_is_read_from_the_primary_alone(members, caller):
    primary, standby = map(caller, members)
    assert primary.post("/api/cars", json={"name": "Car1"}).status_code == 201
    cursor = primary.get("/api/events").json["next"]
    for after in (None, "now", cursor):
        response = standby.get("/api/events", query_string={"after": after})
        body = refusals.refused(response, 503, "database_unavailable")
        assert "standby" in body["detail"]
    # The lists can be read there.
    assert standby.get("/api/cars").status_code == 200


def test_a_change_on_a_standby_is_refused_and_operators_learn_why(members, caller):
    client = caller(members[1])
    refusals.refused(client.post("/api/cars", json={"name": "Car2"}), 503, "database_unavailable")
    with client.application.app_context(), pytest.raises(DatabaseUnavailable) as refused:
        resource_commands.register("Car", "Car2", {})
    assert refused.value.reason == "The database is read-only: it is a standby, or default_transaction_read_only is on."
