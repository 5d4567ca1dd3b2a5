"""Responses of the services, parsed by llhttp, the strict parser of Node.js; invalid HTTP is rejected.

A response is also invalid if two parsers could disagree about its end, for example because it has two lengths, or a
length and chunks.
"""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import httptools

_CHUNK = 64 * 1024
# Limit for received bytes without any body data: headers, chunk headers, trailers.
_MAX_OVERHEAD = 64 * 1024


class BrokenResponse(Exception):
    """The connection broke before the response was complete, or the response is not valid HTTP."""


class UpstreamResponse:
    """The response to a request that has been sent.

    ``read_headers`` sets ``status``, ``headers`` and ``length``, the Content-Length in bytes or None. ``put_back``
    returns the connection to the pool.
    """

    def __init__(
        self, connection: socket.socket, method: str, url: str, put_back: Callable[[socket.socket], None]
    ) -> None:
        self.url = url
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.length: int | None = None
        self.has_no_body = False
        self._connection = connection
        self._put_back: Callable[[socket.socket], None] | None = put_back
        self._is_head = method == "HEAD"
        self._has_headers = self._is_chunked = self._is_complete = self._is_keep_alive = False
        # The host sent data after the end of the response; it is discarded.
        self._has_excess_data = False
        self._overhead = 0
        self._body: deque[bytes] = deque()
        self._parser: Any = httptools.HttpResponseParser(self)

    def read_headers(self, seconds: float) -> None:
        """Read status and headers, for at most ``seconds``; raises BrokenResponse, TimeoutError."""
        deadline = time.monotonic() + seconds
        while not self._has_headers:
            self._receive(deadline)
        # These responses have no body, regardless of the headers (RFC 9112, 6.3).
        if self._is_head or self.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.has_no_body = self._is_complete = True

    def iter_body(self, seconds: float, max_bytes: int) -> Iterator[bytes]:
        """Yield the body in chunks, for at most ``seconds`` and ``max_bytes``; raises BrokenResponse, TimeoutError."""
        deadline, remaining = time.monotonic() + seconds, max_bytes - (self.length or 0)
        while remaining >= 0 and (self._body or not self._is_complete):
            if not self._body:
                self._receive(deadline)
                continue
            chunk = self._body.popleft()
            if self.length is None:
                remaining -= len(chunk)
            if remaining >= 0:
                yield chunk
        if remaining < 0:
            raise BrokenResponse("the response is too long")

    def close(self) -> None:
        """Return the connection to the pool if the response was read completely and is keep-alive, else close it."""
        put_back, self._put_back = self._put_back, None
        if put_back is None:
            return  # closed before
        self._parser = None  # breaks the reference cycle with the parser
        if self._is_complete and self._is_keep_alive and not self._body and not self._has_excess_data:
            put_back(self._connection)
        else:
            self._connection.close()

    def _receive(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError("the response exceeded its time limit")
        chunks = len(self._body)
        try:
            data = self._connection.recv(_CHUNK)
            self._parser.feed_data(data)
        except (BlockingIOError, TimeoutError) as error:
            raise TimeoutError("no data received in time") from error
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise BrokenResponse(str(error)) from error
        self._overhead = 0 if len(self._body) > chunks else self._overhead + len(data)
        if not data:
            self._end_of_connection()
        elif self._overhead > _MAX_OVERHEAD and not self._is_complete:
            raise BrokenResponse(f"{_MAX_OVERHEAD // 1024} KiB received without any body data")

    def _end_of_connection(self) -> None:
        # The end of the connection is the end of a body without a length.
        if not self._has_headers or self.length is not None or self._is_chunked:
            raise BrokenResponse("the connection was closed before the response was complete")
        self._is_complete = True

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        """Begin the response, or detect data after its end."""
        self._has_excess_data = self._is_complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; trailers are ignored."""
        if self._has_headers:
            return
        lower_name = name.lower()
        if lower_name == b"content-length":
            self.length = int(value)
        elif lower_name == b"transfer-encoding":
            self._is_chunked = True
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Record status and headers; ignore 1xx responses. Raises BrokenResponse for an invalid status."""
        if self._has_excess_data:
            return
        status = self._parser.get_status_code()
        if HTTPStatus.CONTINUE <= status < HTTPStatus.OK:
            # The headers of an interim response do not belong to the final one.
            self.headers.clear()
            self.length, self._is_chunked = None, False
            return
        if not HTTPStatus.OK <= status <= 599:
            raise BrokenResponse(f"invalid status {status}")
        self.status, self._has_headers = status, True
        # The parser does not provide this after the end of the response.
        self._is_keep_alive = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Add a chunk of the body."""
        if not self._has_excess_data:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Mark the response as complete."""
        self._is_complete = self._has_headers
