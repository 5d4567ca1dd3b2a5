"""Flask-Script on today's Flask and Python: nothing left behind, and commands that get what was typed."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest
from flask import Flask, current_app
from flask.cli import ScriptInfo, with_appcontext

from invsys.chassis.cli.flask_script import ClickCommand, Command, Manager, Option, Server, Shell, ShowUrls

LEFT_BEHIND = """
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


def test_its_import_leaves_nothing_behind() -> None:
    done = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


class Recorder(Flask):
    """Remembers how it was to be run."""

    ran: dict[str, Any]

    def run(
        self, host: Any = None, port: Any = None, debug: Any = None, load_dotenv: bool = True, **options: Any
    ) -> None:
        self.ran = {"host": host, "port": port, "debug": debug, **options}


@click.group()
@click.option("-c", "--config", default="none")
@click.pass_context
def group(context: click.Context, config: str) -> None:
    """Say what came."""
    context.obj.data["config"] = config


@group.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.pass_context
@with_appcontext
def say(context: click.Context) -> None:
    """Say it."""
    assert context.find_object(ScriptInfo)
    click.echo("|".join([str(current_app.config["FILE"]), context.obj.data["config"], *context.args]))


class Fail(Command):
    """Ends with a status of its own."""

    option_list = (Option("status", type=int),)

    def run(self, status: int) -> int:
        return status


@pytest.fixture
def made() -> list[Recorder]:
    """The applications that the manager's factory built."""
    return []


@pytest.fixture
def manager(made: list[Recorder]) -> Manager:
    def build(config: str | None = None) -> Flask:
        app = Recorder("tiny", static_folder=None)
        app.config["FILE"] = config
        app.add_url_rule("/cars/<name>", "car", lambda name: name)
        made.append(app)
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
    """Type words after the program's name; gives the status and what was printed."""

    def run(*words: str) -> tuple[Any, str]:
        monkeypatch.setattr(sys, "argv", ["/usr/bin/tiny", *words])
        with pytest.raises(SystemExit) as ended:
            manager.run()
        return ended.value.code or 0, capsys.readouterr().out.strip()

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["db", "say"], "None|none"),
        (["db", "say", "a", "b c", ""], "None|none|a|b c|"),
        (["db", "-c", "mine", "say"], "None|mine"),
        (["db", "--config=mine", "say"], "None|mine"),
        (["-c", "file.ini", "db", "say"], "file.ini|none"),
        (["--config", "file.ini", "db", "say"], "file.ini|none"),
        (["--config=file.ini", "db", "say"], "file.ini|none"),
        (["-cfile.ini", "db", "say"], "file.ini|none"),
        (["-c", "file.ini", "db", "-c", "mine", "say", "-c", "x"], "file.ini|mine|-c|x"),
        (["-c", "db", "db", "say"], "db|none"),
        (["db", "say", "-v", "--sql", "--", "-x", "-h"], "None|none|-v|--sql|-x|-h"),
        (["db", "say", "runserver", "db"], "None|none|runserver|db"),
    ],
)
def test_a_click_command_gets_its_words_untouched(run: Any, words: list[str], said: str) -> None:
    assert run(*words) == (0, said)


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (["db", "--help"], "Usage: tiny db [OPTIONS] COMMAND [ARGS]..."),
        (["-c", "file.ini", "db", "--help"], "Usage: tiny db [OPTIONS] COMMAND [ARGS]..."),
        (["db", "say", "--help"], "Usage: tiny db say [OPTIONS]"),
    ],
)
def test_help_behind_a_click_command_is_clicks(run: Any, words: list[str], usage: str) -> None:
    status, said = run(*words)
    assert (status, said.splitlines()[0]) == (0, usage)


def test_a_mistake_in_clicks_words_is_told_by_click(run: Any) -> None:
    assert run("db", "nothing")[0] == 2


@pytest.mark.parametrize("words", [["--help"], ["-?"]])
def test_help_of_the_manager_names_every_command(run: Any, words: list[str]) -> None:
    status, said = run(*words)
    assert status == 0
    assert all(name in said for name in ("db", "runserver", "fail", "--config", "Say what came.", "Ends with"))


@pytest.mark.parametrize("words", [["nothing"], ["fail"], ["fail", "x"], ["fail", "1", "2"], ["-c"], ["-c", "x"]])
def test_words_that_make_no_command_end_with_status_2(run: Any, made: list[Recorder], words: list[str]) -> None:
    assert run(*words)[0] == 2
    assert made == []


@pytest.mark.parametrize("config", [[], ["-c", "x"]])
def test_without_a_command_the_whole_help_is_printed(run: Any, config: list[str]) -> None:
    status, printed = run(*config)
    assert status == 2
    assert config or "runserver" in printed


@pytest.mark.parametrize("status", [0, 1, 7])
def test_the_status_is_the_commands(run: Any, status: int) -> None:
    assert run("fail", str(status))[0] == status


def test_a_command_runs_on_the_application_of_the_global_option(run: Any, made: list[Recorder]) -> None:
    run("-c", "file.ini", "fail", "0")
    assert [app.config["FILE"] for app in made] == ["file.ini"]


@pytest.mark.parametrize(("options", "file"), [({}, None), ({"config": "file.ini"}, "file.ini")])
def test_the_manager_makes_the_application(manager: Manager, options: dict[str, str], file: str | None) -> None:
    assert manager.create_app(**options).config["FILE"] == file


def test_the_urls_are_listed(run: Any) -> None:
    status, said = run("urls")
    assert status == 0
    assert "/cars/<name>" in said


SAFE = {"debug": False, "use_debugger": False, "use_reloader": False, "threaded": True, "processes": 1}


@pytest.mark.parametrize(
    ("words", "differs"),
    [
        ([], {"host": "127.0.0.1", "port": 5000}),
        (["-h", "0.0.0.0", "-p", "80"], {"host": "0.0.0.0", "port": 80}),
        (["-r"], {"use_reloader": True}),
        (["-R", "-D"], {}),
        (["-d"], {"debug": True, "use_debugger": True}),
        (["--threaded"], {}),
        # Werkzeug refuses to have several of both.
        (["--processes", "2"], {"processes": 2, "threaded": False}),
    ],
)
def test_the_development_server_has_threads_and_nothing_dangerous_unless_asked(
    run: Any, made: list[Recorder], words: list[str], differs: dict[str, Any]
) -> None:
    assert run("runserver", *words)[0] == 0
    assert SAFE | differs == {name: made[0].ran[name] for name in SAFE | differs}


def test_a_debugging_application_does_not_bring_the_debugger(made: list[Recorder], manager: Manager) -> None:
    app = manager.create_app()
    app.debug = True
    options = {"use_debugger": False, "use_reloader": False, "threaded": True, "passthrough_errors": False}
    Server()(app, host="127.0.0.1", port=5000, ssl_crt=None, ssl_key=None, **options)
    assert SAFE.items() <= made[0].ran.items()
