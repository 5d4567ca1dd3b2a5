"""The SQLite file: it is private, only ``migrate`` creates it, and every command explains why the file is unusable."""

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
from tests.support.permissions import enforced_permissions

Run = Callable[..., tuple[int, str, str]]

# Commands that exit with a message if the database is unusable.
COMMANDS = ["serve", "serve --check", "runserver", "check", "purge", "export", "import trips.csv", "db current"]


@pytest.fixture
def file() -> Iterator[Path]:
    """The path of the database, which does not exist yet."""
    with tempfile.TemporaryDirectory(prefix="invsys-sqlite-") as folder:
        file = Path(folder, "a folder", "own%.sqlite3")
        file.parent.mkdir()
        yield file
        file.parent.chmod(0o700)


@pytest.fixture
def database_url(file: Path) -> str:
    """The URL of that file; this override also means that the tests of this module run on SQLite only."""
    return f"sqlite:///{file}"


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


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
            # The -wal and -shm files exist while a connection is open.
            writer.execute("BEGIN IMMEDIATE")
            files = sorted(file.parent.iterdir())
            assert [path.name for path in files] == ["own.sqlite3", "own.sqlite3-shm", "own.sqlite3-wal"]
            assert {mode(path) for path in files} == {0o600}
        writer.close()
    assert mode(tmp_path / "new") == mode(file.parent) == 0o700


def test_migrate_does_not_change_the_mode_of_an_existing_file(run: Run, file: Path) -> None:
    file.touch()
    file.chmod(0o640)
    assert run("migrate")[0] == 0
    assert mode(file) == 0o640


@pytest.mark.parametrize("command", [*COMMANDS, "backup copy.sqlite3"])
def test_no_other_command_creates_the_file(
    run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, printed, error = run(*command.split())
    assert (status, printed) == (2, "")
    assert error.endswith(f"here is no database at {file} yet: run 'invsys-manage migrate'.\n")
    assert error.count("\n") == 1
    assert list(file.parent.iterdir()) == []
    assert not (tmp_path / "copy.sqlite3").exists()


@pytest.mark.parametrize("command", [*COMMANDS, "migrate"])
def test_a_file_that_is_not_a_database_is_refused_by_name_in_one_line(run: Run, file: Path, command: str) -> None:
    file.write_text("These are 100 or more bytes of a text, and no page of a database that SQLite could have written.")
    before = file.read_bytes()
    assert run(*command.split()) == (2, "", f"invsys-manage: {file} is not a SQLite database.\n")
    assert file.read_bytes() == before


@pytest.mark.parametrize("command", ["serve", "check", "migrate"])
def test_a_folder_is_refused_by_name_in_one_line(run: Run, file: Path, command: str) -> None:
    file.mkdir()
    assert run(*command.split()) == (2, "", f"invsys-manage: {file} is a folder, not a database.\n")


@pytest.mark.parametrize(
    ("command", "permissions", "folder_mode"),
    [
        *((command, 0o000, 0o777) for command in ("serve", "check", "purge", "migrate")),
        *((command, 0o444, 0o555) for command in ("serve", "check", "purge")),
        *((command, 0o444, 0o777) for command in ("serve", "purge")),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_by_name_in_one_line(
    run: Run, file: Path, command: str, permissions: int, folder_mode: int
) -> None:
    migrate(f"sqlite:///{file}")
    set_permissions(file, permissions, folder_mode)
    with enforced_permissions():
        error = f"invsys-manage: {file} cannot be opened for writing: Permission denied.\n"
        assert run(*command.split()) == (2, "", error)


def test_a_file_in_a_folder_that_cannot_be_written_is_refused_by_name(run: Run, file: Path) -> None:
    migrate(f"sqlite:///{file}")
    set_permissions(file, 0o666)
    with enforced_permissions():
        status, _, error = run("serve")
    assert status == 2
    assert error.startswith(f"invsys-manage: {file} cannot be used: SQLite has to create files beside it, and ")


def test_a_file_in_a_folder_that_cannot_be_entered_is_refused_by_name(run: Run, file: Path) -> None:
    migrate(f"sqlite:///{file}")
    set_permissions(file, 0o666)
    file.parent.chmod(0o600)
    with enforced_permissions():
        assert run("serve") == (2, "", f"invsys-manage: {file} cannot be opened: Permission denied.\n")


def test_the_access_check_keeps_the_locks_of_sqlite(file: Path) -> None:
    sqlite_file.create(file)
    attempt = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    writer = sqlite_file.connect(str(file), isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    assert sqlite_file.access_error(file) is None
    process = subprocess.run([sys.executable, "-c", attempt, file], capture_output=True, text=True, check=False)
    writer.close()
    assert "database is locked" in process.stderr


def set_permissions(file: Path, permissions: int, folder_mode: int = 0o555) -> None:
    """Set the permissions of a file and of its folder."""
    file.chmod(permissions)
    file.parent.chmod(folder_mode)


def test_a_folder_that_cannot_be_created_is_refused_by_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("INVSYS_DATABASE_URL", f"sqlite:///{tmp_path}/file/own.sqlite3")
    status, printed, error = run("migrate")
    assert (status, printed) == (2, "")
    assert error == f"invsys-manage: cannot create {tmp_path}/file/own.sqlite3: Not a directory\n"


def test_a_backup_names_the_missing_folder(run: Run, file: Path, tmp_path: Path) -> None:
    migrate(f"sqlite:///{file}")
    target = tmp_path / "none" / "copy"
    error = f"invsys-manage: cannot create {target}: there is no directory {target.parent}\n"
    assert run("backup", target) == (2, "", error)
