"""The commands of depot-manage and what they print."""

import io
import os
import socket
import sys
from contextlib import closing

import pytest

from depot import manage
from depot.db.engine import disconnect


@pytest.fixture
def environ(new_url, monkeypatch):
    """The settings in the environment: a database without tables, and no settings file."""
    environ = {"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": new_url()}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return environ


@pytest.fixture
def run(environ, monkeypatch, capsys):
    """Return a function that runs a command and returns its status, standard output and standard error."""
    apps = []
    build_app = manage.application.build_app
    monkeypatch.setattr(manage.application, "build_app", lambda in_force: apps.append(build_app(in_force)) or apps[-1])

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["depot-manage", *map(str, words)])
        with pytest.raises(SystemExit) as exit_info:
            manage.main()
        return (exit_info.value.code, *capsys.readouterr())

    yield run
    # A command's own process would close its connections on exit, but here all commands run in this process.
    for app in apps:
        with app.app_context():
            disconnect()


def test_without_a_command_it_lists_them(run):
    printed = run()[1]
    for command in ("runserver", "serve", "shell", "db", "urls", "config", "migrate"):
        assert f"\n    {command} " in printed


def test_config_prints_every_setting_with_its_origin(run, tmp_path):
    file = tmp_path / "own.ini"
    file.write_text("[server]\nthreads = 3\n")
    status, printed, _ = run("-c", file, "config")
    assert status == 0
    lines = [line.split() for line in printed.splitlines()]
    assert ["threads", "=", "3", ";", str(file)] in lines
    assert ["host", "=", "127.0.0.1", ";", "default"] in lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nprot = 1\n", "[server] prot (from {file}): No such setting (did you mean port?)."),
        ("[database]\nurl = sqlite:///:memory:\n", "[database] url"),
        ("[database]\nurl = sqlite:////srv/fleet.sqlite3?uri=true\n", "[database] url"),
        ("[database]\nurl = mysql://host/name\n", "[database] url"),
        ("[database]\nurl = nothing\n", "[database] url"),
    ],
)
def test_an_invalid_setting_is_named_by_every_command(run, monkeypatch, tmp_path, text, message):
    monkeypatch.delenv("INVSYS_DATABASE_URL")
    file = tmp_path / "own.ini"
    file.write_text(text)
    status, printed, complaints = run("-c", file, "config")
    assert (status, printed) == (2, "")
    assert complaints.startswith(f"depot-manage: {message.format(file=file)}")


def test_nothing_is_served_from_a_database_that_is_not_migrated(run):
    status, _, complaints = run("serve")
    assert status == 2
    assert "run 'depot-manage migrate'" in complaints


@pytest.mark.parametrize("command", ["serve", "runserver", "db current"])
def test_a_database_file_that_is_missing_is_not_created(run, monkeypatch, tmp_path, command):
    file = tmp_path / "none.sqlite3"
    monkeypatch.setenv("INVSYS_DATABASE_URL", f"sqlite:///{file}")
    message = f"depot-manage: There is no database at {file} yet: run 'depot-manage migrate'.\n"
    assert run(*command.split()) == (2, "", message)
    assert not file.exists()


def test_a_file_that_is_not_a_database_is_named(run, monkeypatch, tmp_path):
    file = tmp_path / "text.sqlite3"
    file.write_text("These are 100 or more bytes of a text, and no page of a database that SQLite could have written.")
    monkeypatch.setenv("INVSYS_DATABASE_URL", f"sqlite:///{file}")
    assert run("serve") == (2, "", f"depot-manage: {file} is not a SQLite database.\n")


@pytest.mark.parametrize("command", ["serve", "runserver"])
def test_a_port_in_use_is_refused_in_one_line(run, monkeypatch, command):
    run("migrate")
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("INVSYS_SERVER_PORT", str(port))
        assert run(command) == (2, "", f"depot-manage: port {port} of 127.0.0.1 is in use\n")


def test_installing_migrates_unless_the_settings_say_no(run, monkeypatch):
    monkeypatch.setenv("INVSYS_DATABASE_MIGRATE_ON_INSTALL", "no")
    assert "The database was not migrated" in run("migrate", "--on-install")[1]
    monkeypatch.setenv("INVSYS_DATABASE_MIGRATE_ON_INSTALL", "yes")
    assert run("migrate", "--on-install")[0] == 0
    assert run("db", "current")[0] == 0


def test_the_shell_has_the_models_and_functions(run, monkeypatch):
    run("migrate")
    typed = "pallets.register('First')\nprint(db.session.query(Pallet).one().name)\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    status, printed, _ = run("shell", "--no-ipython", "--no-bpython", "--no-ptpython", "--no-ptipython")
    assert status == 0
    assert "First" in printed


def test_urls_lists_the_routes(run):
    assert "/api/pallets/<uuid:pallet_id>" in run("urls")[1]
