"""The commands of invsys-manage and what they print."""

import io
import socket
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from flask.cli import ScriptInfo

from invsys.chassis.server import command as server
from invsys.chassis.server import listening
from invsys.inventory.db.models import db
from tests.conftest import disconnect
from tests.support.ports import free_port

LINES = "resource_type,name,from_datetime,to_datetime\ncars,Car1,2026-01-01T10:00Z,2026-01-01T11:00Z\n"


@pytest.mark.one_engine
def test_without_a_command_all_commands_are_listed(run):
    status, printed, _ = run()
    assert status == 2
    for command in ("runserver", "serve", "shell", "db", "urls", "config", "import", "export", "backup", "check"):
        assert f"\n    {command} " in printed


def test_config_prints_every_setting_with_its_origin(run, tmp_path):
    file = tmp_path / "own.ini"
    file.write_text("[server]\nport = 8080\n")
    status, printed, _ = run("-c", file, "config")
    assert status == 0
    assert line_of(printed, "port") == ["port", "=", "8080", ";", str(file)]
    assert line_of(printed, "host") == ["host", "=", "127.0.0.1", ";", "default"]
    assert line_of(printed, "url")[-1] == "INVSYS_DATABASE_URL"


def line_of(printed, key):
    return next(line.split() for line in printed.splitlines() if line.startswith(f"{key} "))


def test_config_masks_the_password(run, monkeypatch):
    monkeypatch.setenv("INVSYS_DATABASE_URL", "postgresql://me:hidden@host/fleet")
    monkeypatch.setenv("INVSYS_SERVER_GATEWAY_SECRET", "hidden-from-all-others")
    status, printed, _ = run("config")
    assert status == 0
    assert "hidden" not in printed
    assert line_of(printed, "gateway_secret") == ["gateway_secret", "=", "***", ";", "INVSYS_SERVER_GATEWAY_SECRET"]
    assert "postgresql+psycopg://me:***@host/fleet" in printed


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nprot = 1\n", "[server] prot (from {file}): No such setting (did you mean port?)."),
        ("[server]\nport = many\n", "[server] port (from {file}): Not a valid integer."),
        ("[sever]\nport = 1\n", "[sever] (from {file}): No such section (did you mean server?)."),
    ],
)
@pytest.mark.parametrize("command", ["config", "serve", "check"])
def test_every_command_refuses_an_invalid_setting_by_name(run, tmp_path, text, message, command):
    file = tmp_path / "own.ini"
    file.write_text(text)
    assert run("-c", file, command) == (2, "", f"invsys-manage: {message.format(file=file)}\n")


def test_the_flask_command_finds_the_application(run, monkeypatch):
    monkeypatch.delenv("FLASK_APP", raising=False)
    app = ScriptInfo(app_import_path="invsys.inventory.application").load_app()
    assert app.test_client().get("/readyz").status_code == 200
    with app.app_context():
        disconnect()


def test_urls_lists_the_routes(run):
    status, printed, _ = run("urls")
    assert status == 0
    assert "/api/<collection:collection>/<uuid:resource_id>/allocations" in printed


def test_a_file_is_imported_checked_and_exported(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("trips.csv").write_text(LINES)
    status, printed, complaints = run("import", "trips.csv")
    assert (status, complaints) == (0, "")
    assert printed == "1 line: 1 vehicle registered, 1 allocation created, 0 lines unchanged, 0 refused\n"
    assert run("check")[0] == 0
    status, printed, _ = run("export", "--format", "jsonl")
    assert status == 0
    assert '"name":"Car1"' in printed
    assert not Path("trips.refused.csv").exists()


def test_refused_lines_show_in_the_status_and_in_a_file(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("trips.csv").write_text(LINES + "cars,Car1,2026-01-01T10:30Z,2026-01-01T11:30Z\n")
    status, printed, _ = run("import", "trips.csv")
    assert status == 1
    assert "1 refused (see trips.refused.csv)" in printed
    assert "period_taken" in Path("trips.refused.csv").read_text()


def test_standard_input_can_be_imported(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES.encode())))
    assert run("import", "-")[0] == 0


def test_an_unusable_file_is_reported_in_one_sentence(run):
    status, _, complaints = run("import", "none.csv")
    assert status == 2
    assert complaints == "invsys-manage: none.csv: No such file or directory\n"


def test_the_shell_has_the_models_and_commands(run, monkeypatch):
    typed = "car = register('Car', 'Car1', {})\nprint(db.session.query(ContinuousResource).one().name)\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    status, printed, _ = run("shell", "--no-ipython", "--no-bpython", "--no-ptpython", "--no-ptipython")
    assert status == 0
    assert "Car1" in printed


@pytest.mark.parametrize("command", ["serve", "runserver", "check", "export", "import trips.csv"])
def test_commands_refuse_a_database_that_is_not_migrated(run, tmp_path, monkeypatch, command):
    monkeypatch.setenv("INVSYS_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    status, printed, complaints = run(*command.split())
    assert (status, printed) == (2, "")
    assert "run 'invsys-manage migrate'" in complaints


@pytest.fixture
def port_in_use(monkeypatch):
    """The port in the settings, which is in use by another socket."""
    with closing(listening.listen("127.0.0.1", 0)[0]) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("INVSYS_SERVER_PORT", str(port))
        yield port


@pytest.mark.parametrize("command", ["serve", "runserver"])
def test_a_port_in_use_is_refused_in_one_line(run, port_in_use, command):
    message = f"invsys-manage: port {port_in_use} of 127.0.0.1 is in use\n"
    assert run(command) == (2, "", message)


def test_the_check_accepts_the_port_of_a_running_server(run, port_in_use):
    assert run("serve", "--check")[0] == 0


@pytest.mark.parametrize("command", ["serve", "serve --check", "runserver"])
def test_an_address_of_another_machine_is_refused_in_one_line(run, monkeypatch, command):
    monkeypatch.setenv("INVSYS_SERVER_HOST", "192.0.2.1")
    message = "invsys-manage: host 192.0.2.1 is not an address of this machine\n"
    assert run(*command.split()) == (2, "", message)


def test_runserver_listens_as_the_settings_or_its_options_say(run, monkeypatch):
    calls, connections = [], []

    def listen(app, **options):
        calls.append(options)
        # No connection may be open: processes that the development server forks must not share one.
        with app.app_context():
            connections.append(sum(engine.pool.checkedin() for engine in db.engines.values()))

    monkeypatch.setattr("flask.Flask.run", listen)
    ports = free_port(), free_port()
    monkeypatch.setenv("INVSYS_SERVER_PORT", str(ports[0]))
    assert run("runserver")[0] == 0
    assert run("runserver", "-h", "0.0.0.0", "-p", ports[1], "--processes", "2")[0] == 0
    assert [(options["host"], options["port"]) for options in calls] == [("127.0.0.1", ports[0]), ("0.0.0.0", ports[1])]
    assert [options["threaded"] for options in calls] == [True, False]
    assert connections == [0, 0]
    assert not any(options["use_debugger"] or options["use_reloader"] for options in calls)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--ssl-crt a", "--ssl-crt and --ssl-key must be used together"),
        ("--ssl-key a", "--ssl-crt and --ssl-key must be used together"),
        ("--ssl-crt /none/a --ssl-key /none/b", "--ssl-crt /none/a, --ssl-key /none/b: No such file or directory"),
    ],
)
def test_an_unusable_certificate_is_refused_in_one_line(run, options, message):
    assert run("runserver", *options.split()) == (2, "", f"invsys-manage: {message}\n")


def test_serve_replaces_its_process_with_the_server(run, monkeypatch, tmp_path, caplog, database_url):
    caplog.set_level("INFO")
    calls = []
    monkeypatch.setattr(server.os, "execve", lambda *arguments: calls.append(arguments))
    monkeypatch.setenv("INVSYS_SERVER_WORKERS", "3")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    file, port = tmp_path / "own.ini", free_port()
    file.write_text(f"[server]\nport = {port}\nthreads = 5\n")
    run("-c", file, "serve")
    [(program, words, environ)] = calls
    [message] = [record.getMessage() for record in caplog.records if record.name == "invsys.commands"]
    assert message.startswith(f"The database is {database_url.partition(':')[0]}")
    assert program == sys.executable
    assert {"--threads=5", "--timeout=30", "invsys.inventory.wsgi:app"} <= set(words)
    [sockets] = [word.partition("=")[2].split(",") for word in words if word.startswith("--sockets=")]
    with ExitStack() as stack:
        inherited = [stack.enter_context(closing(socket.socket(fileno=int(number)))) for number in sockets]
        assert [sock.getsockname() for sock in inherited] == [("127.0.0.1", port)] * 3
        assert all(sock.get_inheritable() for sock in inherited)
    assert environ["INVSYS_CONFIG"] == str(file)
    assert environ["PROMETHEUS_MULTIPROC_DIR"].startswith(str(tmp_path))
