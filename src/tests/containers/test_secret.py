"""The database's password: made once, whole or not at all, and read by PostgreSQL and by libpq as the same."""

import os
import stat
import subprocess
import sys

import psycopg
import pytest

from tests.containers.composing import PROJECT, WHOLE, services, text

SCRIPT = PROJECT / "docker/secret.py"
ODD = "of: our\\own 'p$ä\"#"


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
    assert {each.name for each in folder.iterdir()} == {"password", "pgpass"}
    password = (folder / "password").read_text()
    assert for_libpq(folder) == password
    return password


def for_libpq(folder):
    """Ask libpq which password it would give to the database; it reads the file before it connects."""
    [url] = {services(WHOLE)[name]["environment"]["INVSYS_DATABASE_URL"] for name in ("inventory", "migrations")}
    connection = psycopg.pq.PGconn.connect_start(f"{url}?hostaddr=127.0.0.1&port=1&passfile={folder}/pgpass".encode())
    return connection.password.decode()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_password_is_made_that_nobody_else_has(tmp_path):
    made = set()
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        made.add(started(tmp_path / name))
    assert len(made) == 2
    assert {len(password) for password in made} == {48}


def test_it_stays(tmp_path):
    password = started(tmp_path)
    files = {each.stat().st_ino for each in tmp_path.iterdir()}
    assert started(tmp_path) == password
    assert {each.stat().st_ino for each in tmp_path.iterdir()} == files


def test_the_group_reads_one_file_and_nobody_else_the_other(tmp_path):
    started(tmp_path)
    assert mode(tmp_path / "password") == 0o640
    assert mode(tmp_path / "pgpass") == 0o600


@pytest.mark.parametrize("given", ["of-our-own", ODD])
def test_one_that_is_given_is_taken_and_stays_when_it_is_given_no_longer(tmp_path, given):
    started(tmp_path)
    assert started(tmp_path, given) == given
    assert started(tmp_path) == given


@pytest.mark.parametrize("left", ["", "password", "pgpass"], ids=["neither", "the first", "the second"])
def test_an_interrupted_start_is_made_good(tmp_path, left):
    password = started(tmp_path)
    for name in {"password", "pgpass"} - {left}:
        (tmp_path / name).unlink()
    (tmp_path / "password.new").write_text("hal")
    (tmp_path / "pgpass.new").write_text("database:*:*:inv")
    assert (started(tmp_path) == password) == (left == "password")


def test_one_that_an_operator_writes_into_the_volume_is_taken(tmp_path):
    started(tmp_path)
    (tmp_path / "password").write_text("written-by-hand\n")
    assert started(tmp_path) == "written-by-hand"


def test_more_than_a_line_is_refused_and_nothing_is_written(tmp_path):
    done = start(tmp_path, "one\ntwo")
    assert done.returncode == 1
    assert "POSTGRES_PASSWORD has more than one line" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "password").mkdir()
    assert start(tmp_path).returncode == 1


def test_it_is_run_in_the_volume():
    made = services(WHOLE)["secret"]
    assert made["entrypoint"] == ["python", "/opt/secret.py"]
    assert "./docker/secret.py:/opt/secret.py:ro" in made["volumes"]
    assert "\nWORKDIR /var/lib/invsys\n" in text("Dockerfile")
    assert os.access(SCRIPT, os.R_OK)
