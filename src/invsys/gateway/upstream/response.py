"""An answer, read by llhttp, the strict parser of Node.js: what is not HTTP to the letter is no answer.

That holds for two lengths, a length together with chunks, and everything else by which two readers of one answer could
come to two ends of it.
"""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import httptools

_CHUNK = 64 * 1024
# Bytes that may come without any of them being of the body: a head, what stands between chunks, trailers.
_LONGEST_SILENCE = 64 * 1024


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
        self._connection = connection
        self._keep: Callable[[socket.socket], None] | None = keep
        self._is_head = method == "HEAD"
        self._has_head = self._is_chunked = self._is_complete = self._is_kept = False
        # What came after the answer is nobody's.
        self._has_more = False
        self._silence = 0
        self._body: deque[bytes] = deque()
        self._parser: Any = httptools.HttpResponseParser(self)

    def read_head(self, seconds: float) -> None:
        """Read status and headers, for so many seconds at most; raises Broken, TimeoutError."""
        ends = time.monotonic() + seconds
        while not self._has_head:
            self._receive(ends)
        # To these no body comes, whatever the headers say (RFC 9112, 6.3).
        if self._is_head or self.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.has_no_body = self._is_complete = True

    def pieces(self, seconds: float, most: int) -> Iterator[bytes]:
        """Give the body piece by piece, for so many seconds and bytes at most; raises Broken, TimeoutError."""
        ends, left = time.monotonic() + seconds, most - (self.length or 0)
        while left >= 0 and (self._body or not self._is_complete):
            if not self._body:
                self._receive(ends)
                continue
            piece = self._body.popleft()
            if self.length is None:
                left -= len(piece)
            if left >= 0:
                yield piece
        if left < 0:
            raise Broken("it is too long")

    def end(self) -> None:
        """Keep the connection for another request, if the answer was read and the host keeps it too, else close it."""
        keep, self._keep = self._keep, None
        if keep is None:
            return  # it has ended already
        self._parser = None  # which holds this object, as this does it
        if self._is_complete and self._is_kept and not self._body and not self._has_more:
            keep(self._connection)
        else:
            self._connection.close()

    def _receive(self, ends: float) -> None:
        if time.monotonic() > ends:
            raise TimeoutError("it dribbles")
        pieces = len(self._body)
        try:
            data = self._connection.recv(_CHUNK)
            self._parser.feed_data(data)
        except (BlockingIOError, TimeoutError) as error:
            raise TimeoutError("it is silent") from error
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise Broken(str(error)) from error
        self._silence = 0 if len(self._body) > pieces else self._silence + len(data)
        if not data:
            self._end_of_connection()
        elif self._silence > _LONGEST_SILENCE and not self._is_complete:
            raise Broken("it says much, and nothing of the body")

    def _end_of_connection(self) -> None:
        # A body of unknown length ends where the connection does.
        if not self._has_head or self.length is not None or self._is_chunked:
            raise Broken("it closed the connection midway")
        self._is_complete = True

    # What the parser calls.

    def on_message_begin(self) -> None:
        """See something begin: the answer, or what comes after it."""
        self._has_more = self._is_complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header; one that comes after the body says nothing."""
        if self._has_head:
            return
        known = name.lower()
        if known == b"content-length":
            self.length = int(value)
        elif known == b"transfer-encoding":
            self._is_chunked = True
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Know the head, unless it is that of an interim answer; raises Broken for a status that is none."""
        if self._has_more:
            return
        status = self._parser.get_status_code()
        if HTTPStatus.CONTINUE <= status < HTTPStatus.OK:
            # Nothing that an interim answer says holds for the one that follows.
            self.headers.clear()
            self.length, self._is_chunked = None, False
            return
        if not HTTPStatus.OK <= status <= 599:
            raise Broken(f"it answered {status}")
        self.status, self._has_head = status, True
        # After the end the parser has forgotten.
        self._is_kept = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Take in a piece."""
        if not self._has_more:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Know the end."""
        self._is_complete = self._has_head
