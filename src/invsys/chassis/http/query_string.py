"""Query strings: every parameter known, given once, and free of what no database can look for."""

from typing import Any
from urllib.parse import unquote_to_bytes

from flask import request
from marshmallow import Schema, ValidationError


def load(schema: Schema, gathered: str | None = None) -> dict[str, Any]:
    """Read the request's query; a parameter that is not known is refused, as a misspelt filter would show too much.

    Those whose names begin with ``gathered`` may be any and repeated: the schema's field of that name gets them as a
    list of pairs, what follows the beginning and the value. Raises marshmallow's ValidationError.
    """
    _require_utf8()
    given: dict[str, Any] = {}
    pairs: list[tuple[str, str]] = []
    faults: dict[str, list[str]] = {}
    for name, value in request.args.items(multi=True):
        # PostgreSQL has no text with a NUL in it, not even to look for.
        if "\0" in name or "\0" in value:
            faults[name] = ["A NUL is not allowed."]
        elif gathered is not None and name.startswith(gathered):
            pairs.append((name.removeprefix(gathered), value))
        elif name in given:
            faults[name] = ["Given more than once."]
        else:
            given[name] = value
    if faults:
        raise ValidationError(faults)
    if gathered is not None and pairs:
        given[gathered] = pairs
    loaded: dict[str, Any] = schema.load(given)
    return loaded


def refuse() -> None:
    """Refuse every parameter, for a request that none belongs to; raises marshmallow's ValidationError."""
    _require_utf8()
    if request.args:
        raise ValidationError({name: ["Unknown field."] for name in request.args})


def _require_utf8() -> None:
    """Raise ValidationError for parameters that are not UTF-8.

    Werkzeug fails on raw bytes that are not UTF-8, and would take ``%FF`` for the text of these three letters.
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
