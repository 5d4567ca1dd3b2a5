"""Clients of the gateway: their scopes, limits and API keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from invsys.gateway.auth.scopes import Grants


@dataclass(frozen=True)
class Client:
    """A caller: its name, its scopes, and its individual limits (if None, the setting applies).

    ``rate`` and ``write_rate`` are texts such as ``50/second``; ``concurrent`` is a number of requests.
    """

    id: str
    grants: Grants
    rate: str | None = None
    concurrent: int | None = None
    write_rate: str | None = None

    def in_fleet(self, fleet: str) -> "Client":
        """Return the client with the scopes that apply to a fleet; its name and its limits stay the same."""
        return replace(self, grants=self.grants.of_fleet(fleet))


@dataclass(frozen=True)
class Key:
    """The stored part of an API key: its SHA-256 digest, and the time when it expires (None: never)."""

    client: Client
    digest: bytes
    until: datetime | None = None


@dataclass(frozen=True)
class Clients:
    """All clients in the file; ``keys`` maps the prefix of each API key to the key."""

    clients: Sequence[Client]
    keys: Mapping[str, Key]
