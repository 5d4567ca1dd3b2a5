"""Query strings: reject unknown and repeated parameters, and text that contains a NUL or is not UTF-8."""

import functools
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import request
from marshmallow import Schema, ValidationError, fields


def load(schema: Schema, prefix: str | None = None) -> dict[str, Any]:
    """Return the validated query parameters of the current request; raises marshmallow's ValidationError.

    Unknown parameters are refused: ignoring a misspelt filter would return too many items. Only the parameters of
    marshmallow's List fields may be repeated.

    With ``prefix``, all parameters whose names begin with it are allowed, and may be repeated. The schema's field of
    this name gets them as a list of pairs: the rest of the name, and the value.
    """
    _require_utf8()
    repeatable = _repeatable(schema)
    params: dict[str, Any] = {}
    pairs: list[tuple[str, str]] = []
    errors: dict[str, list[str]] = {}
    for name, value in request.args.items(multi=True):
        # PostgreSQL refuses a NUL in any text, also in a comparison.
        if "\0" in name or "\0" in value:
            errors[name] = ["A NUL is not allowed."]
        elif prefix is not None and name.startswith(prefix):
            pairs.append((name.removeprefix(prefix), value))
        elif name in repeatable:
            params.setdefault(name, []).append(value)
        elif name in params:
            errors[name] = ["Must not be repeated."]
        else:
            params[name] = value
    if errors:
        raise ValidationError(errors)
    if prefix is not None and pairs:
        params[prefix] = pairs
    loaded: dict[str, Any] = schema.load(params)
    return loaded


@functools.cache
def _repeatable(schema: Schema) -> frozenset[str]:
    """Return the names of the parameters that a List field loads."""
    return frozenset(field.data_key or name for name, field in schema.fields.items() if isinstance(field, fields.List))


def refuse() -> None:
    """Refuse every query parameter, for requests that take none; raises marshmallow's ValidationError."""
    _require_utf8()
    if request.args:
        raise ValidationError({name: ["Unknown field."] for name in request.args})


def _require_utf8() -> None:
    """Raise ValidationError if a parameter is not UTF-8.

    Werkzeug fails on raw bytes that are not UTF-8, and reads an invalid ``%FF`` as these three characters.
    """
    query = request.query_string
    if query.isascii() and b"%" not in query:
        return
    parts = [part for part in query.split(b"&") if not _is_utf8(unquote_to_bytes(part))]
    if parts:
        names = (unquote_to_bytes(part.partition(b"=")[0].replace(b"+", b" ")) for part in parts)
        raise ValidationError({name.decode("utf-8", "backslashreplace"): ["Not UTF-8."] for name in names})


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
