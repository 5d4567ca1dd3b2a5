"""JSON as RFC 8259 means it to be exchanged: nothing that two readers could read in two ways gets in, or is written.

The standard library's parser accepts duplicate keys, NaN, Infinity, numbers past every range and lone surrogates; the
hooks here refuse them, at the speed of its C scanner.
"""

import codecs
import json
import math
import re
from collections import Counter
from typing import Any, Never

import orjson

MAX_DEPTH = 32

# RFC 8259, 8.1: not to be added. That of UTF-16 in little-endian order also begins the one of UTF-32.
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)

# A string, closed or not, as one token, or a bracket. Possessive: one pass, however the text is made up.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


class MalformedJson(ValueError):
    """The text is not strict JSON; the message says why."""


def loads(raw: bytes) -> Any:
    """Read UTF-8 bytes as one JSON value; raises MalformedJson."""
    if raw.startswith(_BYTE_ORDER_MARKS):
        coding = "UTF-8" if raw.startswith(codecs.BOM_UTF8) else "UTF-16 or UTF-32"
        raise MalformedJson(f"it begins with a byte order mark (BOM) of {coding}; send UTF-8 without one")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"not UTF-8: {error.reason} at byte {error.start}") from error
    _refuse_deep_nesting(text)
    try:
        value = _decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}") from error
    # Only an escape can bring in a NUL (a bare one is refused above) or half a surrogate pair.
    if "\\u" in text:
        _refuse_unstorable_text(value)
    return value


def dumps(value: Any) -> str:
    """Write a value as answers do: a number has one form wherever it is shown, kept or compared as text.

    Python's own would have 1e-05 where answers have 0.00001.
    """
    return orjson.dumps(value).decode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise MalformedJson(f"duplicate key: {counts.most_common(1)[0][0][:40]!a}")
    return members


def _int64(digits: str) -> int:
    # 20 characters hold every 64-bit integer; longer ones are not worth converting.
    if len(digits) <= 20 and -(2**63) <= (number := int(digits)) < 2**63:
        return number
    raise MalformedJson("an integer outside 64 bits")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise MalformedJson("a number outside the range of a double")
    return number


def _refuse_constant(name: str) -> Never:
    raise MalformedJson(f"{name} is not JSON")


_decode = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_int64, parse_float=_finite, parse_constant=_refuse_constant
).decode


def _refuse_deep_nesting(text: str) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{" | "[":
                depth += 1
                if depth > MAX_DEPTH:
                    raise MalformedJson(f"nested deeper than {MAX_DEPTH}")
            case "}" | "]":
                depth -= 1


def _refuse_unstorable_text(value: Any) -> None:
    match value:
        case str():
            if "\0" in value:
                raise MalformedJson("a NUL in a string")
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise MalformedJson("half a surrogate pair in a string")
        case dict():
            for name, member in value.items():
                _refuse_unstorable_text(name)
                _refuse_unstorable_text(member)
        case list():
            for member in value:
                _refuse_unstorable_text(member)
