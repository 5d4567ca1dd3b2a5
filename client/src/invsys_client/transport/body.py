"""The body of a response, which is read chunk by chunk."""

from __future__ import annotations

from contextlib import suppress

import httpx2


class Body:
    """Collects the decoded chunks of a response."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        """Add a chunk."""
        self._chunks.append(chunk)

    def complete(self) -> httpx2.Response:
        """Return the response with its whole body."""
        original = self._response
        # The body is decoded already.
        headers = [pair for pair in original.headers.raw if pair[0].lower() != b"content-encoding"]
        response = httpx2.Response(
            original.status_code, headers=headers, content=b"".join(self._chunks), request=original.request
        )
        with suppress(RuntimeError):  # responses that come from no connection do not have this time
            response.elapsed = original.elapsed
        return response
