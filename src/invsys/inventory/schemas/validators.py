"""The rules for what callers send, body or query: names, attributes, the order of a period's sides."""

from collections.abc import Callable
from typing import Any

import orjson
from marshmallow import ValidationError, validate

from invsys.chassis import names
from invsys.chassis.http import headers

MAX_KEYS, MAX_KEY, MAX_VALUE = 32, 64, 256


NAME_VALIDATORS: list[Callable[[Any], Any]] = [validate.Length(1, 36), *names.VALIDATORS]
# Vehicles that were registered before names had all of these rules can still be found.
NAME_QUERY_VALIDATORS: list[Callable[[Any], Any]] = [
    lambda name: validate.Length(1, 36)(names.normalize(name)),
    names.no_control_characters,
    names.no_blank_ends,
]


def validate_attributes(attributes: dict[str, Any]) -> None:
    """Refuse what is no flat object of few, short members."""
    if len(attributes) > MAX_KEYS:
        raise ValidationError(f"At most {MAX_KEYS} keys.")
    for key, value in attributes.items():
        if not 1 <= len(key) <= MAX_KEY:
            raise ValidationError(f"A key has 1 to {MAX_KEY} characters.")
        if not isinstance(value, str | bool | int | float) or (isinstance(value, str) and len(value) > MAX_VALUE):
            raise ValidationError(f"{key}: a value is a string of up to {MAX_VALUE} characters, a number or a boolean.")


def at_most_16_kib(dump: dict[str, Any]) -> None:
    """Refuse a larger one."""
    if len(orjson.dumps(dump)) > 16 * 1024:
        raise ValidationError("At most 16 KiB of JSON.")


def validate_client_id(text: str) -> None:
    """Raise ValidationError for what the header that names a client could not hold."""
    if not headers.is_visible(text):
        raise ValidationError(headers.NOT_VISIBLE)


ALLOCATION_TYPE_VALIDATORS = validate.Length(1, 20)
A_STATUS = validate.OneOf(["confirmed", "held"])
_A_VALUE = {"type": ["string", "number", "boolean"], "maxLength": MAX_VALUE}
FLAT = {
    "additionalProperties": _A_VALUE,
    "maxProperties": MAX_KEYS,
    "propertyNames": {"minLength": 1, "maxLength": MAX_KEY},
}
