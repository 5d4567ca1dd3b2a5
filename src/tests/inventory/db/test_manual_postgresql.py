"""The manual's page about PostgreSQL: its URLs and access rules work, and its numbers of connections are correct."""

import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from invsys.inventory.db.models import db
from tests.conftest import SQLITE_ONLY, PostgreSQL, load_settings, migrate, postgresql_binaries
from tests.support.paths import PROJECT
from tests.support.ports import free_port

PAGE = (PROJECT / "docs/source/postgresql.rst").read_text()
PASSWORDS = {"owner": "owner's \\ 1", "service": "service-1"}
TEXTS = [
    path
    for pattern in ("README.rst", "docs/source/*.rst", "template/*/README.rst", "src/tests/**/*.py", "benchmarks/*.py")
    for path in PROJECT.glob(pattern)
]


class TlsServer(PostgreSQL):
    """A PostgreSQL server on localhost, with a self-signed certificate and the access rules from the manual."""

    def __init__(self) -> None:
        self.port = free_port()
        super().__init__()
        self.certificate, key = self._data / "server.pem", self._data / "server.key"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        new = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            *subject,
        ]
        subprocess.run([*new, "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        self._set_permissions(key, 0o600)
        self._set_permissions(self.certificate, 0o644)
        [line] = re.findall("^    (hostssl .*)$", PAGE, re.MULTILINE)
        hba = self._data / "pg_hba.conf"
        hba.write_text(f"local all all trust\n{line.replace('10.0.0.0/24', '127.0.0.1/32')}\n")
        tls = ["ssl=on", f"ssl_cert_file={self.certificate}", f"ssl_key_file={key}"]
        self.start("listen_addresses=127.0.0.1", f"port={self.port}", *tls)

    def _set_permissions(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if self._data.owner() == "postgres":
            subprocess.run(["chown", "postgres", path], check=True)

    def url(self, database: str = "postgres") -> str:
        return f"{super().url(database)}&port={self.port}"


@pytest.fixture(scope="module")
def tls_server(request, tmp_path_factory):
    if request.config.getoption(SQLITE_ONLY):
        pytest.skip("needs PostgreSQL")
    server = TlsServer()
    server.execute("CREATE DATABASE invsys ENCODING 'UTF8' TEMPLATE template0")
    # Puppet generates the same script.
    script = tmp_path_factory.mktemp("roles") / "make_roles.sql"
    lines = [f"\\set {role}_password '{escaped(password)}'" for role, password in PASSWORDS.items()]
    script.write_text("\n".join([*lines, f"\\i {PROJECT}/debian/roles.sql\n"]))
    subprocess.run([postgresql_binaries() / "psql", "-Xq", "-f", script, server.url("invsys")], check=True)
    yield server
    server.remove()


def escaped(password):
    return re.sub(r"[\\']", r"\\\g<0>", password)


def printed_url(server, user, change=("", "")):
    """Return the manual's URL for this role, with the address, password and certificate of the server filled in."""
    [url] = set(re.findall(rf"postgresql://{user}:PASSWORD@db\.example\S+(?<!')", PAGE))
    password = PASSWORDS["owner" if user.endswith("owner") else "service"]
    url = url.replace("PASSWORD", password.replace("\\", "%5C").replace(" ", "%20"))
    url = url.replace("db.example", f"localhost:{server.port}")
    return url.replace("/etc/invsys/database-ca.pem", str(server.certificate)).replace(*change)


def test_the_urls_and_access_rules_in_the_manual_work_together(tls_server):
    migrate(printed_url(tls_server, "invsys_owner"))
    with psycopg.connect(printed_url(tls_server, "invsys")) as connection:
        assert connection.execute("SELECT count(*) FROM continuous_resources").fetchall() == [(0,)]
        assert connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchall() == [(True,)]


@pytest.mark.parametrize("change", [("verify-full", "disable"), ("localhost", "127.0.0.1"), ("service-1", "wrong")])
def test_connections_without_tls_or_with_a_wrong_name_or_password_fail(tls_server, change):
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(printed_url(tls_server, "invsys", change))


def test_passwords_are_hashed_with_scram(tls_server):
    with psycopg.connect(tls_server.url()) as connection:
        hashes = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'invsys%'").fetchall()
    assert len(hashes) == 2
    assert all(hashed.startswith("SCRAM-SHA-256$") for (hashed,) in hashes)


def test_the_numbers_of_connections_in_the_manual_match_the_pools(app):
    server = load_settings("sqlite:////nowhere")["server"]
    with app.app_context():
        pools = [engine.pool for engine in db.engines.values()]
    assert sum(pool.size() for pool in pools) == server["threads"] * 2
    largest = sum(pool.size() + pool._max_overflow for pool in pools)
    assert largest == (server["threads"] + 2) * 2
    for page in ("postgresql", "scaling"):
        text = (PROJECT / f"docs/source/{page}.rst").read_text()
        for number in (server["workers"] * server["threads"] * 2, (server["workers"] + 1) * largest):
            assert re.search(rf"\b{number}\b", text), (page, number)


def test_every_database_is_created_with_an_explicit_encoding():
    # Python files execute these statements; pages of the manual print them.
    creation = re.compile(r"execute\(f?.CREATE DATABASE|(psql -c .|^ +)CREATE DATABASE|createdb --")
    lines = [(path, line) for path in TEXTS for line in path.read_text().splitlines() if creation.search(line)]
    assert len(lines) > 8
    assert [line for line in lines if not re.search("encoding|options|creation =", line[1], re.IGNORECASE)] == []
