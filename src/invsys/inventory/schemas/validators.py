"""Validators of request bodies and queries: names, references, attributes, dumps, client ids."""

from collections.abc import Callable
from typing import Any

import orjson
from marshmallow import ValidationError, validate

from invsys.chassis import names
from invsys.chassis.http import headers
from invsys.inventory.db.models import MAX_NAME

MAX_KEYS, MAX_KEY, MAX_VALUE = 32, 64, 256


REFERENCE_VALIDATORS: list[Callable[[Any], Any]] = [validate.Length(1, 128), *names.VALIDATORS]
REFERENCE_METADATA = {**names.METADATA, "description": f"The caller's order number. {names.METADATA['description']}"}
NAME_VALIDATORS: list[Callable[[Any], Any]] = [validate.Length(1, MAX_NAME), *names.VALIDATORS]
# Without the rules that were added later, so that vehicles registered before them can be found.
NAME_QUERY_VALIDATORS: list[Callable[[Any], Any]] = [
    lambda name: validate.Length(1, MAX_NAME)(names.normalize(name)),
    names.no_control_characters,
    names.no_blank_ends,
]
# A prefix can end with a blank, unlike a name.
NAME_PREFIX_VALIDATORS: list[Callable[[Any], Any]] = [validate.Length(1, MAX_NAME), names.no_control_characters]


def validate_attributes(attributes: dict[str, Any]) -> None:
    """Raise ValidationError unless the object is flat, and its keys and values are within the limits."""
    if len(attributes) > MAX_KEYS:
        raise ValidationError(f"At most {MAX_KEYS} keys.")
    for key, value in attributes.items():
        if not 1 <= len(key) <= MAX_KEY:
            raise ValidationError(f"A key has 1 to {MAX_KEY} characters.")
        if not isinstance(value, str | bool | int | float) or (isinstance(value, str) and len(value) > MAX_VALUE):
            raise ValidationError(f"{key}: a value is a string of up to {MAX_VALUE} characters, a number or a boolean.")


def validate_dump(dump: dict[str, Any]) -> None:
    """Raise ValidationError if the object is more than 16 KiB of JSON."""
    if len(orjson.dumps(dump)) > 16 * 1024:
        raise ValidationError("At most 16 KiB of JSON.")


def validate_client_id(text: str) -> None:
    """Raise ValidationError for an id that the header X-Client-Id could not contain."""
    if not headers.is_visible(text):
        raise ValidationError(headers.NOT_VISIBLE)


ALLOCATION_TYPE_VALIDATORS = validate.Length(1, 20)
STATUS_VALIDATOR = validate.OneOf(["confirmed", "held"])
# Generated clients take the title as the name of a class.
_ATTRIBUTE_VALUE = {"title": "AttributeValue", "type": ["string", "number", "boolean"], "maxLength": MAX_VALUE}
ATTRIBUTES_SCHEMA = {
    "additionalProperties": _ATTRIBUTE_VALUE,
    "maxProperties": MAX_KEYS,
    "propertyNames": {"minLength": 1, "maxLength": MAX_KEY},
}
