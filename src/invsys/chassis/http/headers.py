"""Validation of headers whose values are identifiers, such as ``X-Client-Id`` and ``Idempotency-Key``."""

import re

from flask import request
from marshmallow import ValidationError

NOT_VISIBLE = "1 to 255 visible ASCII characters, without spaces."

_VISIBLE = re.compile(r"[!-~]{1,255}")


def require_visible(name: str) -> str:
    """Return the value of a header of the current request.

    Raises marshmallow's ValidationError unless the value has 1 to 255 visible ASCII characters.
    """
    value = request.headers[name]
    if not is_visible(value):
        raise ValidationError({name: [NOT_VISIBLE]})
    return value


def is_visible(text: str) -> bool:
    """Return whether a text has 1 to 255 visible ASCII characters."""
    return _VISIBLE.fullmatch(text) is not None
