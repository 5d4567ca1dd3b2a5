"""Headers that callers name things by: what is usable in them."""

import re

from flask import request
from marshmallow import ValidationError

NOT_VISIBLE = "1 to 255 visible ASCII characters, without blanks."

_VISIBLE = re.compile(r"[!-~]{1,255}")


def visible(name: str) -> str:
    """Give a header of 1 to 255 visible ASCII characters; raises marshmallow's ValidationError for any other."""
    value = request.headers[name]
    if not is_visible(value):
        raise ValidationError({name: [NOT_VISIBLE]})
    return value


def is_visible(text: str) -> bool:
    """Say whether a text has 1 to 255 visible ASCII characters."""
    return _VISIBLE.fullmatch(text) is not None
