"""Settings from INI files and environment variables, validated by one schema.

Each source overrides the ones before it: the package's ``default_config.ini``, the operator's file, and the environment
variables ``INVSYS_<SECTION>_<KEY>``. A setting that is not in the schema is an error in every source.
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

# Up to the last @, because a password may contain a colon or a slash.
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^:/?#@]*:).*@")
_SECRET_KEY = re.compile(r"(?:.*_)?secret")
_PASSWORD_IN_QUERY = re.compile(r"(?<=password=)[^&]*")

Section = dict[str, Any]


class SettingsError(Exception):
    """A setting cannot be used; the message contains the name and the source of the setting."""


@dataclass(frozen=True)
class Settings:
    """The effective settings, such as ``settings["server"]["port"]``, and the source of each."""

    values: Mapping[str, Section]
    origins: Mapping[tuple[str, str], str]

    def __getitem__(self, section: str) -> Section:
        return self.values[section]

    def masked(self, section: str, key: str) -> str:
        """Return a setting as text, with passwords and secrets masked."""
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
    """Read the settings from all sources and validate them.

    The operator's file is ``file`` (the option ``-c``), otherwise the file in ``INVSYS_CONFIG``, otherwise
    ``/etc/invsys/<service>.ini`` if it exists. Raises SettingsError.
    """
    texts: dict[str, dict[str, str]] = {}
    origins: dict[tuple[str, str], str] = {}

    def override(section: str, key: str, text: str, origin: str) -> None:
        texts.setdefault(section, {})[key] = text
        origins[section, key] = origin

    for section, key, text in _read_ini(default.read_text("utf-8"), "default_config.ini"):
        override(section, key, text, "default")
    path = _operators_file(file or environ.get(CONFIG_VARIABLE), service)
    if path is not None:
        for section, key, text in _read_ini(_text_of(path), str(path)):
            override(section, key, text, str(path))
    for name, section, key, text in _from_environment(schema, environ):
        override(section, key, text, name)

    for section, keys in texts.items():
        for key, text in keys.items():
            if data_home.VARIABLE in text:
                keys[key] = text.replace(data_home.VARIABLE, _data_home(environ, section, key))

    try:
        values = schema.load(texts)
    except ValidationError as error:
        messages = _with_valid_names(error.messages_dict, schema)
        raise SettingsError("\n".join(_lines(messages, origins))) from error
    return Settings({s: v for s, v in values.items() if isinstance(v, dict)}, origins)


def _data_home(environ: Mapping[str, str], section: str, key: str) -> str:
    try:
        return str(data_home.folder(environ))
    except RuntimeError as error:
        raise SettingsError(f"[{section}] {key}: {error}") from error


def _operators_file(path: str | None, service: str) -> Path | None:
    if path:
        return Path(path)
    default_path = Path(f"/etc/invsys/{service}.ini")
    try:
        default_path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        # The file may exist, but this user cannot access it. Reading it then reports an error.
        pass
    return default_path


def _text_of(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: cannot be read: byte {error.start + 1} is not UTF-8") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    if text.startswith("\ufeff"):
        raise SettingsError(f"{path}: begins with a byte order mark; save it as UTF-8 without one")
    return text


def _read_ini(text: str, source: str) -> Iterator[tuple[str, str, str]]:
    # No interpolation, because a database password may contain "%". No default section, because its keys would appear
    # in every other section.
    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text, source)
    except IniError as error:
        raise SettingsError(f"{source}: {describe_ini_error(error)}") from error
    for section in parser.sections():
        for key, value in parser.items(section):
            if "\n" in value:
                # ConfigParser reads an indented line as a continuation of the previous one, which is rarely intended.
                raise SettingsError(f"[{section}] {key} (from {source}): a value must be on one line.")
            yield section, key, value


def build_or_exit(build: Callable[[], Flask]) -> Flask:
    """Return the result of ``build``; on a SettingsError, print one line and exit with status 1."""
    try:
        return build()
    except SettingsError as error:
        sys.exit(f"settings: {error}")


def describe_ini_error(error: IniError, section: str = "server") -> str:
    """Return a one-line description of an error in an INI file, without the text of the file: it may contain secrets.

    ``section`` is an example of a section name.
    """
    if isinstance(error, MissingSectionHeaderError):
        return f"line {error.lineno}: a section such as [{section}] is missing"
    if isinstance(error, ParsingError):
        return f"line {', '.join(str(number) for number, _ in error.errors)}: neither [section] nor key = value"
    return " ".join(str(error).split())


def _from_environment(schema: Schema, environ: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    # Longest names first, in case the name of one section is a prefix of another.
    sections = sorted(schema.fields, key=len, reverse=True)
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        rest = name.removeprefix(PREFIX).lower()
        section = next((s for s in sections if rest.startswith(f"{s}_")), None)
        if section is None:
            names = [CONFIG_VARIABLE, *(f"{PREFIX}{s}_{key}".upper() for s in sections for key in _keys(schema, s))]
            instead = nearest(name, names) or nearest_or_all("", sections, "sections")
            raise SettingsError(f"{name}: no such setting{instead}")
        yield name, section, rest.removeprefix(f"{section}_"), environ[name].strip()


def _keys(schema: Schema, section: str) -> list[str]:
    """Return the valid keys of a section, or an empty list if any key is valid."""
    field = schema.fields.get(section)
    return list(field.schema.fields) if isinstance(field, Nested) else []


def _with_valid_names(messages: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return marshmallow's messages with suggestions for unknown sections and keys.

    A suggestion is the most similar valid name, or all valid names if none is similar.
    """
    result: dict[str, Any] = {}
    for section, section_messages in messages.items():
        if section not in schema.fields:
            result[section] = [f"No such section{nearest_or_all(section, schema.fields, 'sections')}."]
        elif isinstance(section_messages, dict) and (keys := _keys(schema, section)):
            unknown = {
                key: [f"No such setting{nearest_or_all(key, keys, f'settings of [{section}]')}."]
                for key in section_messages
                if key != "_schema" and key not in keys
            }
            result[section] = {**section_messages, **unknown}
        else:
            result[section] = section_messages
    return result


def _lines(messages: Mapping[str, Any], origins: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for section, section_messages in sorted(messages.items()):
        by_key = section_messages if isinstance(section_messages, dict) else {"_schema": section_messages}
        for key, key_messages in sorted(by_key.items()):
            if key == "_schema":  # the section as a whole
                sources = {origin for (name, _), origin in origins.items() if name == section}
                yield f"[{section}]{_from(sources)}: {_sentence(key_messages)}"
            else:
                yield f"[{section}] {key}{_from({origins.get((section, key))})}: {_sentence(key_messages)}"


def _from(sources: set[str | None] | set[str]) -> str:
    names = sorted(source for source in sources if source)
    return f" (from {', '.join(names)})" if names else ""


def _sentence(messages: Any) -> str:
    groups = messages.values() if isinstance(messages, dict) else [messages]
    return " ".join(str(text) for group in groups for text in (group if isinstance(group, list) else [group]))
