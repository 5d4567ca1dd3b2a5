"""API keys: ``invsys_PREFIX_SECRET``, of which only the prefix and a SHA-256 of the whole are kept.

The secret has 256 random bits, so that a plain hash is enough: there is nothing to guess. The prefix names the key, in
the clients' file and to the operator; ``invsys`` lets scanners of source code find one that was committed.
"""

import hashlib
import hmac
import secrets
from typing import NamedTuple

_BEGINNING = "invsys"

# What no key has the SHA-256 of.
NO_DIGEST = bytes(32)


class NewKey(NamedTuple):
    """A key that was just made; ``text`` is told once."""

    text: str
    prefix: str
    digest: bytes


def new() -> NewKey:
    """Make a key."""
    named = secrets.token_hex(4)
    text = f"{_BEGINNING}_{named}_{secrets.token_urlsafe(32)}"
    return NewKey(text, named, digest(text))


def is_key(text: str) -> bool:
    """Say whether a text looks like one of these keys, and not like a token."""
    return text.startswith(f"{_BEGINNING}_")


def prefix(text: str) -> str:
    """Give the prefix of a key, or of whatever a caller sends as one."""
    return text.split("_", 2)[1] if text.count("_") >= 2 else ""


def digest(text: str) -> bytes:
    """Give what is kept of a key."""
    # Not every caller sends ASCII.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def is_of(text: str, kept: bytes) -> bool:
    """Say whether a key is the one of which ``kept`` was kept, in a time that tells nothing of how close it came."""
    return hmac.compare_digest(digest(text), kept)
