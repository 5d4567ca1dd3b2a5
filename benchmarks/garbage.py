"""The garbage collector of this process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def not_collected() -> Iterator[None]:
    """Disable the garbage collector, whose pauses would be measured, and grow with the number of objects."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
