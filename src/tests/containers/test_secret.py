"""The script that writes the database passwords, once and completely, in forms that PostgreSQL and libpq can read."""

import os
import stat
import subprocess
import sys

import psycopg
import pytest

from tests.support.compose_files import FULL, PROJECT, services, text

SCRIPT = PROJECT / "docker/secret.py"
ODD = "of: our\\own 'p$ä\"#"


@pytest.fixture
def folder(tmp_path):
    """The volume that the script runs in. The folders next to it are the volumes of the two roles."""
    for name in ("invsys", "invsys-owner", "invsys-service"):
        (tmp_path / name).mkdir()
    return tmp_path / "invsys"


def start(folder, password=""):
    """Run the script in the folder of the volume, as the container does."""
    return subprocess.run(
        [sys.executable, "-P", SCRIPT],
        check=False,
        cwd=folder,
        env={"POSTGRES_PASSWORD": password},
        umask=0o022,
        capture_output=True,
        text=True,
    )


def started(folder, password=""):
    process = start(folder, password)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    assert {path.name for path in folder.iterdir()} == {"password", "pgpass", "owner-password", "service-password"}
    for role, service in (("owner", "migrations"), ("service", "inventory")):
        url = services(FULL)[service]["environment"]["INVSYS_DATABASE_URL"]
        volume = folder.parent / f"invsys-{role}"
        assert [path.name for path in volume.iterdir()] == ["pgpass"]
        assert for_libpq(volume, url) == (folder / f"{role}-password").read_text()
    password = (folder / "password").read_text()
    assert for_libpq(folder, "postgresql://invsys@database/invsys") == password
    return password


def for_libpq(folder, url):
    """Return the password that libpq would send to the database; it reads the password file before it connects."""
    connection = psycopg.pq.PGconn.connect_start(f"{url}?hostaddr=127.0.0.1&port=1&passfile={folder}/pgpass".encode())
    return connection.password.decode()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_each_role_gets_a_different_password(folder):
    started(folder)
    passwords = {(folder / name).read_text() for name in ("password", "owner-password", "service-password")}
    for file in folder.iterdir():
        file.unlink()
    passwords.add(started(folder))
    assert len(passwords) == 4
    assert {len(password) for password in passwords} == {48}


def test_the_password_does_not_change(folder):
    password = started(folder)
    files = {path.stat().st_ino for path in folder.iterdir()}
    assert started(folder) == password
    assert {path.stat().st_ino for path in folder.iterdir()} == files


def test_only_the_password_file_is_readable_for_the_group(folder):
    started(folder)
    assert mode(folder / "password") == 0o640
    others = [folder / "owner-password", folder / "service-password", *folder.parent.rglob("pgpass")]
    assert {mode(path) for path in others} == {0o600}
    assert len(others) == 5


@pytest.mark.parametrize("password", ["of-our-own", ODD])
def test_a_given_password_is_used_and_remains_when_it_is_no_longer_given(folder, password):
    started(folder)
    assert started(folder, password) == password
    assert started(folder) == password


@pytest.mark.parametrize("remaining", ["", "password", "pgpass"], ids=["neither", "the first", "the second"])
def test_an_interrupted_start_is_completed_later(folder, remaining):
    password = started(folder)
    for name in {"password", "pgpass"} - {remaining}:
        (folder / name).unlink()
    (folder / "password.new").write_text("hal")
    (folder / "pgpass.new").write_text("database:*:*:inv")
    assert (started(folder) == password) == (remaining == "password")


def test_a_password_that_an_operator_writes_into_the_volume_is_used(folder):
    started(folder)
    (folder / "password").write_text("written-by-hand\n")
    assert started(folder) == "written-by-hand"


def test_a_password_of_two_lines_is_refused_and_nothing_is_written(folder):
    process = start(folder, "one\ntwo")
    assert process.returncode == 1
    assert "POSTGRES_PASSWORD has more than one line" in process.stderr
    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_written_is_an_error(folder):
    (folder / "password").mkdir()
    assert start(folder).returncode == 1


def test_the_script_runs_in_the_volume():
    service = services(FULL)["secret"]
    assert service["entrypoint"] == ["python", "/opt/secret.py"]
    assert "./docker/secret.py:/opt/secret.py:ro" in service["volumes"]
    assert "\nWORKDIR /var/lib/invsys\n" in text("Dockerfile")
    assert os.access(SCRIPT, os.R_OK)
