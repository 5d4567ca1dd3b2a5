"""The parser of a command line: argparse with messages of one line, and with options by their whole names only."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from invsys.chassis.suggestions import nearest

# argparse takes such a word for a value.
_NUMBER = re.compile(r"-\d+(?:\.\d*)?|-\.\d+")


class Parser(argparse.ArgumentParser):
    """Ends a wrong command line with one line on standard error and status 2."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "allow_abbrev": False})

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse ignores an output that cannot be written.
        if message:
            (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        """Print the message with the name of the command, and exit."""
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'\n")

    def require_known(self, words: Sequence[str], program: argparse.ArgumentParser | None = None) -> None:
        """Exit if one of the words is an option that this parser does not have.

        ``program`` is the parser of the options that belong before the command.
        """
        for word in words:
            if word == "--":
                return
            if _is_option(word) and not _has(self, word):
                if program is not None and _has(program, word):
                    self.error(f"the option {_name(word)} belongs before the command")
                self.error(f"unknown option {_name(word)}{nearest(_name(word), _names(self))}")


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-" and not _NUMBER.fullmatch(word)


def _name(word: str) -> str:
    """Return the option's name in a word: ``--name`` of ``--name=value``, ``-n`` of ``-nvalue``."""
    return word.partition("=")[0] if word.startswith("--") else word[:2]


def _names(parser: argparse.ArgumentParser) -> list[str]:
    return list(parser._option_string_actions)  # noqa: SLF001 - argparse has no other way to list them


def _has(parser: argparse.ArgumentParser, word: str) -> bool:
    return _name(word) in _names(parser)
