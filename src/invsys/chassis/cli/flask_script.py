"""Flask-Script 2.0.6 (2017) on current versions of Flask and Python, and an adapter for click commands.

Importing Flask-Script requires names that Flask no longer has. This module adds them for the import, and removes them
afterwards.
"""

import argparse
import contextlib
import inspect
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import flask
from click.exceptions import NoArgsIsHelpError
from flask import Flask
from flask.cli import ScriptInfo

from invsys.chassis.cli.arguments import Parser
from invsys.chassis.suggestions import nearest


@contextlib.contextmanager
def _names_for_import() -> Iterator[None]:
    compat = ModuleType("flask._compat")
    vars(compat)["text_type"] = str
    sys.modules["flask._compat"] = compat
    vars(flask)["_request_ctx_stack"] = None
    with warnings.catch_warnings():
        # Flask-Script has "\d" in ordinary strings, which the compiler warns about.
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            del sys.modules["flask._compat"], vars(flask)["_request_ctx_stack"]


with _names_for_import():
    import flask_script
    from flask_script.commands import Command, Option, Shell

# Python 3.11 removed inspect.getargspec. Only this module of Flask-Script gets a copy of ``inspect`` that has it.
_inspect = ModuleType("inspect")
vars(_inspect).update(vars(inspect), getargspec=lambda function: inspect.getfullargspec(function)[:4])
flask_script.commands.inspect = _inspect
# Flask-Script creates the parsers. Only these two modules get a copy of ``argparse`` with the parser of this package.
_argparse = ModuleType("argparse")
vars(_argparse).update(vars(argparse), ArgumentParser=Parser)
flask_script.argparse = flask_script.commands.argparse = _argparse

__all__ = ["ClickCommand", "Command", "Manager", "Option", "Server", "Shell", "ShowUrls"]


class _HostOrHelp(argparse.Action):
    """Sets the host with ``-h HOST``, as in Flask-Script; prints the help with ``-h`` alone, as other commands do."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: str | None = None) -> None:
        if values is None:
            parser.print_help()
            parser.exit()
        setattr(namespace, self.dest, values)


class Server(flask_script.Server):
    """The development server, with threads; the debugger and the reloader are off by default.

    The debugger would execute any code that a client sends.
    """

    help_args = ("-?", "--help")

    def __init__(self, **options: Any) -> None:
        super().__init__(use_debugger=False, use_reloader=False, threaded=True, **options)

    def get_options(self) -> Sequence[Option]:
        """Return Flask-Script's options; the value of ``-h`` is optional."""
        host, *others = super().get_options()
        host_or_help = {"nargs": "?", "action": _HostOrHelp, "help": "without a value, -h prints this help"}
        return [Option(*host.args, **host.kwargs, **host_or_help), *others]

    def __call__(self, app: Flask, *, processes: int = 1, threaded: bool = True, **options: Any) -> None:
        """Serve with several processes or with threads: Werkzeug does not support both together."""
        super().__call__(app, processes=processes, threaded=threaded and processes == 1, **options)


class ShowUrls(flask_script.commands.ShowUrls):
    """Print all routes, or the route that matches a URL."""

    def get_options(self) -> Sequence[Option]:
        """Return Flask-Script's options; ``--order`` accepts only its valid values."""
        url, order = super().get_options()
        return [url, Option(*order.args, **order.kwargs, choices=("rule", "endpoint"))]


class ClickCommand(Command):
    """A click command as a command of Flask-Script; click parses the words after the command's name."""

    def __init__(self, command: click.Command, prog_name: str) -> None:
        super().__init__()
        self.command = command
        self.prog_name = prog_name
        self.__doc__ = command.get_short_help_str()
        self.words: Sequence[str] = ()

    def __call__(self, app: Flask) -> Any:
        """Run the command in the application context and return its exit status.

        An invalid command line is reported in one line, with status 2. ``Command.main`` would print four lines, and an
        empty line after Ctrl-C.
        """
        options: dict[str, Any] = {"obj": ScriptInfo(create_app=lambda: app), "help_option_names": ["-h", "--help"]}
        try:
            with app.app_context(), self.command.make_context(self.prog_name, list(self.words), **options) as context:
                return self.command.invoke(context)
        except click.exceptions.Exit as error:
            return error.exit_code
        except NoArgsIsHelpError as error:
            click.echo(error.format_message())
            return error.exit_code
        except click.ClickException as error:
            path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else self.prog_name
            click.echo(f"{path}: {_sentence(error)}; see '{path} --help'", err=True)
            return error.exit_code
        except click.Abort:
            raise KeyboardInterrupt from None


def _sentence(error: click.ClickException) -> str:
    """Return click's message in the form of argparse: one line, first letter in lower case, without a full stop."""
    words = " ".join(error.format_message().split()).removesuffix(".")
    return words[:1].lower() + words[1:]


class Manager(flask_script.Manager):
    """The commands of a service; ``app`` is a factory that is called with the values of the manager's options.

    ``program`` is the program's name in help and messages (default: the name of the running program). ``version`` is
    the version that ``--version`` prints.
    """

    help_args = ("-h", "--help", "-?")

    def __init__(self, app: Any, *, program: str | None = None, version: str | None = None, **options: Any) -> None:
        super().__init__(app, with_default_commands=False, **options)
        self._program, self._version = program, version

    def create_app(self, *args: Any, **kwargs: Any) -> Flask:
        """Create the application; Flask-Script's own method fails when it issues its deprecation warning."""
        app: Flask = self(*args, **kwargs)
        return app

    def _patch_argparser(self, parser: Any) -> None:
        """Do nothing: the original overwrites an attribute that argparse has used since Python 3.12.8 and 3.13.1."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Parser:
        """Create the parser of the program, with a subparser for each command; all of them accept ``--version``."""
        program_parser: Parser = super().create_parser(*args, **kwargs)
        for parser in (program_parser, *self._parsers(program_parser).values()):
            parser.add_argument("--version", action="version", version=f"{program_parser.prog} {self._version}")
        return program_parser

    @staticmethod
    def _parsers(parser: Parser) -> dict[str, Parser]:
        [action] = [action for action in parser._actions if isinstance(action.choices, dict)]  # noqa: SLF001
        choices: Any = action.choices
        return dict(choices)

    def handle(self, prog: str, args: Sequence[str] | None = None) -> Any:
        """Run the command in ``args`` and return its result; without a command, print the help and exit."""
        words = list(args or [])
        parser = self.create_parser(self._program or Path(prog).name)
        if not words:
            parser.print_help()
            parser.exit(2)
        index = self._index_of_command(words)
        parser.require_known(words[:index])
        self._require_known_command(parser, words[index : index + 1])
        command = self._commands.get("".join(words[index : index + 1]))
        if isinstance(command, ClickCommand) and words[index + 1 :] != ["--version"]:
            # Hide the command's words from argparse, which would handle options such as --help itself.
            words, command.words = words[: index + 1], words[index + 1 :]
        values = self._parse(parser, words, index)
        *_, command = values.pop("func_stack")
        app = self(**{option.kwargs["dest"]: values.pop(option.kwargs["dest"]) for option in self.get_options()})
        return command(app, **values)

    def _require_known_command(self, parser: Parser, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._commands:
                parser.error(f"unknown command {name}{nearest(name, self._commands)}")

    def _parse(self, parser: Parser, words: Sequence[str], index: int) -> dict[str, Any]:
        """Return the values of all options and arguments; the last item of ``func_stack`` is the command."""
        command: Parser | None = self._parsers(parser).get("".join(words[index : index + 1]))
        if command is not None:
            command.require_known(words[index + 1 :], parser)
        namespace, rest = parser.parse_known_args(words)
        if command is None:
            parser.error("a command is missing")
        if rest:
            command.error(f"unexpected argument {rest[0]}")
        return vars(namespace)

    def _index_of_command(self, words: Sequence[str]) -> int:
        options_with_value = {name for option in self.get_options() for name in option.args}
        index = 0
        while index < len(words) and words[index].startswith("-"):
            index += 2 if words[index] in options_with_value else 1
        return index
