"""API keys: how they are generated, and how the key of a request is checked.

A key has the form ``invsys_PREFIX_SECRET``. Only the prefix and the SHA-256 digest of the whole key are stored.
The secret has 256 random bits and cannot be guessed, so a slow hash is unnecessary. The prefix identifies the key in
the clients file and to the operator. ``invsys`` lets secret scanners recognise a key that was committed by mistake.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import NamedTuple

from invsys.gateway.auth.clients import Client, Clients

_SCHEME = "invsys"

# No key has this SHA-256 digest.
_DUMMY_DIGEST = bytes(32)


class NewKey(NamedTuple):
    """A newly generated key; ``text`` is shown once and never stored."""

    text: str
    prefix: str
    digest: bytes


def generate() -> NewKey:
    """Generate a random key."""
    key_prefix = secrets.token_hex(4)
    text = f"{_SCHEME}_{key_prefix}_{secrets.token_urlsafe(32)}"
    return NewKey(text, key_prefix, _digest(text))


def is_key(text: str) -> bool:
    """Return whether the credential has the form of an API key rather than of a token."""
    return text.startswith(f"{_SCHEME}_")


def find_client(clients: Clients, text: str) -> Client | None:
    """Return the client that has this API key; None if no client has it, or if the key has expired."""
    key = clients.keys.get(_prefix(text))
    # Compare with a dummy digest for unknown prefixes, so that timing does not reveal which prefixes exist.
    is_match = _matches(text, key.digest if key else _DUMMY_DIGEST)
    if key is None or not is_match or (key.until is not None and key.until <= datetime.now(UTC)):
        return None
    return key.client


def _prefix(text: str) -> str:
    """Return the prefix of a key; empty if the text does not have the form of a key."""
    return text.split("_", 2)[1] if text.count("_") >= 2 else ""


def _digest(text: str) -> bytes:
    """Return the SHA-256 digest of a key."""
    # Callers can send characters that are not ASCII; surrogatepass accepts lone surrogates.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _matches(text: str, expected: bytes) -> bool:
    """Return whether the key has this digest (constant-time comparison)."""
    return hmac.compare_digest(_digest(text), expected)
