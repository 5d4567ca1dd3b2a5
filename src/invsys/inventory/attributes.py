"""Comparison of attribute values: numbers by numeric value, strings and booleans exactly.

JSON has one type of number: 4, 4.0 and 4e0 are equal. Rows store the spelling that ``strict_json`` writes.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from invsys.chassis.formats import strict_json

# RFC 8259, section 6.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# Integers outside this range are stored as floats.
_INT64 = range(-(2**63), 2**63)


def number(text: str) -> int | float | None:
    """Return the value of a JSON number, or None if the text is not a number or its value is out of range."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        value: int | float = strict_json.loads(text.encode())
    except strict_json.MalformedJson:  # out of range
        return None
    return value


def spellings(value: float) -> set[str]:
    """Return all texts in which a number of this value may be stored, for example ``4`` and ``4.0``."""
    exact = _exact(value)
    if not exact:
        return {"0", "0.0", "-0.0"}
    texts = {strict_json.dumps(value)}
    if exact == exact.to_integral_value() and (integer := int(exact)) in _INT64:
        texts.add(str(integer))
    if _exact(nearest := float(exact)) == exact:
        texts.add(strict_json.dumps(nearest))
    return texts


def contain(attributes: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Return whether ``attributes`` has every key of ``expected``, with an equal value."""
    return all(key in attributes and _equal(attributes[key], value) for key, value in expected.items())


def _equal(one: Any, other: Any) -> bool:
    if type(one) is type(other):
        return bool(one == other)
    return {type(one), type(other)} == {int, float} and _exact(one) == _exact(other)


def _exact(value: float) -> Decimal:
    # The exact decimal value of the text, as PostgreSQL parses it. Beyond 2**53, a double can differ from it.
    return Decimal(strict_json.dumps(value))
