"""An answer, read by llhttp, the strict parser of Node.js: what is not HTTP to the letter is no answer.

That holds for two lengths, a length together with chunks, and everything else by which two readers of one answer could
come to two ends of it.
"""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterator

import httptools

_CHUNK = 64 * 1024
# Bytes of all headers together.
_LARGEST_HEAD = 64 * 1024


class Broken(Exception):
    """The connection broke before the answer was complete, or the answer is not HTTP."""


class Exchange:
    """A request that was sent, and its answer: ``status`` and ``headers`` are there, the body is to be read.

    ``length`` is that of the body in bytes, as announced; None where it is not. ``keep`` takes the connection back.
    """

    def __init__(self, connection: socket.socket, method: str, url: str, keep: Callable[[socket.socket], None]) -> None:
        self.url = url
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.length: int | None = None
        self.has_no_body = False
        self._keep = keep
        self._connection = connection
        self._is_head = method == "HEAD"
        self._is_chunked = False
        self._begun = self._head_size = 0
        self._has_head = self._is_complete = self._is_kept = False
        self._body: deque[bytes] = deque()
        self._parser = httptools.HttpResponseParser(self)

    def read_head(self, seconds: float) -> None:
        """Read status and headers, for so many seconds at most; raises Broken, TimeoutError."""
        ends = time.monotonic() + seconds
        while not self._has_head:
            self._receive(ends)
        self.status = self._parser.get_status_code()
        if not 200 <= self.status <= 599:
            raise Broken(f"it answered {self.status}")
        # To these no body comes, whatever the headers say (RFC 9112, 6.3).
        if self._is_head or self.status in (204, 304):
            self.has_no_body = self._is_complete = True

    def pieces(self, seconds: float) -> Iterator[bytes]:
        """Give the body piece by piece, for so many seconds at most; raises Broken, TimeoutError."""
        ends = time.monotonic() + seconds
        while self._body or not self._is_complete:
            if self._body:
                yield self._body.popleft()
            else:
                self._receive(ends)

    def end(self) -> None:
        """Keep the connection for another request, if the answer was read and the host keeps it too, else close it."""
        if self._is_complete and not self._body and self._begun == 1 and self._is_kept:
            self._keep(self._connection)
        else:
            self._connection.close()

    def _receive(self, ends: float) -> None:
        if time.monotonic() > ends:
            raise TimeoutError("it dribbles")
        try:
            data = self._connection.recv(_CHUNK)
            self._parser.feed_data(data)
        except TimeoutError:
            raise
        except (OSError, httptools.HttpParserError) as error:
            raise Broken(str(error)) from error
        if data:
            return
        # A body of unknown length ends where the connection does.
        if not self._has_head or self.length is not None or self._is_chunked:
            raise Broken("it closed the connection midway")
        self._is_complete = True

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Count: what comes after the answer is nobody's."""
        self._begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header; raises Broken where there are too many."""
        self._head_size += len(name) + len(value)
        if self._head_size > _LARGEST_HEAD:
            raise Broken("its headers do not end")
        known = name.lower()
        if known == b"content-length":
            self.length = int(value)
        elif known == b"transfer-encoding":
            self._is_chunked = True
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Know the head, and whether the host keeps the connection: after the end the parser has forgotten."""
        self._has_head = True
        self._is_kept = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Take in a piece."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Know the end."""
        self._is_complete = True
