"""Names of items: in Unicode normal form C, without invisible characters.

Without these rules, two different names could look the same (Unicode Technical Report 36, section 2).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields

# The content of a character class, in the syntax that Python's re and ECMA-262 share, because JSON schemas use it too.
_CONTROL = r"\x00-\x1f\x7f-\x9f"
# The categories Cf, Zl and Zp, and Default_Ignorable_Code_Point (DerivedCoreProperties.txt), of Unicode 16. They
# include the zero width joiner, although emoji and some scripts use it.
_INVISIBLE = (
    r"\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
# Those outside the Basic Multilingual Plane. The pattern of a JSON schema leaves them out: ECMA-262 reads them only in
# its Unicode mode, which not every generator and linter uses.
_INVISIBLE_OUTSIDE = (
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSEEN = _CONTROL + _INVISIBLE
_CONTROL_CHARACTER = re.compile(f"[{_CONTROL}]")
_INVISIBLE_CHARACTER = re.compile(f"[{_INVISIBLE}{_INVISIBLE_OUTSIDE}]")

# At most four characters become one in normal form C, so a longer text has more than 128 characters in any form: more
# than a name may have. Combining characters in descending order of their classes take quadratic time: 64 KB take 12 s.
_LONGEST = 4 * 128

# Members of a name's schema in an OpenAPI document.
METADATA = {
    "pattern": rf"^[^\s{_UNSEEN}]([^{_UNSEEN}]*[^\s{_UNSEEN}])?$",
    "description": "No white space at either end, no control or invisible characters; stored in Unicode normal form C",
}


class Name(fields.String):
    """A name; loading converts it to normal form C."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return normalize(super()._deserialize(value, attr, data, **kwargs))


def normalize(name: str) -> str:
    """Return the name in normal form C; a text of more than 512 characters is returned unchanged, to be refused."""
    return name if name.isascii() or len(name) > _LONGEST else unicodedata.normalize("NFC", name)


def spellings(name: str) -> set[str]:
    """Return the spellings of a name that may be stored: older versions did not normalize names."""
    return {name} if name.isascii() else {name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))}


def no_control_characters(name: str) -> None:
    """Raise ValidationError if a name has a character of the category Cc."""
    if _CONTROL_CHARACTER.search(name):
        raise ValidationError("Control characters are not allowed.")


def no_invisible_characters(name: str) -> None:
    """Raise ValidationError if a name has an invisible character, or one that changes the direction of the text."""
    if match := _INVISIBLE_CHARACTER.search(name):
        raise ValidationError(f"Invisible characters are not allowed: U+{ord(match[0]):04X}.")


def no_blank_ends(name: str) -> None:
    """Raise ValidationError if a name begins or ends with white space."""
    if name != name.strip():
        raise ValidationError("Must not begin or end with a blank.")


# The validators of a ``Name``, except for its length.
VALIDATORS: list[Callable[[str], None]] = [no_control_characters, no_invisible_characters, no_blank_ends]
