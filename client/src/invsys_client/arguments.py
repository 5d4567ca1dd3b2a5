"""Checks of arguments: what the contract would refuse raises ValueError or TypeError before a request is sent.

Each message begins with the name of the argument.
"""

from __future__ import annotations

import json
import math
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from invsys_client.options import ANY_VERSION, Id, Match
from invsys_client.records import format_etag

MAX_IDS = 100
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=timezone.utc), datetime(9999, 1, 1, tzinfo=timezone.utc)
_INT64 = range(-(2**63), 2**63)
_MAX_KEYS, _MAX_KEY, _MAX_VALUE = 32, 64, 256
_MAX_DUMP = 16 * 1024
# A body may be nested 32 deep, and contains the dump.
_MAX_DEPTH = 31


def instant(argument: str, value: object) -> str:
    """Return a datetime in UTC as ISO 8601; a naive one is refused, because it would be ambiguous."""
    if not isinstance(value, datetime):
        raise TypeError(f"{argument}: {value!r} is not a datetime")
    if value.utcoffset() is None:
        raise ValueError(f"{argument}: {value!r} has no UTC offset: use an aware datetime, for example with tzinfo=UTC")
    try:
        utc = value.astimezone(timezone.utc)
    except OverflowError:
        utc = _LATEST
    if not _EARLIEST <= utc < _LATEST:
        raise ValueError(f"{argument}: {value!r} is outside the years 1900 to 9998")
    return utc.isoformat().replace("+00:00", "Z")


def require_order(argument: str, start: datetime | None, end: datetime | None) -> None:
    """Raise ValueError for the end of a period that is not after its start."""
    if start is not None and end is not None and start >= end:
        raise ValueError(f"{argument}: {end!r} is not after the start, {start!r}")


def duration(argument: str, value: object) -> str:
    """Return a timedelta as ISO 8601; it must be a positive number of whole seconds."""
    if not isinstance(value, timedelta):
        raise TypeError(f"{argument}: {value!r} is not a timedelta")
    if value <= timedelta() or value.microseconds:
        raise ValueError(f"{argument}: {value!r} is not a positive number of whole seconds")
    return f"P{value.days}DT{value.seconds}S"


def whole_number(argument: str, value: object, least: int, most: int) -> int:
    """Return an integer between two limits."""
    if type(value) is not int:
        raise TypeError(f"{argument}: {value!r} is not an integer")
    if not least <= value <= most:
        raise ValueError(f"{argument}: {value} is not between {least:,} and {most:,}")
    return value


def text(argument: str, value: object, most: int, least: int = 1) -> str:
    """Return a string of ``least`` to ``most`` characters that a database can store."""
    if not isinstance(value, str):
        raise TypeError(f"{argument}: {value!r} is not a string")
    # The service counts the characters of the normal form C.
    if not least <= len(unicodedata.normalize("NFC", value[: 4 * most + 1])) <= most:
        raise ValueError(f"{argument}: {value[: most + 1]!r} does not have {least} to {most} characters")
    _require_storable(argument, value)
    return value


def name(argument: str, value: object, most: int) -> str:
    """Return a name or number of 1 to ``most`` characters, without control characters and blanks at its ends."""
    checked = text(argument, value, most)
    _refuse_control_characters(argument, checked)
    if checked != checked.strip():
        raise ValueError(f"{argument}: {checked!r} begins or ends with a blank")
    return checked


def prefix(argument: str, value: object, most: int) -> str:
    """Return the beginning of a name, which can end with a blank."""
    checked = text(argument, value, most)
    _refuse_control_characters(argument, checked)
    return checked


def one_of(argument: str, value: object, *values: str) -> str:
    """Return one of several strings."""
    if value not in values:
        raise ValueError(f"{argument}: {value!r} is not one of {', '.join(map(repr, values))}")
    return str(value)


def identifier(argument: str, value: object) -> str:
    """Return an id as text; other texts, such as ``all`` and ``any``, would have another meaning in a URL."""
    try:
        return str(uuid.UUID(str(value)))
    except ValueError as error:
        raise ValueError(f"{argument}: {value!r} is not a UUID") from error


def identifiers(argument: str, values: Iterable[Id]) -> list[str]:
    """Return up to 100 ids as text."""
    if isinstance(values, str):
        raise TypeError(f"{argument}: {values!r} is one string, not several ids")
    return at_most(argument, [identifier(argument, value) for value in values])


def at_most(argument: str, values: list[str]) -> list[str]:
    """Return a list of up to 100 values of a repeated parameter."""
    if len(values) > MAX_IDS:
        raise ValueError(f"{argument}: {len(values)} values, at most {MAX_IDS} are possible")
    return values


def if_match_header(match: Match) -> dict[str, str]:
    """Return the header for ``if_match``; raises ValueError if it is neither a version nor an ETag, for example None.

    Ignoring None would silently skip the check that the caller wanted.
    """
    if type(match) is int:
        return {"If-Match": format_etag(match)}
    if not isinstance(match, str) or not match or not match.isascii() or not match.isprintable():
        raise ValueError(f"if_match: {match!r} is neither a version nor an ETag; ANY_VERSION means: do not check")
    return {} if match == ANY_VERSION else {"If-Match": match}


def attributes(argument: str, value: object) -> dict[str, Any]:
    """Return a flat object of up to 32 attributes."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{argument}: {value!r} is not a mapping")
    if len(value) > _MAX_KEYS:
        raise ValueError(f"{argument}: {len(value)} keys, at most {_MAX_KEYS} are possible")
    for key, item in value.items():
        text(f"{argument}: the key {key!r}", key, _MAX_KEY)
        if not isinstance(item, (str, int, float)):
            raise TypeError(f"{argument}[{key!r}]: {item!r} is no string, number or boolean")
        if isinstance(item, str) and len(item) > _MAX_VALUE:
            raise ValueError(f"{argument}[{key!r}]: more than {_MAX_VALUE} characters")
        _require_json(f"{argument}[{key!r}]", item, 1)
    return dict(value)


def json_object(argument: str, value: object) -> dict[str, Any]:
    """Return an object of at most 16 KiB of JSON, as strict as the service (RFC 8259)."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{argument}: {value!r} is not a mapping")
    document = dict(value)
    _require_json(argument, document, 1)
    if len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()) > _MAX_DUMP:
        raise ValueError(f"{argument}: more than 16 KiB of JSON")
    return document


def _require_json(argument: str, value: object, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError(f"{argument}: nested too deep")
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{argument}: the key {key!r} is not a string")
            _require_storable(argument, key)
    elif not isinstance(value, (list, tuple)):
        _require_scalar(argument, value)
        return
    for member in value.values() if isinstance(value, dict) else value:
        _require_json(argument, member, depth + 1)


def _require_scalar(argument: str, value: object) -> None:
    if isinstance(value, str):
        _require_storable(argument, value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{argument}: {value!r} is not a number of JSON")
    elif isinstance(value, int):
        if value not in _INT64:
            raise ValueError(f"{argument}: {value} has more than 64 bits")
    elif value is not None:
        raise TypeError(f"{argument}: {value!r} is not JSON")


def _require_storable(argument: str, value: str) -> None:
    if "\0" in value or (not value.isprintable() and any("\ud800" <= character <= "\udfff" for character in value)):
        raise ValueError(f"{argument}: it contains a NUL or half of a surrogate pair")


def _refuse_control_characters(argument: str, value: str) -> None:
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError(f"{argument}: {value!r} contains control characters")
