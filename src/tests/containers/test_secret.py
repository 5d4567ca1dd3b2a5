"""The database's password: made once, whole or not at all, and read by PostgreSQL and by libpq as the same."""

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
    """The volumes, as the container has them; gives the one that the script runs in."""
    for name in ("invsys", "invsys-owner", "invsys-service"):
        (tmp_path / name).mkdir()
    return tmp_path / "invsys"


def start(folder, given=""):
    """Run the script as the container does, whose folder is the volume's."""
    return subprocess.run(
        [sys.executable, "-P", SCRIPT],
        check=False,
        cwd=folder,
        env={"POSTGRES_PASSWORD": given},
        umask=0o022,
        capture_output=True,
        text=True,
    )


def started(folder, given=""):
    done = start(folder, given)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {each.name for each in folder.iterdir()} == {"password", "pgpass", "owner-password", "service-password"}
    for role, service in (("owner", "migrations"), ("service", "inventory")):
        url = services(FULL)[service]["environment"]["INVSYS_DATABASE_URL"]
        volume = folder.parent / f"invsys-{role}"
        assert [each.name for each in volume.iterdir()] == ["pgpass"]
        assert for_libpq(volume, url) == (folder / f"{role}-password").read_text()
    password = (folder / "password").read_text()
    assert for_libpq(folder, "postgresql://invsys@database/invsys") == password
    return password


def for_libpq(folder, url):
    """Ask libpq which password it would give to the database; it reads the file before it connects."""
    connection = psycopg.pq.PGconn.connect_start(f"{url}?hostaddr=127.0.0.1&port=1&passfile={folder}/pgpass".encode())
    return connection.password.decode()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_password_is_made_for_each_role_that_nobody_else_has(folder):
    started(folder)
    made = {(folder / name).read_text() for name in ("password", "owner-password", "service-password")}
    for file in folder.iterdir():
        file.unlink()
    made.add(started(folder))
    assert len(made) == 4
    assert {len(password) for password in made} == {48}


def test_it_stays(folder):
    password = started(folder)
    files = {each.stat().st_ino for each in folder.iterdir()}
    assert started(folder) == password
    assert {each.stat().st_ino for each in folder.iterdir()} == files


def test_the_group_reads_one_file_and_nobody_else_the_others(folder):
    started(folder)
    assert mode(folder / "password") == 0o640
    others = [folder / "owner-password", folder / "service-password", *folder.parent.rglob("pgpass")]
    assert {mode(path) for path in others} == {0o600}
    assert len(others) == 5


@pytest.mark.parametrize("given", ["of-our-own", ODD])
def test_one_that_is_given_is_taken_and_stays_when_it_is_given_no_longer(folder, given):
    started(folder)
    assert started(folder, given) == given
    assert started(folder) == given


@pytest.mark.parametrize("left", ["", "password", "pgpass"], ids=["neither", "the first", "the second"])
def test_an_interrupted_start_is_made_good(folder, left):
    password = started(folder)
    for name in {"password", "pgpass"} - {left}:
        (folder / name).unlink()
    (folder / "password.new").write_text("hal")
    (folder / "pgpass.new").write_text("database:*:*:inv")
    assert (started(folder) == password) == (left == "password")


def test_one_that_an_operator_writes_into_the_volume_is_taken(folder):
    started(folder)
    (folder / "password").write_text("written-by-hand\n")
    assert started(folder) == "written-by-hand"


def test_more_than_a_line_is_refused_and_nothing_is_written(folder):
    done = start(folder, "one\ntwo")
    assert done.returncode == 1
    assert "POSTGRES_PASSWORD has more than one line" in done.stderr
    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_written_is_an_error(folder):
    (folder / "password").mkdir()
    assert start(folder).returncode == 1


def test_it_is_run_in_the_volume():
    made = services(FULL)["secret"]
    assert made["entrypoint"] == ["python", "/opt/secret.py"]
    assert "./docker/secret.py:/opt/secret.py:ro" in made["volumes"]
    assert "\nWORKDIR /var/lib/invsys\n" in text("Dockerfile")
    assert os.access(SCRIPT, os.R_OK)
