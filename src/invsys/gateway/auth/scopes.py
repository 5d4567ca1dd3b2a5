"""Scopes: what a client may do, in one collection or in all of them.

``resources:read`` holds for every collection, ``allocations:own@cars`` for ``/api/cars`` only. Several stand in a list
with blanks between, as in the ``scope`` claim of a token (RFC 8693, 4.2).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_FORM = re.compile(r"([a-z][a-z0-9_-]*:[a-z]+)(?:@([a-z][a-z0-9_-]*))?")

# What those begin with that can be granted for one collection.
OF_COLLECTIONS = ("resources:", "allocations:")


@dataclass(frozen=True)
class Grants:
    """A client's scopes: each with the collection that it holds for, None being all of them."""

    pairs: frozenset[tuple[str, str | None]]

    def allow(self, scope: str, collection: str | None) -> bool:
        """Say whether the scope is granted for the collection (None: for what belongs to no single one)."""
        return (scope, None) in self.pairs or (collection is not None and (scope, collection) in self.pairs)

    def know(self, collection: str) -> bool:
        """Say whether anything at all is granted in the collection."""
        return any(name in (None, collection) for scope, name in self.pairs if scope.startswith(OF_COLLECTIONS))

    def __str__(self) -> str:
        return " ".join(sorted(f"{scope}@{name}" if name else scope for scope, name in self.pairs))


def read(words: Iterable[str]) -> Grants:
    """Read scopes; raises ValueError for a word that is none."""
    return Grants(frozenset(_pair(word) for word in words))


def read_known(words: Iterable[str]) -> Grants:
    """Read the scopes among words that other services understand: a token is issued for all of them."""
    return Grants(frozenset(_pair(word) for word in words if _FORM.fullmatch(word)))


def _pair(word: str) -> tuple[str, str | None]:
    if (found := _FORM.fullmatch(word)) is None:
        raise ValueError(f"{word!r} is no scope such as resources:read or allocations:own@cars")
    return found[1], found[2]
