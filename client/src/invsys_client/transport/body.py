"""The body of a response, which is read chunk by chunk."""

from __future__ import annotations

from contextlib import suppress

import httpx2

from invsys_client.errors import UnexpectedResponse

# A page of 1,000 allocations with the largest dumps has 17 MiB. A small compressed body can become much larger.
MAX_BYTES = 64 * 1024 * 1024


class Body:
    """Collects the decoded chunks of a response."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Add a chunk; raises UnexpectedResponse if the body is larger than MAX_BYTES."""
        self._size += len(chunk)
        if self._size > MAX_BYTES:
            raise UnexpectedResponse(self._response.status_code, f"the body has more than {MAX_BYTES:,} bytes")
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
