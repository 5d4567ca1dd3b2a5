"""Random ids: UUIDs of version 4 (RFC 9562).

``os.urandom`` releases the interpreter lock, and under load a thread can wait long to acquire it again. So this module
reads the random bytes for 256 ids at a time.
"""

import os
from collections import deque
from uuid import UUID

# A regular expression for ids as responses contain them: lower case, with hyphens.
PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_SIZE, _COUNT = 16, 256

_pool: deque[bytes] = deque()

# A forked process must not return the same ids as its parent.
os.register_at_fork(after_in_child=_pool.clear)


def new() -> UUID:
    """Return a random id: unique, and impossible to guess."""
    try:
        return UUID(bytes=_pool.popleft(), version=4)
    except IndexError:
        random_bytes = os.urandom(_SIZE * _COUNT)
        _pool.extend(random_bytes[offset : offset + _SIZE] for offset in range(0, len(random_bytes), _SIZE))
        return new()
