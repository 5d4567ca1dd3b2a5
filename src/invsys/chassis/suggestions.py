"""Suggestions for messages about an unknown name: the most similar valid name, or all valid names."""

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``" (did you mean NAME?)"`` with the most similar of ``names``, or an empty string if none is similar."""
    matches = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""


def nearest_or_all(name: str, names: Iterable[str], plural: str) -> str:
    """Return ``nearest(name, names)``, or ``"; the PLURAL are NAME, NAME"`` with all names if none is similar.

    Without ``names``, return ``"; there are no PLURAL"``.
    """
    names = sorted(names)
    if not names:
        return f"; there are no {plural}"
    return nearest(name, names) or f"; the {plural} are {', '.join(names)}"
