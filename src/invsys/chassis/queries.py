"""Query strings: every parameter known, given once, and free of what no database can look for."""

from typing import Any

from flask import request
from marshmallow import Schema, ValidationError


def load(schema: Schema, gathered: str | None = None) -> dict[str, Any]:
    """Read the request's query; a parameter that is not known is refused, as a misspelt filter would show too much.

    Those whose names begin with ``gathered`` may be any and repeated: the schema's field of that name gets them as a
    list of pairs, what follows the beginning and the value. Raises marshmallow's ValidationError.
    """
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
