"""A wrong command line ends with one line on standard error and status 2; help and version work everywhere."""

import sys
from collections.abc import Callable

import click
import pytest
from flask import Flask

from invsys.chassis.cli.flask_script import ClickCommand, Command, Manager, Option, Server, ShowUrls

Run = Callable[..., tuple[object, str, str]]


@click.group()
def clients() -> None:
    """Change clients."""


@clients.command()
@click.argument("name")
@click.option("--keep", type=int)
def rotate(name: str, keep: int | None) -> None:
    """Make a new key."""
    raise click.Abort if name == "interrupt" else click.ClickException("It cannot\nbe done.")


class Backup(Command):
    """Copy a file."""

    option_list = (Option("file"), Option("--format", choices=["csv", "jsonl"]), Option("-n", "--number", type=int))

    def run(self, file: str, format: str | None, number: int | None) -> None:  # noqa: A002 - the option's name
        click.echo(f"{file} {format} {number}")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Type words after the program's name; returns the status, the output and the messages."""
    manager = Manager(lambda config=None: Flask("tiny"), program="tiny-manage", version="1.2.3")
    manager.add_option("-c", "--config", dest="config")
    for name, command in {
        "backup": Backup(),
        "client": ClickCommand(clients, "tiny-manage client"),
        "runserver": Server(),
        "urls": ShowUrls(),
    }.items():
        manager.add_command(name, command)

    def run(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["manage.py", *words])
        with pytest.raises(SystemExit) as ended:
            manager.run()
        return ended.value.code or 0, *capsys.readouterr()

    return run


HERE = {
    "--foo": "unknown option --foo",
    "--foo=bar": "unknown option --foo",
    "--foo backup": "unknown option --foo",
    "--confg": "unknown option --confg (did you mean --config?)",
    "-x backup a": "unknown option -x",
    "backpu": "unknown command backpu (did you mean backup?)",
    "nothing --foo": "unknown command nothing",
    "-c": "argument -c/--config: expected one argument",
    "-c x": "a command is missing",
}
OF_COMMANDS = {
    "backup --foo": "unknown option --foo",
    "backup a --foo": "unknown option --foo",
    "backup --form=csv a": "unknown option --form (did you mean --format?)",
    "backup a -c x": "the option -c must come before the command",
    "backup a --config=x": "the option --config must come before the command",
    "backup": "the following arguments are required: file",
    "backup a b c": "unexpected argument b",
    "backup a -n many": "argument -n/--number: invalid int value: 'many'",
    "backup a --format xml": "argument --format: invalid choice: 'xml' (choose from ",
    "urls --order nothing": "argument --order: invalid choice: 'nothing' (choose from ",
    "runserver -p x": "argument -p/--port: invalid int value: 'x'",
    "client --foo": "no such option '--foo'",
    "client nothing": "no such command 'nothing'",
    "client rotate": "missing argument 'NAME'",
    "client rotate a b": "got unexpected extra argument (b)",
    "client rotate a --keep x": "invalid value for '--keep': 'x' is not a valid integer",
    "client rotate a": "it cannot be done",
}


@pytest.mark.parametrize("words", HERE)
def test_a_wrong_command_line_is_one_line_and_status_2(run: Run, words: str) -> None:
    message = f"tiny-manage: {HERE[words]}; see 'tiny-manage --help'\n"
    assert run(*words.split()) == (2, "", message)


@pytest.mark.parametrize("words", OF_COMMANDS)
def test_a_wrong_word_after_a_command_is_one_line_in_its_name(run: Run, words: str) -> None:
    status, printed, told = run(*words.split())
    command = words.split(maxsplit=1)[0]
    assert (status if "cannot" not in told else 2, printed, told.count("\n")) == (2, "", 1)
    assert told.startswith(f"tiny-manage {command}")
    assert f": {OF_COMMANDS[words]}" in told


@pytest.mark.parametrize("words", ["backup a -n -1", "backup -n -1 a", "backup -n-1 -- a"])
def test_a_number_below_zero_is_no_option(run: Run, words: str) -> None:
    assert run(*words.split()) == (0, "a None -1\n", "")


def test_two_hyphens_end_the_options(run: Run) -> None:
    assert run("backup", "--", "--foo")[:2] == (0, "--foo None None\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", ["", "backup", "client", "client rotate", "runserver", "urls"])
def test_help_is_printed_by_the_program_and_by_each_command(run: Run, command: str, option: str) -> None:
    status, printed, told = run(*command.split(), option)
    assert (status, told) == (0, "")
    assert printed.lower().startswith(f"usage: {' '.join(['tiny-manage', *command.split()])} ")


@pytest.mark.parametrize("command", ["", "backup", "client", "runserver", "urls"])
def test_the_version_is_printed_by_the_program_and_by_each_command(run: Run, command: str) -> None:
    assert run(*command.split(), "--version") == (0, "tiny-manage 1.2.3\n", "")


def test_without_a_command_the_help_is_printed(run: Run) -> None:
    status, printed, told = run()
    assert (status, told) == (2, "")
    assert printed.startswith("usage: tiny-manage ")


def test_a_group_without_a_command_prints_its_help(run: Run) -> None:
    status, printed, told = run("client")
    assert (status, told) == (2, "")
    assert printed.startswith("Usage: tiny-manage client ")


def test_an_abort_of_click_is_an_interrupt(run: Run) -> None:
    with pytest.raises(KeyboardInterrupt):
        run("client", "rotate", "interrupt")
