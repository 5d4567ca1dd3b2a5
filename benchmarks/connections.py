"""Clients with keep-alive connections over raw sockets, which parse only the status and the length of each response."""

import selectors
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

# The status of a request that got no response: the connection was refused, reset or closed, or the wait ended.
BROKEN = 0

_RECEIVE = 256 * 1024


class Outcome(NamedTuple):
    """The outcome of a request: its HTTP status or BROKEN, the seconds it took, and the Unix time of the response."""

    request: bytes
    status: int
    seconds: float
    received: float


class ReactiveRequests(ABC, Iterator[bytes]):
    """An iterator of requests, which can depend on the responses to earlier ones."""

    @abstractmethod
    def on_response(self, status: int, response: bytes) -> None:
        """Handle a response (headers and body)."""


class Connection:
    """A client that sends a request only after it has received the response to the previous one."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self._port, self._requests = port, requests
        self._on_response = requests.on_response if isinstance(requests, ReactiveRequests) else None
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._length = 0
        self._request = b""
        self._sent_at = 0.0
        self.is_waiting = False

    def connect(self, selector: selectors.BaseSelector) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(self._socket, selectors.EVENT_READ, self)

    def close(self, selector: selectors.BaseSelector) -> None:
        if self._socket is not None:
            selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def send(self, selector: selectors.BaseSelector) -> Outcome | None:
        """Send the next request; return a BROKEN outcome if that fails, else None.

        Raises StopIteration after the last request.
        """
        self._request, self._buffer, self._length = next(self._requests), b"", 0
        self._sent_at = time.perf_counter()
        try:
            if self._socket is None:
                self.connect(selector)
            assert self._socket is not None
            self._socket.sendall(self._request)
            self.is_waiting = True
        except OSError:
            return self._broken(selector)
        return None

    def receive(self, selector: selectors.BaseSelector) -> Outcome | None:
        """Read the available data; return the outcome, or None if the response is not complete yet."""
        assert self._socket is not None
        try:
            data = self._socket.recv(_RECEIVE)
        except OSError:
            data = b""
        if not data:
            return self._broken(selector)
        self._buffer = self._buffer + data if self._buffer else data
        if not self._length:
            self._length = _response_length(self._buffer)
        if not _is_complete(self._buffer, self._length):
            return None
        self.is_waiting = False
        outcome = self._outcome(int(self._buffer[9:12]))
        if self._on_response is not None:
            self._on_response(outcome.status, self._buffer)
        if b"onnection: close" in self._buffer[:1024]:
            self.close(selector)
        return outcome

    def give_up(self) -> Outcome:
        """Return a BROKEN outcome for the request in progress."""
        return self._outcome(BROKEN)

    def _outcome(self, status: int) -> Outcome:
        return Outcome(self._request, status, time.perf_counter() - self._sent_at, time.time())

    def _broken(self, selector: selectors.BaseSelector) -> Outcome:
        self.close(selector)
        self.is_waiting = False
        return self._outcome(BROKEN)


_CHUNKED = -1


def _response_length(buffer: bytes) -> int:
    """Return the length of the response in ``buffer``: 0 if its headers are incomplete, _CHUNKED if it is chunked."""
    end = buffer.find(b"\r\n\r\n") + 4
    if end < 4:
        return 0
    head = buffer[:end].lower()
    index = head.find(b"\r\ncontent-length:")
    if index >= 0:
        return end + int(head[index + 17 : head.index(b"\r", index + 17)])
    return _CHUNKED if b"\r\ntransfer-encoding: chunked" in head else end


def _is_complete(buffer: bytes, length: int) -> bool:
    return buffer.endswith(b"0\r\n\r\n") if length == _CHUNKED else 0 < length <= len(buffer)
