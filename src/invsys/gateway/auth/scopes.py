"""Scopes: the permissions of a client, in one collection or in all of them.

``resources:read`` applies to every collection, ``allocations:own@cars`` to ``/api/cars`` only. Several scopes are
separated by spaces, as in the ``scope`` claim of a token (RFC 8693, 4.2).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SCOPE = re.compile(r"([a-z][a-z0-9_-]*:[a-z]+)(?:@([a-z][a-z0-9_-]*))?")

# Scopes with these prefixes can be restricted to a collection.
COLLECTION_SCOPES = ("resources:", "allocations:")


@dataclass(frozen=True)
class Grants:
    """The scopes of a client, each with the collection that it applies to; None: all collections."""

    pairs: frozenset[tuple[str, str | None]]

    def allow(self, scope: str, collection: str | None) -> bool:
        """Return whether the scope is granted for the collection.

        ``collection`` is None for a request that concerns no single collection.
        """
        return (scope, None) in self.pairs or (collection is not None and (scope, collection) in self.pairs)

    def include(self, collection: str) -> bool:
        """Return whether any scope is granted in the collection."""
        return any(name in (None, collection) for scope, name in self.pairs if scope.startswith(COLLECTION_SCOPES))

    def __str__(self) -> str:
        return " ".join(sorted(f"{scope}@{name}" if name else scope for scope, name in self.pairs))


def parse(words: Iterable[str]) -> Grants:
    """Parse scopes; raises ValueError for a word that is not a scope."""
    return Grants(frozenset(_parse_scope(word) for word in words))


def parse_known(words: Iterable[str]) -> Grants:
    """Parse the words that are scopes and ignore the others: a token can also contain scopes of other systems."""
    return Grants(frozenset(_parse_scope(word) for word in words if _SCOPE.fullmatch(word)))


def _parse_scope(word: str) -> tuple[str, str | None]:
    if (match := _SCOPE.fullmatch(word)) is None:
        raise ValueError(f"{word!r} is not a scope such as resources:read or allocations:own@cars")
    return match[1], match[2]
