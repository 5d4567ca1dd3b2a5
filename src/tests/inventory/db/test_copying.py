"""Copies of a SQLite database in use: they are complete and private, and never overwrite a file."""

import os
import sqlite3
import stat
from contextlib import closing

import pytest

from invsys.inventory.maintenance.copy import copy_sqlite


@pytest.fixture
def source(tmp_path):
    """A SQLite database that is open in another connection, with a row that is still only in its WAL."""
    file = tmp_path / "a folder" / "in use?.sqlite3"
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE cars (name)")
        writer.execute("INSERT INTO cars VALUES ('Car1')")
        file.chmod(0o640)
        yield file


@pytest.fixture
def target(tmp_path):
    """The path of the copy, in an empty folder."""
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies" / "copy.sqlite3"


def rows(file):
    with closing(sqlite3.connect(file)) as reader:
        return reader.execute("SELECT name FROM cars").fetchall()


def names(folder):
    return [file.name for file in folder.iterdir()]


def test_a_copy_includes_the_wal_and_is_one_file(source, target):
    copy_sqlite(source, target)
    assert names(target.parent) == [target.name]
    assert rows(target) == [("Car1",)]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_can_read_a_copy_with_any_umask(source, target, umask):
    before = os.umask(umask)
    try:
        copy_sqlite(source, target)
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_copy_omits_the_open_transaction_of_another_connection(source, target):
    with closing(sqlite3.connect(source, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO cars VALUES ('Car2')")
        copy_sqlite(source, target)
    assert rows(target) == [("Car1",)]


def test_an_existing_file_is_not_overwritten(source, target):
    target.write_text("precious")
    with pytest.raises(FileExistsError, match="not overwritten"):
        copy_sqlite(source, target)
    assert target.read_text() == "precious"


def test_copying_does_not_create_a_missing_database(tmp_path, target):
    with pytest.raises(FileNotFoundError):
        copy_sqlite(tmp_path / "none.sqlite3", target)
    assert not names(target.parent)
    assert not (tmp_path / "none.sqlite3").exists()


def test_a_file_that_is_not_a_database_leaves_no_copy(tmp_path, target):
    (tmp_path / "text").write_text("no database at all, but longer than the header of one" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        copy_sqlite(tmp_path / "text", target)
    assert not names(target.parent)
