"""Settings: INI files laid over one another, environment variables over those, checked by one schema.

The order, each over the one before: the package's ``default_config.ini``, the operator's file, and for each key
``INVSYS_<SECTION>_<KEY>``. A setting that the schema does not know is refused by name, wherever it came from.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from configparser import ConfigParser, MissingSectionHeaderError, ParsingError
from configparser import Error as IniError
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from flask import Flask
from marshmallow import Schema, ValidationError
from marshmallow.fields import Nested

from invsys.chassis.config import data_home
from invsys.chassis.suggestions import nearest, nearest_or_all

PREFIX = "INVSYS_"
CONFIG_VARIABLE = "INVSYS_CONFIG"

# Up to the last @: a password may hold a colon or a slash.
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^:/?#@]*:).*@")
_SECRET_KEY = re.compile(r"(?:.*_)?secret")
_PASSWORD_IN_QUERY = re.compile(r"(?<=password=)[^&]*")

Section = dict[str, Any]


class SettingsError(Exception):
    """A setting cannot be used; the message names it, and where it came from."""


@dataclass(frozen=True)
class Settings:
    """The settings in force: ``settings["server"]["port"]``, and where each came from."""

    values: Mapping[str, Section]
    origins: Mapping[tuple[str, str], str]

    def __getitem__(self, section: str) -> Section:
        return self.values[section]

    def masked(self, section: str, key: str) -> str:
        """Return a setting as text, without passwords and secrets."""
        return _masked(key, str(self.values[section][key]))

    def entries(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield (section, key, value, origin) of every setting, with passwords and secrets masked."""
        for section, keys in self.values.items():
            for key in keys:
                yield section, key, self.masked(section, key), self.origins[section, key]


def _masked(key: str, value: str) -> str:
    if _SECRET_KEY.fullmatch(key):
        return "***" if value else ""
    return _PASSWORD_IN_QUERY.sub("***", _PASSWORD_IN_URL.sub(r"\1***@", value)) if "://" in value else value


def load(
    schema: Schema, default: Traversable, service: str, environ: Mapping[str, str], file: str | None = None
) -> Settings:
    """Lay the layers over one another and check the outcome.

    ``file`` is the operator's choice (``-c``); without it ``INVSYS_CONFIG`` names the file, and without that
    ``/etc/invsys/<service>.ini`` is read where it exists. Raises SettingsError.
    """
    texts: dict[str, dict[str, str]] = {}
    origins: dict[tuple[str, str], str] = {}

    def lay(section: str, key: str, text: str, origin: str) -> None:
        texts.setdefault(section, {})[key] = text
        origins[section, key] = origin

    for section, key, text in _read_ini(default.read_text("utf-8"), "default_config.ini"):
        lay(section, key, text, "default")
    path = _operators_file(file or environ.get(CONFIG_VARIABLE), service)
    if path is not None:
        for section, key, text in _read_ini(_text_of(path), str(path)):
            lay(section, key, text, str(path))
    for name, section, key, text in _from_environment(schema, environ):
        lay(section, key, text, name)

    for section, keys in texts.items():
        for key, text in keys.items():
            if data_home.VARIABLE in text:
                keys[key] = text.replace(data_home.VARIABLE, _data_home(environ, section, key))

    try:
        values = schema.load(texts)
    except ValidationError as error:
        raise SettingsError("\n".join(_worded(_named(error.messages_dict, schema), origins))) from error
    return Settings({s: v for s, v in values.items() if isinstance(v, dict)}, origins)


def _data_home(environ: Mapping[str, str], section: str, key: str) -> str:
    try:
        return str(data_home.folder(environ))
    except RuntimeError as error:
        raise SettingsError(f"[{section}] {key}: {error}") from error


def _operators_file(chosen: str | None, service: str) -> Path | None:
    if chosen:
        return Path(chosen)
    usual = Path(f"/etc/invsys/{service}.ini")
    try:
        usual.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        # It may well be there, for others to read: not the defaults then, but a word about it.
        pass
    return usual


def _text_of(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: cannot be read: byte {error.start + 1} is not UTF-8") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    if text.startswith("\ufeff"):
        raise SettingsError(f"{path}: begins with a byte order mark: save it as UTF-8 without one")
    return text


def _read_ini(text: str, source: str) -> Iterator[tuple[str, str, str]]:
    # No interpolation: a "%" in a database password is just that. No [DEFAULT] that leaks into every section.
    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text, source)
    except IniError as error:
        raise SettingsError(f"{source}: {ini_fault(error)}") from error
    for section in parser.sections():
        for key, value in parser.items(section):
            if "\n" in value:
                # An indented line belongs to the one above it; hardly anybody means that.
                raise SettingsError(f"[{section}] {key} (from {source}): a value stands on one line.")
            yield section, key, value


def or_exit(build: Callable[[], Flask]) -> Flask:
    """Return what ``build`` returns; settings that cannot be used end the process with one line and status 1."""
    try:
        return build()
    except SettingsError as error:
        sys.exit(f"settings: {error}")


def ini_fault(error: IniError, section: str = "server") -> str:
    """Return what is wrong with an INI file, in one line and without quoting it: a line may hold a secret.

    ``section`` is an example of a section's name.
    """
    if isinstance(error, MissingSectionHeaderError):
        return f"line {error.lineno}: a section such as [{section}] is missing"
    if isinstance(error, ParsingError):
        return f"line {', '.join(str(number) for number, _ in error.errors)}: neither [section] nor key = value"
    return " ".join(str(error).split())


def _from_environment(schema: Schema, environ: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    # The longest section first, should one section's name ever begin another's.
    sections = sorted(schema.fields, key=len, reverse=True)
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        rest = name.removeprefix(PREFIX).lower()
        section = next((s for s in sections if rest.startswith(f"{s}_")), None)
        if section is None:
            names = [CONFIG_VARIABLE, *(f"{PREFIX}{s}_{key}".upper() for s in sections for key in _keys(schema, s))]
            instead = nearest(name, names) or nearest_or_all("", sections, "sections")
            raise SettingsError(f"{name}: names no setting{instead}")
        yield name, section, rest.removeprefix(f"{section}_"), environ[name].strip()


def _keys(schema: Schema, section: str) -> list[str]:
    """Return the keys of a section; none if they are free."""
    field = schema.fields.get(section)
    return list(field.schema.fields) if isinstance(field, Nested) else []


def _named(messages: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return marshmallow's messages; those about unknown sections and keys name the valid ones."""
    named: dict[str, Any] = {}
    for section, faults in messages.items():
        if section not in schema.fields:
            named[section] = [f"No such section{nearest_or_all(section, schema.fields, 'sections')}."]
        elif isinstance(faults, dict) and (keys := _keys(schema, section)):
            unknown = {
                key: [f"No such setting{nearest_or_all(key, keys, f'settings of [{section}]')}."]
                for key in faults
                if key != "_schema" and key not in keys
            }
            named[section] = {**faults, **unknown}
        else:
            named[section] = faults
    return named


def _worded(messages: Mapping[str, Any], origins: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for section, faults in sorted(messages.items()):
        by_key = faults if isinstance(faults, dict) else {"_schema": faults}
        for key, fault in sorted(by_key.items()):
            if key == "_schema":  # the section as a whole
                sources = {origin for (name, _), origin in origins.items() if name == section}
                yield f"[{section}]{_from(sources)}: {_sentence(fault)}"
            else:
                yield f"[{section}] {key}{_from({origins.get((section, key))})}: {_sentence(fault)}"


def _from(sources: set[str | None] | set[str]) -> str:
    named = sorted(source for source in sources if source)
    return f" (from {', '.join(named)})" if named else ""


def _sentence(fault: Any) -> str:
    faults = fault.values() if isinstance(fault, dict) else [fault]
    return " ".join(str(word) for group in faults for word in (group if isinstance(group, list) else [group]))
