"""How the values of attributes compare: texts and booleans as they are, numbers by their value.

JSON has one kind of number: 4, 4.0 and 4e0 are equal. Rows keep the form that was sent, as ``strict_json`` writes it.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from invsys.chassis.formats import strict_json

# RFC 8259, 6.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# Whole numbers outside of these are written as floats.
_INT64 = range(-(2**63), 2**63)


def number(text: str) -> int | float | None:
    """Return the number that a text reads as in JSON; None if it is none that an attribute can have."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        value: int | float = strict_json.loads(text.encode())
    except strict_json.MalformedJson:  # out of range
        return None
    return value


def spellings(value: float) -> set[str]:
    """Return every text under which a number of this value can be stored."""
    exact = _exact(value)
    if not exact:
        return {"0", "0.0", "-0.0"}
    found = {strict_json.dumps(value)}
    if exact == exact.to_integral_value() and (whole := int(exact)) in _INT64:
        found.add(str(whole))
    if _exact(nearest := float(exact)) == exact:
        found.add(strict_json.dumps(nearest))
    return found


def contain(attributes: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether attributes have every key of other ones, with an equal value."""
    return all(key in attributes and _equal(attributes[key], value) for key, value in wanted.items())


def _equal(one: Any, other: Any) -> bool:
    if type(one) is type(other):
        return bool(one == other)
    return {type(one), type(other)} == {int, float} and _exact(one) == _exact(other)


def _exact(value: float) -> Decimal:
    # What the text says, as PostgreSQL reads it: beyond 2**53 that is not what the double holds.
    return Decimal(strict_json.dumps(value))
