"""A command line parser: argparse with one-line error messages and without abbreviated options."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from invsys.chassis.suggestions import nearest

# argparse treats such a word as a value, not as an option.
_NUMBER = re.compile(r"-\d+(?:\.\d*)?|-\.\d+")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that reports an invalid command line in one line on standard error, with exit status 2."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "allow_abbrev": False})

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse ignores errors when it writes; here they are raised.
        if message:
            (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        """Print the name of the command and the message, and exit with status 2."""
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'\n")

    def require_known(self, words: Sequence[str], program: argparse.ArgumentParser | None = None) -> None:
        """Exit with an error if one of the words is an option that this parser does not have.

        ``program`` is the parser of the options that come before the command.
        """
        for word in words:
            if word == "--":
                return
            if _is_option(word) and not _has(self, word):
                if program is not None and _has(program, word):
                    self.error(f"the option {_name(word)} must come before the command")
                self.error(f"unknown option {_name(word)}{nearest(_name(word), _names(self))}")


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-" and not _NUMBER.fullmatch(word)


def _name(word: str) -> str:
    """Return the name of the option in a word: ``--name`` for ``--name=value``, ``-n`` for ``-nvalue``."""
    return word.partition("=")[0] if word.startswith("--") else word[:2]


def _names(parser: argparse.ArgumentParser) -> list[str]:
    return list(parser._option_string_actions)  # noqa: SLF001 - argparse has no other way to list them


def _has(parser: argparse.ArgumentParser, word: str) -> bool:
    return _name(word) in _names(parser)
