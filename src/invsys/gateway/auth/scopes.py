"""Scopes: the permissions of a client, in one collection or in all of them, and in which fleet.

``resources:read`` applies to every collection, ``allocations:own@cars`` to ``/api/cars`` only. With fleets apart,
``allocations:own@north/cars`` applies to ``/north/api/cars``, and ``events:read@north/*`` to the whole fleet. A scope
that names no fleet grants nothing in one. Several scopes are separated by spaces, as in the ``scope`` claim of a token
(RFC 8693, 4.2).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

FLEET = "[a-z0-9][a-z0-9-]{0,62}"
_COLLECTION = "[a-z][a-z0-9_-]*"
_SCOPE = re.compile(rf"([a-z][a-z0-9_-]*:[a-z]+)(?:@(?:({FLEET})/(\*|{_COLLECTION})|({_COLLECTION})))?")

# Scopes with these prefixes can be restricted to a collection.
COLLECTION_SCOPES = ("resources:", "allocations:")


@dataclass(frozen=True)
class Grants:
    """The scopes of a client, each with the collection that it applies to; None: all collections.

    ``fleets`` has the scopes that name a fleet, by fleet.
    """

    pairs: frozenset[tuple[str, str | None]]
    fleets: Mapping[str, "Grants"] = field(default_factory=dict, hash=False)

    def allow(self, scope: str, collection: str | None) -> bool:
        """Return whether the scope is granted for the collection.

        ``collection`` is None for a request that concerns no single collection.
        """
        return (scope, None) in self.pairs or (collection is not None and (scope, collection) in self.pairs)

    def include(self, collection: str) -> bool:
        """Return whether any scope is granted in the collection."""
        return any(name in (None, collection) for scope, name in self.pairs if scope.startswith(COLLECTION_SCOPES))

    def of_fleet(self, fleet: str) -> "Grants":
        """Return the scopes that apply to a fleet, in the form that they have without fleets."""
        return self.fleets.get(fleet, NONE)

    def __str__(self) -> str:
        names = {f"{scope}@{name}" if name else scope for scope, name in self.pairs}
        others = {name_in_fleet(*pair, fleet) for fleet, grants in self.fleets.items() for pair in grants.pairs}
        return " ".join(sorted(names | others))


NONE = Grants(frozenset())


def name_in_fleet(scope: str, collection: str | None, fleet: str | None) -> str:
    """Return the scope that grants ``scope`` in a collection (None: all) of a fleet; unchanged if ``fleet`` is None."""
    return scope if fleet is None else f"{scope}@{fleet}/{collection or '*'}"


def parse(words: Iterable[str]) -> Grants:
    """Parse scopes; raises ValueError for a word that is not a scope."""
    pairs: dict[str | None, set[tuple[str, str | None]]] = {}
    for word in words:
        if (match := _SCOPE.fullmatch(word)) is None:
            raise ValueError(
                f"{word!r} is not a scope such as resources:read, allocations:own@cars or events:read@north/*"
            )
        scope, fleet, in_fleet, collection = match.groups()
        if in_fleet is not None and in_fleet != "*":
            collection = in_fleet
        pairs.setdefault(fleet, set()).add((scope, collection))
    without_fleet = frozenset(pairs.pop(None, ()))
    fleets = {fleet: Grants(frozenset(of_fleet)) for fleet, of_fleet in pairs.items() if fleet is not None}
    return Grants(without_fleet, fleets)


def parse_known(words: Iterable[str]) -> Grants:
    """Parse the words that are scopes and ignore the others: a token can also contain scopes of other systems."""
    return parse(word for word in words if _SCOPE.fullmatch(word))
