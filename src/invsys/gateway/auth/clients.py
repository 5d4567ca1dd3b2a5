"""The clients: who they are, what they may do, and the API keys that they are known by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from invsys.gateway.auth import api_keys
from invsys.gateway.auth.scopes import Grants


@dataclass(frozen=True)
class Client:
    """Somebody who calls: a name, what it may do, and limits of its own where it has any.

    ``rate`` and ``write_rate`` are in words (``50/second``), ``concurrent`` is a number of requests.
    """

    id: str
    grants: Grants
    rate: str | None = None
    concurrent: int | None = None
    write_rate: str | None = None


@dataclass(frozen=True)
class Key:
    """A client's API key, as far as it is kept: its SHA-256, and the instant from which it no longer counts."""

    client: Client
    digest: bytes
    until: datetime | None = None


@dataclass(frozen=True)
class Clients:
    """All clients in the file; ``keys`` finds each of their keys by its prefix."""

    clients: Sequence[Client]
    keys: Mapping[str, Key]

    def known_by(self, text: str) -> Client | None:
        """Give the client whose API key this is, or None."""
        key = self.keys.get(api_keys.prefix(text))
        # Compared even where there is none: how long it takes does not tell which prefixes there are.
        is_right = api_keys.is_of(text, key.digest if key else api_keys.NO_DIGEST)
        if key is None or not is_right or (key.until is not None and key.until <= datetime.now(UTC)):
            return None
        return key.client
