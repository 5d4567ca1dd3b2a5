"""Query strings: every parameter known, given once, and free of what no database can look for."""

from typing import Any

from flask import request
from marshmallow import Schema, ValidationError


def load(schema: Schema) -> dict[str, Any]:
    """Read the request's query; a parameter that is not known is refused, as a misspelt filter would show too much.

    Raises marshmallow's ValidationError.
    """
    faults = {name: ["Given more than once."] for name, values in request.args.lists() if len(values) > 1}
    # PostgreSQL has no text with a NUL in it, not even to look for.
    faults |= {name: ["A NUL is not allowed."] for name, value in request.args.items() if "\0" in value}
    if faults:
        raise ValidationError(faults)
    loaded: dict[str, Any] = schema.load(request.args)
    return loaded
