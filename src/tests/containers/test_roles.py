"""The database roles of the compose file: the scripts create them on a real server, and libpq reads their passwords."""

import subprocess
import sys

import psycopg
import pytest

from tests.conftest import SQLITE_ONLY, PostgreSQL, migrate, postgresql_binaries
from tests.support.compose_files import FULL, PROJECT, services
from tests.support.ports import free_port

GUARD = "ALTER TABLE continuous_resource_allocations DROP CONSTRAINT ex_continuous_resource_allocations_no_overlap"
# PostgreSQL's image writes this for --auth-host and POSTGRES_HOST_AUTH_METHOD.
HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


class Server(PostgreSQL):
    """A PostgreSQL server that also accepts TCP connections, for which it requires passwords."""

    def __init__(self):
        self.port = free_port()
        super().__init__()
        (self._data / "pg_hba.conf").write_text(HBA)
        self.start("listen_addresses=127.0.0.1", f"port={self.port}")

    def url(self, database="postgres"):
        return f"{super().url(database)}&port={self.port}"


@pytest.fixture
def server(request):
    """A server with the same superuser and database as in the compose file."""
    if request.config.getoption(SQLITE_ONLY):
        pytest.skip("needs PostgreSQL")
    server = Server()
    server.execute("CREATE ROLE invsys SUPERUSER LOGIN")
    server.execute("CREATE DATABASE invsys OWNER invsys ENCODING 'UTF8' TEMPLATE template0")
    yield server
    server.remove()


@pytest.fixture
def volumes(tmp_path):
    """The parent folder of the volumes, with the generated passwords."""
    for name in ("invsys", "invsys-owner", "invsys-service"):
        (tmp_path / name).mkdir()
    subprocess.run([sys.executable, PROJECT / "docker/secret.py"], check=True, cwd=tmp_path / "invsys", env={})
    return tmp_path


@pytest.fixture
def make_roles(server, volumes):
    """Return a function that runs the scripts as the service ``roles`` does."""
    for path in (PROJECT / "docker/compose.sql", PROJECT / "debian/roles.sql"):
        (volumes / path.name).write_text(path.read_text().replace("/var/lib/", f"{volumes}/"))

    def make_roles():
        url = server.url("invsys").replace("postgres@", "invsys@")
        command = [postgresql_binaries() / "psql", "--no-psqlrc", "--quiet", f"--file={volumes / 'compose.sql'}", url]
        process = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (process.returncode, process.stdout, process.stderr) == (0, "", "")

    return make_roles


def url_of(service, server, volumes):
    """Return the database URL of a service in the compose file, adapted to ``server`` and ``volumes``."""
    environment = services(FULL)[service]["environment"]
    passfile = environment["PGPASSFILE"].replace("/var/lib", str(volumes))
    return f"{environment['INVSYS_DATABASE_URL']}?hostaddr=127.0.0.1&port={server.port}&passfile={passfile}"


@pytest.mark.parametrize("older", [False, True], ids=["a new volume", "a volume owned by the superuser"])
def test_the_owner_migrates_and_the_service_cannot_change_tables(server, volumes, make_roles, older):
    if older:
        migrate(server.url("invsys").replace("postgres@", "invsys@"), "0003")
    for _ in range(2):  # as at every start
        make_roles()
    migrate(url_of("migrations", server, volumes))
    with psycopg.connect(url_of("inventory", server, volumes)) as connection:
        connection.execute(
            "INSERT INTO continuous_resources (id, resource_type, name) VALUES (gen_random_uuid(), 'Car', 'Car1')"
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(GUARD)


def test_a_new_password_is_valid_after_the_next_start(server, volumes, make_roles):
    make_roles()
    (volumes / "invsys/service-password").write_text("chosen: by 'hand'\n")
    subprocess.run([sys.executable, PROJECT / "docker/secret.py"], check=True, cwd=volumes / "invsys", env={})
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url_of("inventory", server, volumes))
    make_roles()
    psycopg.connect(url_of("inventory", server, volumes)).close()
