"""Reads of what the client has changed itself: a standby of the database may answer reads a moment late (Age)."""

from __future__ import annotations

from invsys_client.transport.requests import Request
from invsys_client.transport.settings import Settings

# How many seconds old the answer to a read may be, unless the client has changed something within this time.
MAX_AGE = 10


class Freshness:
    """Chooses the header Cache-Control of reads (RFC 9111, 5.2.1)."""

    def __init__(self, settings: Settings) -> None:
        self._clock = settings.clock
        self._is_chosen_by_caller = "Cache-Control" in settings.headers
        self._changed_at = float("-inf")

    def headers(self, request: Request) -> dict[str, str]:
        """Return the header for a request; changes have none, and the client's own headers replace it."""
        if request.method != "GET" or self._is_chosen_by_caller:
            return {}
        is_recent = self._clock() - self._changed_at <= MAX_AGE
        return {"Cache-Control": "no-cache" if is_recent else f"max-age={MAX_AGE}"}

    def note(self, request: Request) -> None:
        """Note that a request has ended, possibly without a response: a change may have been made until now."""
        if request.method != "GET":
            self._changed_at = self._clock()
