"""The role of the service: it can read and write rows, but cannot change or drop what prevents overlaps."""

import psycopg
import pytest

from tests.conftest import migrate
from tests.support.databases import new_database
from tests.support.roles import SCRIPT, Roles
from tests.support.tables import table_driven

ALLOCATIONS = "continuous_resource_allocations"
GUARD = f"ALTER TABLE {ALLOCATIONS} DROP CONSTRAINT ex_{ALLOCATIONS}_no_overlap"
REFUSED = [
    GUARD,
    f"ALTER TABLE {ALLOCATIONS} DISABLE TRIGGER ALL",
    f"ALTER TABLE {ALLOCATIONS} ADD COLUMN more integer",
    f"ALTER TABLE {ALLOCATIONS} OWNER TO CURRENT_USER",
    f"TRUNCATE {ALLOCATIONS}",
    f"DROP TABLE {ALLOCATIONS}",
    f"DROP INDEX ix_{ALLOCATIONS}_starts",
    f"CREATE INDEX ON {ALLOCATIONS} (key)",
    f"CREATE TRIGGER more BEFORE INSERT ON {ALLOCATIONS} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE TABLE more (key integer)",
    "CREATE TABLE more (key bigint REFERENCES continuous_resources)",
    "CREATE TEMPORARY TABLE more (key integer)",
    "CREATE SCHEMA more",
    "CREATE FUNCTION more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "DROP TABLE archived_allocations_before_2020",
    "ALTER TABLE archived_allocations DETACH PARTITION archived_allocations_before_2020",
    f"DROP TRIGGER tr_{ALLOCATIONS}_after_archived_insert ON {ALLOCATIONS}",
    "CREATE OR REPLACE FUNCTION next_event_key() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "DROP EXTENSION btree_gist CASCADE",
    "SELECT setval('events_key_seq', 1)",
    "ALTER SEQUENCE events_key_seq RESTART",
    "SET session_replication_role = replica",
    "SET SESSION AUTHORIZATION postgres",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT ALL ON TABLES TO PUBLIC",
    "SET ROLE {owner}",
]


@pytest.fixture
def name(pg_server):
    """The name of an empty database, which only this test uses."""
    with new_database(pg_server) as name:
        yield name


@pytest.fixture
def roles(pg_server, name):
    """The roles of the database ``name``, which is migrated."""
    roles = Roles(pg_server, name)
    roles.create()
    migrate(roles.owner_url)
    return roles


def use_service(client):
    """Send at least one request of every kind and check the responses."""
    before = len(client.get("/api/events").json["events"])
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"]
    period = {"from_datetime": "2099-03-01T10:00:00Z", "to_datetime": "2099-03-02T10:00:00Z"}
    keyed = {"Idempotency-Key": "1"}
    hold = client.post("/api/cars/any/allocations", json={**period, "hold_seconds": 60}, headers=keyed)
    assert hold.status_code == 201, hold.text
    assert (
        client.post("/api/cars/any/allocations", json={**period, "hold_seconds": 60}, headers=keyed).json == hold.json
    )
    assert client.post(f"{path}/allocations", json=period).status_code == 409
    allocation = hold.headers["Location"]
    assert client.patch(allocation, json={"status": "confirmed", "description": "mine"}).status_code == 200
    assert client.patch(path, json={"name": "Car2"}).status_code == 200
    assert client.get("/api/cars?available_from=2099-03-01T10:00:00Z&available_to=2099-03-01T11:00:00Z").json == []
    assert client.delete(allocation).status_code == 204
    assert client.delete(path).status_code == 204
    assert len(client.get("/api/events").json["events"]) > before + 4
    assert client.get("/readyz").status_code == 200


def test_the_services_role_suffices_for_every_request(roles, open_client):
    use_service(open_client(roles.service_url))


def test_the_services_role_suffices_for_every_command(roles, run_on, tmp_path):
    run = run_on(roles.service_url)
    (tmp_path / "fleet.csv").write_text(
        "resource_type,name,from_datetime,to_datetime\nCar,Car1,2099-03-01T10:00:00Z,2099-03-02T10:00:00Z\n"
        "Car,Car1,2021-03-01T10:00:00Z,2021-03-02T10:00:00Z\n"
    )
    for words in (
        ["import", tmp_path / "fleet.csv", "--report", tmp_path / "refused.csv"],
        ["archive", "--keep", "100"],
        ["check"],
        ["purge"],
        ["export"],
        ["migrate"],
        ["migrate", "--on-install"],
        ["db", "upgrade"],
        ["serve", "--check"],
    ):
        status, printed, error = run(*words)
        assert status in (0, None), error
        assert "NOT OK" not in printed
        if words[0] == "archive":
            assert printed == "archived allocations: 1\n"


def test_the_check_finds_the_guards_even_if_the_services_role_has_a_schema(roles, name, pg_server, run_on):
    # This schema is the first in the search path ("$user") and has no tables.
    pg_server.execute(f"CREATE SCHEMA {roles.service} AUTHORIZATION {roles.service}", name)
    status, printed, _ = run_on(roles.service_url)("check")
    assert status in (0, None), printed


@table_driven("statement", REFUSED)
def test_the_services_role_cannot_change_what_prevents_overlaps(roles, statement):
    with psycopg.connect(roles.service_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.format(owner=roles.owner))


def test_the_services_role_can_use_tables_of_later_migrations(roles):
    with psycopg.connect(roles.owner_url) as connection:
        connection.execute("CREATE TABLE later (key bigserial PRIMARY KEY, name text)")
    with psycopg.connect(roles.service_url, autocommit=True) as connection:
        connection.execute("INSERT INTO later (name) VALUES ('a')")
        assert connection.execute("UPDATE later SET name = 'b' RETURNING name").fetchall() == [("b",)]
        connection.execute("DELETE FROM later")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("TRUNCATE later")


def as_owner_of_everything(pg_server, name, roles):
    """Set up a database as an older version of the manual did, with one role that owns it."""
    pg_server.execute(f"CREATE ROLE {roles.service} LOGIN")
    pg_server.execute(f"ALTER DATABASE {name} OWNER TO {roles.service}")
    migrate(roles.service_url, "0003")


def as_superuser(pg_server, name, roles):
    """Set up a database as an older compose file did, in which the superuser owns everything."""
    migrate(pg_server.url(name), "0003")


@pytest.mark.parametrize("install", [as_owner_of_everything, as_superuser])
def test_an_older_installation_works_after_getting_the_roles(pg_server, name, open_client, install):
    roles = Roles(pg_server, name)
    install(pg_server, name, roles)
    old = "INSERT INTO continuous_resources (id, resource_type, name) VALUES (gen_random_uuid(), 'Car', 'Old')"
    pg_server.execute(old, name)
    for _ in range(2):
        roles.create()
    migrate(roles.owner_url)
    client = open_client(roles.service_url)
    [old] = client.get("/api/cars").json
    assert client.delete(f"/api/cars/{old['id']}").status_code == 204
    use_service(client)
    for statement in (GUARD, "DROP EXTENSION btree_gist CASCADE", "CREATE TEMPORARY TABLE more (key integer)"):
        with psycopg.connect(roles.service_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_migration_with_the_services_role_names_the_role_to_use(pg_server, name, run_on):
    roles = Roles(pg_server, name)
    roles.create()
    status, printed, error = run_on(roles.service_url)("migrate")
    assert (status, printed) == (2, "")
    assert "permission denied" in error
    assert "set INVSYS_DATABASE_URL to a URL with the role that owns them" in error


def test_the_manual_and_puppet_have_the_same_script():
    project = SCRIPT.parents[1]
    assert "literalinclude:: ../../debian/roles.sql" in (project / "docs/source/postgresql.rst").read_text()
    assert (project / "puppet/files/roles.sql").read_text() == SCRIPT.read_text()
