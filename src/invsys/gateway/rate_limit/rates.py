"""Rates, in words: ``50/second``, or several with semicolons between."""

import functools
from collections.abc import Sequence

from limits import RateLimitItem, parse_many


@functools.lru_cache
def read(text: str) -> Sequence[RateLimitItem]:
    """Read rates; raises ValueError, also for one that is none of anything, or in no time."""
    found = parse_many(text)
    words = text.replace("/", " ").replace("per", " ").replace(";", " ").replace(",", " ").split()
    if any(word.isdecimal() and int(word) == 0 for word in words):
        raise ValueError(f"{text!r} has a nought in it")
    return found
