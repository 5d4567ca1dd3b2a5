"""Strict JSON (RFC 8259): refuses every text that two parsers could interpret differently.

The parser of the standard library accepts duplicate keys, NaN, Infinity, integers of more than 64 bits, floats that
overflow to infinity, and lone surrogates. The hooks in this module reject them and still use its C scanner.
"""

import codecs
import json
import math
import re
from collections import Counter
from typing import Any, Never

import orjson

MAX_DEPTH = 32

# RFC 8259, section 8.1, forbids them. BOM_UTF16_LE is also a prefix of BOM_UTF32_LE.
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)

# A token is a string (terminated or not) or a bracket. The possessive quantifier makes the scan linear for any text.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


class MalformedJson(ValueError):
    """The text is not strict JSON; the message contains the reason."""


def loads(raw: bytes) -> Any:
    """Parse UTF-8 bytes as one JSON value; raises MalformedJson."""
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
    # Only an escape can produce a NUL (a bare one has been refused) or a lone surrogate.
    if "\\u" in text:
        _refuse_unstorable_text(value)
    return value


def dumps(value: Any) -> str:
    """Return a value as JSON text, formatted as in responses, so that a number always has the same text.

    The standard library writes 1e-05 where responses have 0.00001.
    """
    return orjson.dumps(value).decode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise MalformedJson(f"duplicate key: {counts.most_common(1)[0][0][:40]!a}")
    return members


def _int64(digits: str) -> int:
    # Every 64-bit integer fits in 20 characters; converting longer ones would cost time.
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
