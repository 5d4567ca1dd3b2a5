"""``Caller``: who asks for a change, what it may know of, and under which Idempotency-Key."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The client as the gateway names it, and the key under which a repeated request is answered by its first result.

    ``fingerprint`` tells requests apart: SHA-256 of what was asked for. ``owner`` is the client's id once more where it
    may know only of the allocations that it made itself, else None.
    """

    client_id: str | None = None
    key: str | None = None
    fingerprint: bytes = b""
    owner: str | None = None


NOBODY = Caller()
