"""The messages of marshmallow's ValidationError, each with the path of its field."""

from collections.abc import Iterator
from typing import Any

from marshmallow import ValidationError
from marshmallow.exceptions import SCHEMA


def field_messages(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield (field, message) for every message of the error; a nested field is a path, ``changes.3.to_datetime``."""
    for name, messages in error.normalized_messages().items():  # type: ignore[no-untyped-call]
        yield from _flat_messages(str(name), messages)


def _flat_messages(path: str, messages: Any) -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for name, nested in messages.items():
            # An error of a whole object has no field.
            yield from _flat_messages(path if name == SCHEMA else f"{path}.{name}", nested)
    elif isinstance(messages, list):
        yield from ((path, str(message)) for message in messages)
    else:
        yield path, str(messages)
