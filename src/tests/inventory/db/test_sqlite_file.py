"""The file of a SQLite database is private, no command but ``migrate`` creates it, and its faults are told in words."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from invsys.inventory.db.sqlite import file as sqlite_file
from tests.conftest import migrate

Run = Callable[..., tuple[int, str, str]]

# Those that use the database and are no server.
COMMANDS = ["serve", "serve --check", "runserver", "check", "purge", "export", "import trips.csv", "db current"]


@pytest.fixture
def file() -> Iterator[Path]:
    """The file of the settings, which is not there yet; other users can be let into its folder."""
    with tempfile.TemporaryDirectory(prefix="invsys-sqlite-") as folder:
        file = Path(folder, "a folder", "own%.sqlite3")
        file.parent.mkdir()
        yield file
        file.parent.chmod(0o700)


@pytest.fixture
def database_url(file: Path) -> str:
    """SQLite alone, so that no test runs on PostgreSQL too."""
    return f"sqlite:///{file}"


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def no_privileges() -> Iterator[None]:
    """Let a process of root's be that of a user to whom permissions apply."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_migrate_creates_the_file_and_its_folders_for_their_owner_only(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: int
) -> None:
    file = tmp_path / "new" / "inner" / "own.sqlite3"
    monkeypatch.setenv("INVSYS_DATABASE_URL", f"sqlite:///{file}")
    with umask(mask):
        assert run("migrate")[0] == 0
        with sqlite_file.connect(str(file), isolation_level=None) as writer:
            # The connection that has it open keeps the files beside it.
            writer.execute("BEGIN IMMEDIATE")
            beside = sorted(file.parent.iterdir())
            assert [path.name for path in beside] == ["own.sqlite3", "own.sqlite3-shm", "own.sqlite3-wal"]
            assert {mode(path) for path in beside} == {0o600}
        writer.close()
    assert mode(tmp_path / "new") == mode(file.parent) == 0o700


def test_migrate_leaves_the_mode_of_a_file_that_is_there(run: Run, file: Path) -> None:
    file.touch()
    file.chmod(0o640)
    assert run("migrate")[0] == 0
    assert mode(file) == 0o640


@pytest.mark.parametrize("command", [*COMMANDS, "backup copy.sqlite3"])
def test_no_other_command_creates_it(
    run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, printed, told = run(*command.split())
    assert (status, printed) == (2, "")
    assert told.endswith(f"here is no database at {file} yet: run 'invsys-manage migrate'.\n")
    assert told.count("\n") == 1
    assert list(file.parent.iterdir()) == []
    assert not (tmp_path / "copy.sqlite3").exists()


@pytest.mark.parametrize("command", [*COMMANDS, "migrate"])
def test_a_file_that_is_none_is_refused_by_name_in_one_line(run: Run, file: Path, command: str) -> None:
    file.write_text("These are 100 or more bytes of a text, and no page of a database that SQLite could have written.")
    before = file.read_bytes()
    assert run(*command.split()) == (2, "", f"invsys-manage: {file} is not a SQLite database.\n")
    assert file.read_bytes() == before


@pytest.mark.parametrize("command", ["serve", "check", "migrate"])
def test_a_folder_is_refused_by_name_in_one_line(run: Run, file: Path, command: str) -> None:
    file.mkdir()
    assert run(*command.split()) == (2, "", f"invsys-manage: {file} is a folder, not a database.\n")


@pytest.mark.parametrize(
    ("command", "permissions", "of_folder"),
    [
        *((command, 0o000, 0o777) for command in ("serve", "check", "purge", "migrate")),
        *((command, 0o444, 0o555) for command in ("serve", "check", "purge")),
        *((command, 0o444, 0o777) for command in ("serve", "purge")),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_by_name_in_one_line(
    run: Run, file: Path, command: str, permissions: int, of_folder: int
) -> None:
    migrate(f"sqlite:///{file}")
    reachable(file, permissions, of_folder)
    with no_privileges():
        told = f"invsys-manage: {file} cannot be opened for writing: Permission denied.\n"
        assert run(*command.split()) == (2, "", told)


def test_a_file_in_a_folder_that_cannot_be_written_is_refused_by_name(run: Run, file: Path) -> None:
    migrate(f"sqlite:///{file}")
    reachable(file, 0o666)
    with no_privileges():
        status, _, told = run("serve")
    assert status == 2
    assert told.startswith(f"invsys-manage: {file} cannot be used: SQLite has to create files beside it, and ")


def test_a_file_in_a_folder_that_cannot_be_entered_is_refused_by_name(run: Run, file: Path) -> None:
    migrate(f"sqlite:///{file}")
    reachable(file, 0o666)
    file.parent.chmod(0o600)
    with no_privileges():
        assert run("serve") == (2, "", f"invsys-manage: {file} cannot be opened: Permission denied.\n")


def test_asking_for_access_leaves_the_locks_of_sqlite(file: Path) -> None:
    sqlite_file.create(file)
    attempt = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    writer = sqlite_file.connect(str(file), isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    assert sqlite_file.no_access(file) is None
    done = subprocess.run([sys.executable, "-c", attempt, file], capture_output=True, text=True, check=False)
    writer.close()
    assert "database is locked" in done.stderr


def reachable(file: Path, permissions: int, of_folder: int = 0o555) -> None:
    """Let every user enter the folder of a file, and set the permissions of both."""
    file.chmod(permissions)
    file.parent.parent.chmod(0o755)
    file.parent.chmod(of_folder)


def test_a_folder_that_cannot_be_made_is_refused_by_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("INVSYS_DATABASE_URL", f"sqlite:///{tmp_path}/file/own.sqlite3")
    status, printed, told = run("migrate")
    assert (status, printed) == (2, "")
    assert told == f"invsys-manage: cannot create {tmp_path}/file/own.sqlite3: Not a directory\n"


def test_a_backup_names_the_folder_that_is_missing(run: Run, file: Path, tmp_path: Path) -> None:
    migrate(f"sqlite:///{file}")
    target = tmp_path / "none" / "copy"
    told = f"invsys-manage: cannot create {target}: there is no directory {target.parent}\n"
    assert run("backup", target) == (2, "", told)
