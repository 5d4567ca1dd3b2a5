"""Flask-Script 2.0.6 (2017) on today's Flask and Python, and a bridge from it to click's commands.

Its import needs names that Flask no longer has; they are lent to it, and taken away again.
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
def _lent_names() -> Iterator[None]:
    compat = ModuleType("flask._compat")
    vars(compat)["text_type"] = str
    sys.modules["flask._compat"] = compat
    vars(flask)["_request_ctx_stack"] = None
    with warnings.catch_warnings():
        # Its source writes "\d" in plain strings, which the compiler warns about.
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            del sys.modules["flask._compat"], vars(flask)["_request_ctx_stack"]


with _lent_names():
    import flask_script
    from flask_script.commands import Command, Option, Shell

# inspect.getargspec went with Python 3.11; this module alone gets a stand-in for ``inspect`` that has it.
_inspect = ModuleType("inspect")
vars(_inspect).update(vars(inspect), getargspec=lambda function: inspect.getfullargspec(function)[:4])
flask_script.commands.inspect = _inspect
# The commands' parsers are made by Flask-Script; these two modules alone get a stand-in for ``argparse``.
_argparse = ModuleType("argparse")
vars(_argparse).update(vars(argparse), ArgumentParser=Parser)
flask_script.argparse = flask_script.commands.argparse = _argparse

__all__ = ["ClickCommand", "Command", "Manager", "Option", "Server", "Shell", "ShowUrls"]


class _HostOrHelp(argparse.Action):
    """``-h HOST`` is Flask-Script's; ``-h`` alone prints the help, as it does for every other command."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: str | None = None) -> None:
        if values is None:
            parser.print_help()
            parser.exit()
        setattr(namespace, self.dest, values)


class Server(flask_script.Server):
    """The development server: threads, and neither debugger (it runs code for whoever asks) nor reloader by itself."""

    help_args = ("-?", "--help")

    def __init__(self, **options: Any) -> None:
        super().__init__(use_debugger=False, use_reloader=False, threaded=True, **options)

    def get_options(self) -> Sequence[Option]:
        """Return Flask-Script's options, with a ``-h`` that may stand alone."""
        host, *others = super().get_options()
        return [Option(*host.args, **host.kwargs, nargs="?", action=_HostOrHelp, help="-h alone: this help"), *others]

    def __call__(self, app: Flask, *, processes: int = 1, threaded: bool = True, **options: Any) -> None:
        """Serve with threads or with processes: Werkzeug refuses both at once."""
        super().__call__(app, processes=processes, threaded=threaded and processes == 1, **options)


class ShowUrls(flask_script.commands.ShowUrls):
    """Print the route table, or the route of one URL."""

    def get_options(self) -> Sequence[Option]:
        """Return Flask-Script's options, with the values that ``--order`` may have."""
        url, order = super().get_options()
        return [url, Option(*order.args, **order.kwargs, choices=("rule", "endpoint"))]


class ClickCommand(Command):
    """A click command under a name of Flask-Script; its words are passed to it unchanged."""

    def __init__(self, command: click.Command, prog_name: str) -> None:
        super().__init__()
        self.command = command
        self.prog_name = prog_name
        self.__doc__ = command.get_short_help_str()
        self.words: Sequence[str] = ()

    def __call__(self, app: Flask) -> Any:
        """Run the command inside the application's context; return its exit status.

        A wrong command line is refused in one line with status 2. ``Command.main`` would do the same in four lines, and
        print an empty one after Ctrl-C.
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
    """Return click's message in one line, beginning and ending as argparse's do."""
    words = " ".join(error.format_message().split()).removesuffix(".")
    return words[:1].lower() + words[1:]


class Manager(flask_script.Manager):
    """The commands of a service; ``app`` is a factory that takes the values of the manager's own options.

    ``program`` is the name in help and messages (default: that of the running program), ``version`` what ``--version``
    prints.
    """

    help_args = ("-h", "--help", "-?")

    def __init__(self, app: Any, *, program: str | None = None, version: str | None = None, **options: Any) -> None:
        super().__init__(app, with_default_commands=False, **options)
        self._program, self._version = program, version

    def create_app(self, *args: Any, **kwargs: Any) -> Flask:
        """Make the application (the original raises an AttributeError on its way to warning of its age)."""
        app: Flask = self(*args, **kwargs)
        return app

    def _patch_argparser(self, parser: Any) -> None:
        """Leave the parser as it is; the original overwrites a name that argparse itself uses (3.12.8, 3.13.1)."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Parser:
        """Make the parser of the program, with one for each command in it."""
        parser: Parser = super().create_parser(*args, **kwargs)
        for each in (parser, *self._parsers(parser).values()):
            each.add_argument("--version", action="version", version=f"{parser.prog} {self._version}")
        return parser

    @staticmethod
    def _parsers(parser: Parser) -> dict[str, Parser]:
        [action] = [action for action in parser._actions if isinstance(action.choices, dict)]  # noqa: SLF001
        choices: Any = action.choices
        return dict(choices)

    def handle(self, prog: str, args: Sequence[str] | None = None) -> Any:
        """Run the command that ``args`` name, and return what it returns; exits where they name none."""
        words = list(args or [])
        parser = self.create_parser(self._program or Path(prog).name)
        if not words:
            parser.print_help()
            parser.exit(2)
        at = self._position_of_command(words)
        parser.require_known(words[:at])
        self._refuse_other_commands(parser, words[at : at + 1])
        command = self._commands.get("".join(words[at : at + 1]))
        if isinstance(command, ClickCommand) and words[at + 1 :] != ["--version"]:
            # argparse must not see them: it would take options such as --help for its own.
            words, command.words = words[: at + 1], words[at + 1 :]
        chosen = self._read(parser, words, at)
        *_, command = chosen.pop("func_stack")
        app = self(**{option.kwargs["dest"]: chosen.pop(option.kwargs["dest"]) for option in self.get_options()})
        return command(app, **chosen)

    def _refuse_other_commands(self, parser: Parser, named: Sequence[str]) -> None:
        for name in named:
            if name not in self._commands:
                parser.error(f"unknown command {name}{nearest(name, self._commands)}")

    def _read(self, parser: Parser, words: Sequence[str], at: int) -> dict[str, Any]:
        """Return the values of all options and arguments; the command is the last of ``func_stack``."""
        command: Parser | None = self._parsers(parser).get("".join(words[at : at + 1]))
        if command is not None:
            command.require_known(words[at + 1 :], parser)
        namespace, rest = parser.parse_known_args(words)
        if command is None:
            parser.error("a command is missing")
        if rest:
            command.error(f"unexpected argument {rest[0]}")
        return vars(namespace)

    def _position_of_command(self, words: Sequence[str]) -> int:
        with_value = {name for option in self.get_options() for name in option.args}
        at = 0
        while at < len(words) and words[at].startswith("-"):
            at += 2 if words[at] in with_value else 1
        return at
