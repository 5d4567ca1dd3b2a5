"""Flask-Script with current versions of Flask and Python: it can be imported, and commands get their arguments."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest
from flask import Flask, current_app
from flask.cli import ScriptInfo, with_appcontext

from invsys.chassis.cli.flask_script import ClickCommand, Command, Manager, Option, Server, Shell, ShowUrls

IMPORT_AND_COMPARE = """
import inspect, sys, warnings
import click, flask, flask.cli
before = {module: dict(vars(module)) for module in (flask, inspect)}
filters = list(warnings.filters)
import invsys.chassis.cli.flask_script
for module, names in before.items():
    assert dict(vars(module)) == names, set(vars(module)) ^ set(names)
assert warnings.filters == filters
assert not [name for name in sys.modules if name.startswith("flask._")]
"""


def test_the_import_does_not_change_flask_or_inspect() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_AND_COMPARE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


class RecordingApp(Flask):
    """An application that records the arguments of ``run`` instead of starting a server."""

    run_arguments: dict[str, Any]

    def run(
        self, host: Any = None, port: Any = None, debug: Any = None, load_dotenv: bool = True, **options: Any
    ) -> None:
        self.run_arguments = {"host": host, "port": port, "debug": debug, **options}


@click.group()
@click.option("-c", "--config", default="none")
@click.pass_context
def group(context: click.Context, config: str) -> None:
    """Print the arguments."""
    context.obj.data["config"] = config


@group.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.pass_context
@with_appcontext
def show(context: click.Context) -> None:
    """Print the setting FILE, the option ``config`` and the remaining arguments."""
    assert context.find_object(ScriptInfo)
    click.echo("|".join([str(current_app.config["FILE"]), context.obj.data["config"], *context.args]))


class Fail(Command):
    """Returns an exit status."""

    option_list = (Option("status", type=int),)

    def run(self, status: int) -> int:
        return status


@pytest.fixture
def apps() -> list[RecordingApp]:
    """The applications that the manager's factory has created."""
    return []


@pytest.fixture
def manager(apps: list[RecordingApp]) -> Manager:
    def build(config: str | None = None) -> Flask:
        app = RecordingApp("tiny", static_folder=None)
        app.config["FILE"] = config
        app.add_url_rule("/cars/<name>", "car", lambda name: name)
        apps.append(app)
        return app

    manager = Manager(build, version="1.2.3")
    manager.add_option("-c", "--config", dest="config")
    manager.add_command("db", ClickCommand(group, "tiny db"))
    manager.add_command("runserver", Server())
    manager.add_command("fail", Fail())
    manager.add_command("urls", ShowUrls())
    manager.add_command("shell", Shell())
    return manager


@pytest.fixture
def run(manager: Manager, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that runs a command line and returns exit status and standard output."""

    def run(*words: str) -> tuple[Any, str]:
        monkeypatch.setattr(sys, "argv", ["/usr/bin/tiny", *words])
        with pytest.raises(SystemExit) as ended:
            manager.run()
        return ended.value.code or 0, capsys.readouterr().out.strip()

    return run


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["db", "show"], "None|none"),
        (["db", "show", "a", "b c", ""], "None|none|a|b c|"),
        (["db", "-c", "mine", "show"], "None|mine"),
        (["db", "--config=mine", "show"], "None|mine"),
        (["-c", "file.ini", "db", "show"], "file.ini|none"),
        (["--config", "file.ini", "db", "show"], "file.ini|none"),
        (["--config=file.ini", "db", "show"], "file.ini|none"),
        (["-cfile.ini", "db", "show"], "file.ini|none"),
        (["-c", "file.ini", "db", "-c", "mine", "show", "-c", "x"], "file.ini|mine|-c|x"),
        (["-c", "db", "db", "show"], "db|none"),
        (["db", "show", "-v", "--sql", "--", "-x", "-h"], "None|none|-v|--sql|-x|-h"),
        (["db", "show", "runserver", "db"], "None|none|runserver|db"),
    ],
)
def test_a_click_command_gets_its_words_unchanged(run: Any, words: list[str], output: str) -> None:
    assert run(*words) == (0, output)


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (["db", "--help"], "Usage: tiny db [OPTIONS] COMMAND [ARGS]..."),
        (["-c", "file.ini", "db", "--help"], "Usage: tiny db [OPTIONS] COMMAND [ARGS]..."),
        (["db", "show", "--help"], "Usage: tiny db show [OPTIONS]"),
    ],
)
def test_click_prints_the_help_of_a_click_command(run: Any, words: list[str], usage: str) -> None:
    status, output = run(*words)
    assert (status, output.splitlines()[0]) == (0, usage)


def test_click_reports_an_unknown_subcommand(run: Any) -> None:
    assert run("db", "nothing")[0] == 2


@pytest.mark.parametrize("words", [["--help"], ["-?"]])
def test_the_help_of_the_manager_lists_every_command(run: Any, words: list[str]) -> None:
    status, output = run(*words)
    assert status == 0
    assert all(
        name in output for name in ("db", "runserver", "fail", "--config", "Print the arguments.", "Returns an exit")
    )


@pytest.mark.parametrize("words", [["nothing"], ["fail"], ["fail", "x"], ["fail", "1", "2"], ["-c"], ["-c", "x"]])
def test_an_invalid_command_line_ends_with_status_2(run: Any, apps: list[RecordingApp], words: list[str]) -> None:
    assert run(*words)[0] == 2
    assert apps == []


@pytest.mark.parametrize("config", [[], ["-c", "x"]])
def test_without_a_command_the_help_is_printed(run: Any, config: list[str]) -> None:
    status, printed = run(*config)
    assert status == 2
    assert config or "runserver" in printed


@pytest.mark.parametrize("status", [0, 1, 7])
def test_the_exit_status_is_that_of_the_command(run: Any, status: int) -> None:
    assert run("fail", str(status))[0] == status


def test_a_command_runs_with_the_application_of_the_global_option(run: Any, apps: list[RecordingApp]) -> None:
    run("-c", "file.ini", "fail", "0")
    assert [app.config["FILE"] for app in apps] == ["file.ini"]


@pytest.mark.parametrize(("options", "file"), [({}, None), ({"config": "file.ini"}, "file.ini")])
def test_create_app_returns_the_application(manager: Manager, options: dict[str, str], file: str | None) -> None:
    assert manager.create_app(**options).config["FILE"] == file


def test_urls_lists_the_routes(run: Any) -> None:
    status, output = run("urls")
    assert status == 0
    assert "/cars/<name>" in output


SAFE = {"debug": False, "use_debugger": False, "use_reloader": False, "threaded": True, "processes": 1}


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ([], {"host": "127.0.0.1", "port": 5000}),
        (["-h", "0.0.0.0", "-p", "80"], {"host": "0.0.0.0", "port": 80}),
        (["-r"], {"use_reloader": True}),
        (["-R", "-D"], {}),
        (["-d"], {"debug": True, "use_debugger": True}),
        (["--threaded"], {}),
        # Werkzeug does not support both threads and several processes.
        (["--processes", "2"], {"processes": 2, "threaded": False}),
    ],
)
def test_the_development_server_has_threads_and_by_default_no_debugger(
    run: Any, apps: list[RecordingApp], words: list[str], changes: dict[str, Any]
) -> None:
    assert run("runserver", *words)[0] == 0
    assert SAFE | changes == {name: apps[0].run_arguments[name] for name in SAFE | changes}


def test_an_application_in_debug_mode_does_not_start_the_debugger(apps: list[RecordingApp], manager: Manager) -> None:
    app = manager.create_app()
    app.debug = True
    options = {"use_debugger": False, "use_reloader": False, "threaded": True, "passthrough_errors": False}
    Server()(app, host="127.0.0.1", port=5000, ssl_crt=None, ssl_key=None, **options)
    assert SAFE.items() <= apps[0].run_arguments.items()
