"""Clients over keep-alive connections and raw sockets, that parse an answer no further than its status and length."""

import selectors
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

# An answer that never came: the connection was refused, reset, or closed with the request outstanding.
BROKEN = 0

_RECEIVE = 256 * 1024


class Answer(NamedTuple):
    """One request, what became of it (an HTTP status, or BROKEN), the seconds it took, and when (time.time) it came."""

    request: bytes
    status: int
    seconds: float
    came: float


class Dialogue(ABC, Iterator[bytes]):
    """A feed that is told what was answered, and can go on from there."""

    @abstractmethod
    def hear(self, status: int, answer: bytes) -> None:
        """Take note of an answer, header and body."""


class Connection:
    """One client: sends its next request as soon as the last is answered."""

    def __init__(self, port: int, feed: Iterator[bytes]) -> None:
        self._port, self._feed = port, feed
        self._hear = feed.hear if isinstance(feed, Dialogue) else None
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._needed = 0
        self._request = b""
        self._sent = 0.0
        self.waits = False

    def connect(self, selector: selectors.BaseSelector) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(self._socket, selectors.EVENT_READ, self)

    def close(self, selector: selectors.BaseSelector) -> None:
        if self._socket is not None:
            selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def send(self, selector: selectors.BaseSelector) -> Answer | None:
        """Send the next request; raises StopIteration after the last. Gives a broken answer where it cannot be sent."""
        self._request, self._buffer, self._needed = next(self._feed), b"", 0
        self._sent = time.perf_counter()
        try:
            if self._socket is None:
                self.connect(selector)
            assert self._socket is not None
            self._socket.sendall(self._request)
            self.waits = True
        except OSError:
            return self._broken(selector)
        return None

    def receive(self, selector: selectors.BaseSelector) -> Answer | None:
        """Take what has come; gives the answer once it is whole."""
        assert self._socket is not None
        try:
            received = self._socket.recv(_RECEIVE)
        except OSError:
            received = b""
        if not received:
            return self._broken(selector)
        self._buffer = self._buffer + received if self._buffer else received
        if not self._needed:
            self._needed = _length(self._buffer)
        if not _is_whole(self._buffer, self._needed):
            return None
        self.waits = False
        answer = self._answer(int(self._buffer[9:12]))
        if self._hear is not None:
            self._hear(answer.status, self._buffer)
        if b"onnection: close" in self._buffer[:1024]:
            self.close(selector)
        return answer

    def give_up(self) -> Answer:
        """Count the request outstanding as broken."""
        return self._answer(BROKEN)

    def _answer(self, status: int) -> Answer:
        return Answer(self._request, status, time.perf_counter() - self._sent, time.time())

    def _broken(self, selector: selectors.BaseSelector) -> Answer:
        self.close(selector)
        self.waits = False
        return self._answer(BROKEN)


_CHUNKED = -1


def _length(buffer: bytes) -> int:
    """Give the bytes of the answer that begins ``buffer``: 0 while its header is not whole, or _CHUNKED."""
    end = buffer.find(b"\r\n\r\n") + 4
    if end < 4:
        return 0
    header = buffer[:end].lower()
    at = header.find(b"\r\ncontent-length:")
    if at >= 0:
        return end + int(header[at + 17 : header.index(b"\r", at + 17)])
    return _CHUNKED if b"\r\ntransfer-encoding: chunked" in header else end


def _is_whole(buffer: bytes, needed: int) -> bool:
    return buffer.endswith(b"0\r\n\r\n") if needed == _CHUNKED else 0 < needed <= len(buffer)
