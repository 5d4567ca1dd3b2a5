"""Content lines of iCalendar: escaped text (RFC 5545, 3.3.11) and folded lines (3.1).

The icalendar library is used only by the tests, to read this output. It takes at least 0.15 ms to write an event, and
therefore 15 seconds for 100,000 allocations; this module takes two. The library also turns a backslash before an N
into a line break.
"""

import re
from collections.abc import Iterable

# The longest line, in octets, including the space at the beginning of a continuation line.
_MAX_OCTETS = 75
_CONTINUATION = b"\r\n "

# All line breaks of Unicode, because some readers would end the content line at any of them.
_LINE_BREAK = re.compile("\r\n|[\n\v\f\r\x85\u2028\u2029]")
_ESCAPES = str.maketrans(
    # TEXT allows no control characters except the tab.
    {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != ord("\t")}
    | {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}
)


def text(value: str) -> str:
    """Return the text as a value of type TEXT; control characters become U+FFFD."""
    return _LINE_BREAK.sub("\n", value).translate(_ESCAPES)


def fold(lines: Iterable[str]) -> bytes:
    """Return the lines in UTF-8, folded to at most 75 octets, but never within a character."""
    return b"".join(_folded(line.encode()) for line in lines)


def _folded(rest: bytes) -> bytes:
    lines, limit = [], _MAX_OCTETS
    while len(rest) > limit:
        cut = limit
        while _continues_character(rest[cut]):
            cut -= 1
        lines.append(rest[:cut])
        rest, limit = rest[cut:], _MAX_OCTETS - 1
    return _CONTINUATION.join([*lines, rest]) + b"\r\n"


def _continues_character(octet: int) -> bool:
    # UTF-8 (RFC 3629): 10xxxxxx is never the first octet of a character.
    return octet & 0b1100_0000 == 0b1000_0000
