"""``Caller``: who asks for a change, and under which Idempotency-Key."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The client as the gateway names it, and the key under which a repeated request is answered by its first result.

    ``fingerprint`` tells requests apart: SHA-256 of what was asked for.
    """

    client_id: str | None = None
    key: str | None = None
    fingerprint: bytes = b""


NOBODY = Caller()
