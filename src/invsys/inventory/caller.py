"""The caller of a command: its client id, owner filter, idempotency key and request id."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a command.

    ``client_id`` is the client as the gateway identifies it, ``key`` the Idempotency-Key, and ``fingerprint`` the
    SHA-256 digest of the request, which detects a key that is reused for a different request. ``owner`` is the client
    id if the client may see and change only its own allocations, otherwise None. ``request_id`` is the X-Request-Id of
    the request, which the events of its changes get.
    """

    client_id: str | None = None
    key: str | None = None
    fingerprint: bytes = b""
    owner: str | None = None
    request_id: str | None = None


# For imports and maintenance, and for the expiry of holds, which no client requests. Their events have no request id.
NO_CALLER = Caller()
