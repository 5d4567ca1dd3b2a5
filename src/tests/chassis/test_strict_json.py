"""Strict JSON: refused texts with the reasons, similar texts that are accepted, and the parsing time."""

import contextlib
import json
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invsys.chassis.formats.strict_json import MAX_DEPTH, MalformedJson, loads
from tests.support.tables import table_driven

REFUSED = {
    "empty": (b"", "Expecting value"),
    "blank": (b" \n\t", "Expecting value"),
    "two values": (b"1 2", "Extra data"),
    "unfinished list": (b"[1,", "Expecting value"),
    # Python 3.13 reports "Illegal trailing comma" at the comma, older versions report the bracket.
    "comma at the end": (b'{"a": 1,}', "line 1, column "),
    "comment": (b"1 // one", "Extra data"),
    "single quotes": (b"'a'", "Expecting value"),
    "bare key": (b"{a: 1}", "property name"),
    "unknown word": (b"nil", "Expecting value"),
    "unknown escape": (b'"\\x41"', "escape"),
    "short escape": (b'"\\u00"', "escape"),
    "raw line break in a string": (b'"a\nb"', "control character"),
    "raw NUL in a string": (b'"a\0b"', "control character"),
    "raw NUL outside": (b"1\0", "Extra data"),
    "form feed as white space": (b"\x0c1", "Expecting value"),
    "byte order mark": (b"\xef\xbb\xbf1", "byte order mark (BOM) of UTF-8;"),
    "utf-16": ('{"a": 1}'.encode("utf-16"), "byte order mark (BOM) of UTF-16 or UTF-32;"),
    "utf-16-be": (b"\xfe\xff" + '{"a": 1}'.encode("utf-16-be"), "byte order mark (BOM) of UTF-16 or UTF-32;"),
    "utf-32-be": (b"\0\0\xfe\xff" + '{"a": 1}'.encode("utf-32-be"), "byte order mark (BOM) of UTF-16 or UTF-32;"),
    "utf-16 without a mark": ('{"é": 1}'.encode("utf-16-le"), "not UTF-8"),
    "latin-1": ('"é"'.encode("latin-1"), "not UTF-8"),
    "overlong": (b'"\xc0\xaf"', "at byte 1"),
    "surrogate as bytes": (b'"\xed\xa0\x80"', "not UTF-8"),
    "NaN": (b"[NaN]", "NaN is not JSON"),
    "Infinity": (b"Infinity", "Infinity is not JSON"),
    "-Infinity": (b'{"a": -Infinity}', "-Infinity is not JSON"),
    "a float above the range of a double": (b"1e309", "outside the range of a double"),
    "a float below the range of a double": (b"[-1e309]", "outside the range of a double"),
    "a long exponent": (b"1e" + b"9" * 5000, "outside the range of a double"),
    "2**63": (b"9223372036854775808", "outside 64 bits"),
    "-2**63 - 1": (b"-9223372036854775809", "outside 64 bits"),
    "more digits than Python converts": (b"[" + b"9" * 5000 + b"]", "outside 64 bits"),
    "leading zero": (b"01", "Extra data"),
    "leading plus": (b"+1", "Expecting value"),
    "duplicate key": (b'{"a": 1, "b": 2, "a": 1}', "duplicate key: 'a'"),
    "duplicate key inside": (b'[{"x": {"a": 1, "a": 2}}]', "duplicate key: 'a'"),
    "duplicate key, once escaped": (b'{"a": 1, "\\u0061": 2}', "duplicate key: 'a'"),
    "duplicate empty key": (b'{"": 1, "": 2}', "duplicate key: ''"),
    "escaped NUL": (b'"\\u0000"', "a NUL in a string"),
    "escaped NUL in a key": (b'[{"\\u0000": 1}]', "a NUL in a string"),
    "high surrogate alone": (b'["\\ud83d"]', "half a surrogate pair"),
    "low surrogate alone": (b'{"a": "\\ude97"}', "half a surrogate pair"),
    "surrogates in the wrong order": (b'"\\ude97\\ud83d"', "half a surrogate pair"),
    "surrogate in a key": (b'{"\\uDFFF": 1}', "half a surrogate pair"),
}


@table_driven(("raw", "reason"), REFUSED.values(), ids=REFUSED)
def test_ambiguous_or_invalid_json_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedJson) as caught:
        loads(raw)
    assert reason in str(caught.value)


@table_driven(
    ("raw", "value"),
    [
        (b" \r\n\t1 ", 1),
        (b"null", None),
        (b'""', ""),
        (b"[]", []),
        (b'{"":{}}', {"": {}}),
        (b'{"a": 1, "A": 2}', {"a": 1, "A": 2}),
        (b'[{"a": 1}, {"a": 1}]', [{"a": 1}, {"a": 1}]),
        (b'{"a": {"a": 1}}', {"a": {"a": 1}}),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"9223372036854775808.0", 2.0**63),
        (b"1e308", 1e308),
        (b"1e-999", 0.0),
        (b"1E+2", 100.0),
        (b'"NaN"', "NaN"),
        (b'"\\u0001\\u007f"', "\x01\x7f"),
        (b'"\\n\\/\\""', '\n/"'),
        (b'"\\ud83d\\ude97"', "\U0001f697"),
        ('"\U0001f697"'.encode(), "\U0001f697"),
        (b'"\\\\u0000 \\\\ud800"', "\\u0000 \\ud800"),
        (b'"\\uffff\\ue000\\ud7ff"', "\uffff\ue000\ud7ff"),
    ],
)
def test_similar_valid_json_is_accepted(raw: bytes, value: object) -> None:
    loaded = loads(raw)
    assert (loaded, type(loaded)) == (value, type(value))


@table_driven(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_nesting_is_limited(opening: bytes, closing: bytes) -> None:
    times = MAX_DEPTH // len(closing)
    assert loads(opening * times + b"1" + closing * times)
    with pytest.raises(MalformedJson, match="nested deeper than 32"):
        loads(b"[" + opening * times + b"1" + closing * times + b"]")
    with pytest.raises(MalformedJson, match="nested deeper than 32"):
        loads(opening * 100_000)


@table_driven("text", ["[" * 99, '"[{' * 99, "\\" * 33 + "[" * 33, '\\"{' * 33, "]" * 99, '[\\"'])
def test_brackets_in_strings_and_sibling_brackets_are_not_nesting(text: str) -> None:
    value = [{text: text}, text, [[]] * 99]
    assert loads(json.dumps(value).encode()) == value


# A setting limits the size of bodies (at most 16 MiB); with its default, parsing must take negligible time.
HOSTILE: dict[str, Callable[[int], bytes]] = {
    "escaped quotes in an unterminated string": lambda size: b"[" * 33 + b'"' + b'\\"' * (size // 2),
    "an unterminated string": lambda size: b"[" * 33 + b'"' + b"a" * size,
    "quotes": lambda size: b"[" * 33 + b'"' * size,
    "a duplicate last key": lambda size: (
        b"{" + b"".join(b'"%x":1,' % number for number in range(size // 9)) + b'"%x":1}' % (size // 9 - 1)
    ),
    "brackets": lambda size: b"[" * size,
    "digits": lambda size: b"9" * size,
    "digits after the decimal point": lambda size: b"0." + b"9" * size,
    "escapes": lambda size: b'"' + b"\\u0041" * (size // 6) + b'"',
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_parsing_64_kib_takes_less_than_a_quarter_of_a_second(make: Callable[[int], bytes]) -> None:
    started = time.process_time()
    with contextlib.suppress(MalformedJson):
        loads(make(2**16))
    assert time.process_time() - started < 0.25


# JSON within the limits: text that can be stored, 64-bit integers, finite numbers, and little nesting.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_json_of_the_standard_library_is_read_back_unchanged(value: Any, ascii_only: bool, indent: int | None) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()) == value


def is_within_limits(value: Any) -> bool:
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
        case float():
            return math.isfinite(value)
        case int():
            return -(2**63) <= value < 2**63
        case list():
            return all(map(is_within_limits, value))
        case dict():
            return all(is_within_limits(name) and is_within_limits(member) for name, member in value.items())
    return True


PIECES = [
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b":",
    b",",
    b"\\",
    b"\\u",
    b"d83d",
    b"0000",
    b"1",
    b"-",
    b"e9",
    b".5",
    b"a",
    b" ",
]
FRAGMENTS = st.lists(st.sampled_from([*PIECES, b"null", b"NaN", b'"a":', b"\0", b"\xff"])).map(b"".join)


@given(st.binary() | FRAGMENTS | st.tuples(VALUES.map(json.dumps).map(str.encode), FRAGMENTS).map(b"".join))
def test_arbitrary_bytes_are_either_parsed_or_refused(raw: bytes) -> None:
    with contextlib.suppress(MalformedJson):
        value = loads(raw)
        assert is_within_limits(value)
        assert value == json.loads(raw)
