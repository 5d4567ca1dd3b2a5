"""Ids: random UUIDs (RFC 9562, version 4), made without asking the operating system for each.

Every question gives up the interpreter's lock, and a busy thread waits long to get it back; so 256 ids' worth of
randomness is fetched at once.
"""

import os
from collections import deque
from uuid import UUID

# As ids are given out, and therefore asked for: a regular expression.
FORM = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_SIZE, _COUNT = 16, 256

_randomness: deque[bytes] = deque()

# A forked process must not give the ids that its parent will give.
os.register_at_fork(after_in_child=_randomness.clear)


def new() -> UUID:
    """Give an id that nobody else has, and nobody can guess."""
    try:
        return UUID(bytes=_randomness.popleft(), version=4)
    except IndexError:
        fetched = os.urandom(_SIZE * _COUNT)
        _randomness.extend(fetched[at : at + _SIZE] for at in range(0, len(fetched), _SIZE))
        return new()
