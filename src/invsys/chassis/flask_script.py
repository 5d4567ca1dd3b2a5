"""Flask-Script 2.0.6 (2017) on today's Flask and Python, and a bridge from it to click's commands.

Its import needs names that Flask no longer has; they are lent to it, and taken away again.
"""

import argparse
import contextlib
import inspect
import sys
import warnings
from collections.abc import Iterator, Sequence
from types import MethodType, ModuleType
from typing import Any

import click
import flask
from flask import Flask
from flask.cli import ScriptInfo


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
    from flask_script.commands import Command, Option, Shell, ShowUrls

# inspect.getargspec went with Python 3.11; this module alone gets a stand-in for ``inspect`` that has it.
_inspect = ModuleType("inspect")
vars(_inspect).update(vars(inspect), getargspec=lambda function: inspect.getfullargspec(function)[:4])
flask_script.commands.inspect = _inspect

__all__ = ["ClickCommand", "Command", "Manager", "Option", "Server", "Shell", "ShowUrls"]


class Server(flask_script.Server):
    """The development server: threads, and neither debugger (it runs code for whoever asks) nor reloader by itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(use_debugger=False, use_reloader=False, threaded=True, **options)

    def __call__(self, app: Flask, *, processes: int = 1, threaded: bool = True, **options: Any) -> None:
        """Serve with threads or with processes: Werkzeug refuses both at once."""
        super().__call__(app, processes=processes, threaded=threaded and processes == 1, **options)


class ClickCommand(Command):
    """A click command under a name of Flask-Script; its words are handed over untouched."""

    capture_all_args = True

    def __init__(self, command: click.Command, prog_name: str) -> None:
        super().__init__()
        self.command = command
        self.prog_name = prog_name
        self.__doc__ = command.get_short_help_str()
        self.words: Sequence[str] = ()

    def __call__(self, app: Flask, *_: Any) -> None:
        """Run the command inside the application's context."""
        with app.app_context():
            self.command.main(list(self.words), self.prog_name, obj=ScriptInfo(create_app=lambda: app))


class Manager(flask_script.Manager):
    """The commands of a service; ``app`` is a factory that takes the values of the manager's own options."""

    def create_app(self, *args: Any, **kwargs: Any) -> Flask:
        """Make the application (the original raises an AttributeError on its way to warning of its age)."""
        app: Flask = self(*args, **kwargs)
        return app

    def create_parser(self, *args: Any, **kwargs: Any) -> argparse.ArgumentParser:
        """Make the parser; it knows options by their whole names only, as ``_position_of_command`` does."""
        parser: argparse.ArgumentParser = super().create_parser(*args, **kwargs)
        parser.allow_abbrev = False
        return parser

    def _patch_argparser(self, parser: Any) -> None:  # typed Any: private names of argparse differ
        """Make ``parser`` print its whole help when it gets no arguments.

        The original stores argparse's method as ``parser._parse_known_args2``, a name that argparse itself uses since
        Python 3.12.8 and 3.13.1.
        """
        parse_known_args = parser._parse_known_args  # noqa: SLF001 - as the original does

        def parse(parser: argparse.ArgumentParser, arguments: list[str], *args: Any, **kwargs: Any) -> Any:
            if not arguments:
                parser.print_help()
                parser.exit(2)
            return parse_known_args(arguments, *args, **kwargs)

        parser._parse_known_args = MethodType(parse, parser)  # noqa: SLF001

    def handle(self, prog: str, args: Sequence[str] | None = None) -> Any:
        """Run the command that ``args`` name."""
        words = list(args or [])
        at = self._position_of_command(words)
        command = self._commands.get(words[at]) if at < len(words) else None
        if isinstance(command, ClickCommand):
            # argparse must not see them: it would take options such as --help for its own.
            words, command.words = words[: at + 1], words[at + 1 :]
        return super().handle(prog, words)

    def _position_of_command(self, words: Sequence[str]) -> int:
        with_value = {name for option in self.get_options() for name in option.args}
        at = 0
        while at < len(words) and words[at].startswith("-"):
            at += 2 if words[at] in with_value else 1
        return at
