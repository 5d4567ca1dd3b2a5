"""What a message about an unknown name adds: the valid name that was probably meant, or all of them."""

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``" (did you mean NAME?)"`` with the most similar one of ``names``, or nothing if none is similar."""
    found = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {found[0]}?)" if found else ""


def nearest_or_all(name: str, names: Iterable[str], what: str) -> str:
    """Return the same, or ``"; the WHAT are NAME, NAME"`` with all of ``names`` if none is similar."""
    names = sorted(names)
    return nearest(name, names) or f"; the {what} are {', '.join(names)}"
