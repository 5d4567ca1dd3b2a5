"""Command lines: ``--help``, ``--version``, and invalid ones.

Invalid command lines are reported in one line on standard error, with status 2.
"""

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
    """Create a new key."""
    raise click.Abort if name == "interrupt" else click.ClickException("It cannot\nbe done.")


class Backup(Command):
    """Copy a file."""

    option_list = (Option("file"), Option("--format", choices=["csv", "jsonl"]), Option("-n", "--number", type=int))

    def run(self, file: str, format: str | None, number: int | None) -> None:  # noqa: A002 - the option's name
        click.echo(f"{file} {format} {number}")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command line and returns exit status, standard output and standard error."""
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


PROGRAM_ERRORS = {
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
COMMAND_ERRORS = {
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


@pytest.mark.parametrize("words", PROGRAM_ERRORS)
def test_an_invalid_command_line_is_reported_in_one_line_with_status_2(run: Run, words: str) -> None:
    message = f"tiny-manage: {PROGRAM_ERRORS[words]}; see 'tiny-manage --help'\n"
    assert run(*words.split()) == (2, "", message)


@pytest.mark.parametrize("words", COMMAND_ERRORS)
def test_an_invalid_word_after_a_command_is_reported_with_the_name_of_the_command(run: Run, words: str) -> None:
    status, output, messages = run(*words.split())
    command = words.split(maxsplit=1)[0]
    assert (status if "cannot" not in messages else 2, output, messages.count("\n")) == (2, "", 1)
    assert messages.startswith(f"tiny-manage {command}")
    assert f": {COMMAND_ERRORS[words]}" in messages


@pytest.mark.parametrize("words", ["backup a -n -1", "backup -n -1 a", "backup -n-1 -- a"])
def test_a_negative_number_is_not_an_option(run: Run, words: str) -> None:
    assert run(*words.split()) == (0, "a None -1\n", "")


def test_two_hyphens_end_the_options(run: Run) -> None:
    assert run("backup", "--", "--foo")[:2] == (0, "--foo None None\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", ["", "backup", "client", "client rotate", "runserver", "urls"])
def test_help_is_printed_by_the_program_and_by_each_command(run: Run, command: str, option: str) -> None:
    status, output, messages = run(*command.split(), option)
    assert (status, messages) == (0, "")
    assert output.lower().startswith(f"usage: {' '.join(['tiny-manage', *command.split()])} ")


@pytest.mark.parametrize("command", ["", "backup", "client", "runserver", "urls"])
def test_the_version_is_printed_by_the_program_and_by_each_command(run: Run, command: str) -> None:
    assert run(*command.split(), "--version") == (0, "tiny-manage 1.2.3\n", "")


def test_without_a_command_the_help_is_printed(run: Run) -> None:
    status, output, messages = run()
    assert (status, messages) == (2, "")
    assert output.startswith("usage: tiny-manage ")


def test_a_group_without_a_command_prints_its_help(run: Run) -> None:
    status, output, messages = run("client")
    assert (status, messages) == (2, "")
    assert output.startswith("Usage: tiny-manage client ")


def test_clicks_abort_raises_keyboard_interrupt(run: Run) -> None:
    with pytest.raises(KeyboardInterrupt):
        run("client", "rotate", "interrupt")
