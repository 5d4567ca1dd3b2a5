"""Ids: UUIDs of version 4, which are random, and of version 7, which begin with the time (RFC 9562).

``os.urandom`` releases the interpreter lock, and under load a thread can wait long to acquire it again. So this module
reads the random bytes for 256 ids at a time.
"""

import os
import time
from collections import deque
from uuid import UUID

# A regular expression for ids as responses contain them: lower case, with hyphens.
PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_SIZE, _COUNT = 16, 256
# The bits of version 7 and of the variant, and those that are neither.
_VERSION_7, _REST = 7 << 76 | 0b10 << 62, ~(0xF << 76 | 0b11 << 62)

_pool: deque[bytes] = deque()

# A forked process must not return the same ids as its parent.
os.register_at_fork(after_in_child=_pool.clear)


def new() -> UUID:
    """Return a random id: unique, and impossible to guess."""
    return UUID(bytes=_random_bytes(), version=4)


def new_ordered() -> UUID:
    """Return an id that begins with the time in milliseconds, followed by 74 random bits (RFC 9562, section 5.7).

    Rows that are inserted one after another are then neighbours in the index of their ids. The id cannot be guessed,
    but everyone who sees it knows when it was created.
    """
    milliseconds = time.time_ns() // 1_000_000
    number = int.from_bytes(milliseconds.to_bytes(6) + _random_bytes()[6:])
    return UUID(int=number & _REST | _VERSION_7)


def _random_bytes() -> bytes:
    try:
        return _pool.popleft()
    except IndexError:
        random_bytes = os.urandom(_SIZE * _COUNT)
        _pool.extend(random_bytes[offset : offset + _SIZE] for offset in range(0, len(random_bytes), _SIZE))
        return _random_bytes()
