"""Clients of the gateway: their scopes, limits and API keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from invsys.gateway.auth import api_keys
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

    def find_by_key(self, text: str) -> Client | None:
        """Return the client that has this API key, or None."""
        key = self.keys.get(api_keys.prefix(text))
        # Compare with a dummy digest for unknown prefixes, so that timing does not reveal which prefixes exist.
        is_match = api_keys.matches(text, key.digest if key else api_keys.DUMMY_DIGEST)
        if key is None or not is_match or (key.until is not None and key.until <= datetime.now(UTC)):
            return None
        return key.client
