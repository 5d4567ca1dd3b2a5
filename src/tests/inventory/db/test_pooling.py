"""Connection poolers in front of PostgreSQL: session mode is supported, other modes are refused."""

import psycopg
import pytest

from tests.support.pgbouncer import PgBouncer
from tests.support.serving import run_server


@pytest.fixture
def pooler(pg_server):
    """Return a function that starts PgBouncer with a pool mode."""
    poolers = []

    def pooler(mode):
        poolers.append(PgBouncer(pg_server, mode))
        return poolers[-1]

    yield pooler
    for pooler in poolers:
        pooler.remove()


COMMANDS = [["serve"], ["serve", "--check"], ["migrate"], ["db", "upgrade"], ["check"], ["purge"]]
REUSES = pytest.mark.parametrize("mode", ["transaction", "statement"])


@REUSES
@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_refuses_a_pooler_that_shares_servers(pooler, name, mode, words, run_on):
    status, printed, error = run_on(pooler(mode).url(name))(*words)
    assert (status, printed) == (2, "")
    [line] = error.strip().splitlines()
    assert line.startswith("invsys-manage: A pooler between the service and PostgreSQL")
    assert "pool_mode = session" in line


@REUSES
def test_readyz_and_requests_refuse_a_pooler_that_shares_servers(pooler, name, mode, open_client):
    client = open_client(pooler(mode).url(name))
    for path in ("/readyz", "/api/cars"):
        response = client.get(path)
        assert (response.status_code, response.json["code"]) == (503, "database_unavailable")
        assert "pool_mode = session" in response.json["detail"]


def test_readyz_notices_that_a_pooler_begins_to_share_servers(pooler, name, open_client):
    bouncer = pooler("session")
    client = open_client(bouncer.url(name))
    assert client.get("/readyz").status_code == 200
    bouncer.switch("transaction")
    assert client.get("/readyz").status_code == 200  # the pooler still uses the same server process
    with psycopg.connect(bouncer.url(name)) as other:
        # PgBouncer assigns the most recently used server process, and this transaction keeps it.
        other.execute("SELECT 1")
        responses = [client.get(path) for path in ("/readyz", "/api/cars", "/readyz")]
    for response in responses:
        assert response.status_code == 503
        assert "pool_mode = session" in response.json["detail"]


@pytest.mark.only_thorough
def test_all_requests_and_commands_work_through_a_pooler_in_session_mode(pooler, name, run_on, tmp_path, open_client):
    url = pooler("session").url(name)
    client = open_client(url)
    path = client.post("/api/cars", json={"name": "€1"}).headers["Location"]
    period = {"from_datetime": "2099-03-01T10:00:00Z", "to_infinity": True}
    allocation = client.post(f"{path}/allocations", json=period).headers["Location"]
    assert client.post("/api/cars/any/allocations", json=period).status_code == 409
    assert client.patch(allocation, json={"description": "€"}).status_code == 200
    assert client.delete(allocation).status_code == 204
    assert len(client.get("/api/events").json["events"]) == 4
    assert client.get("/readyz").status_code == 200
    for words in (["migrate"], ["check"], ["purge"], ["export"]):
        assert run_on(url)(*words)[0] in (0, None)
    with run_server(url, tmp_path):
        pass
