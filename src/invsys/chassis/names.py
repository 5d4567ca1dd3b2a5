"""Names of things: Unicode normal form C, without characters that cannot be seen.

Otherwise two names that look the same could be different names (Unicode Technical Report 36, section 2).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields

# Inside brackets, in the syntax that Python's re and ECMA-262 share: JSON schemas have it too. Beyond the Basic
# Multilingual Plane they share no escapes, so these characters are written as they are.
_CONTROL = r"\x00-\x1f\x7f-\x9f"
# The categories Cf, Zl and Zp, and Default_Ignorable_Code_Point (DerivedCoreProperties.txt), of Unicode 16. The zero
# width joiner is one of them: emoji and some scripts use it, but in other places it is not visible.
_INVISIBLE = (
    r"\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSEEN = _CONTROL + _INVISIBLE
_CONTROL_CHARACTER = re.compile(f"[{_CONTROL}]")
_INVISIBLE_CHARACTER = re.compile(f"[{_INVISIBLE}]")

# Members of a name's schema in an OpenAPI document.
METADATA = {
    "pattern": rf"^[^\s{_UNSEEN}]([^{_UNSEEN}]*[^\s{_UNSEEN}])?$",
    "description": "Not blank at either end, no control or invisible characters; kept in Unicode normal form C",
}


class Name(fields.String):
    """A name; loading brings it into normal form C."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return normalize(super()._deserialize(value, attr, data, **kwargs))


def normalize(name: str) -> str:
    """Return the name in normal form C."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def spellings(name: str) -> set[str]:
    """Return the forms in which a name may have been stored before names were normalized."""
    return {name} if name.isascii() else {name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))}


def no_control_characters(name: str) -> None:
    """Raise ValidationError for a name with a character of the category Cc."""
    if _CONTROL_CHARACTER.search(name):
        raise ValidationError("Control characters are not allowed.")


def no_invisible_characters(name: str) -> None:
    """Raise ValidationError for a name with a character that shows nothing or changes the direction of the text."""
    if found := _INVISIBLE_CHARACTER.search(name):
        raise ValidationError(f"Invisible characters are not allowed: U+{ord(found[0]):04X}.")


def no_blank_ends(name: str) -> None:
    """Raise ValidationError for a name that begins or ends with white space."""
    if name != name.strip():
        raise ValidationError("Must not begin or end with a blank.")


# The validators of a ``Name``, except for its length.
VALIDATORS: list[Callable[[str], None]] = [no_control_characters, no_invisible_characters, no_blank_ends]
