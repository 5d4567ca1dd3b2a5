"""How fast does a server answer, and how long does each request wait?

Keep-alive connections over raw sockets, driven from one thread: whoever measures shares the cores with what is
measured, so answers are parsed no further than their status and their length.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

# An answer that never came: the connection was refused, reset, or closed with the request outstanding.
BROKEN = 0

_RECEIVE = 256 * 1024


class Answer(NamedTuple):
    """One request, what became of it (an HTTP status, or BROKEN), and the seconds it took."""

    request: bytes
    status: int
    seconds: float


@dataclass
class Load:
    """What a run gave."""

    seconds: float = 0.0
    answers: list[Answer] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.answers) / self.seconds

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came."""
        return Counter(answer.status for answer in self.answers)

    @property
    def failures(self) -> int:
        """How many requests were broken off or answered 5xx."""
        return sum(answer.status == BROKEN or answer.status >= 500 for answer in self.answers)


def percentile(seconds: Sequence[float], share: float) -> float:
    """Give the value that ``share`` (0 to 1) of the values do not exceed."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Connection:
    """One client: sends its next request as soon as the last is answered."""

    def __init__(self, port: int, feed: Iterator[bytes]) -> None:
        self._port, self._feed = port, feed
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
        answer = Answer(self._request, int(self._buffer[9:12]), time.perf_counter() - self._sent)
        if b"onnection: close" in self._buffer[:1024]:
            self.close(selector)
        return answer

    def give_up(self) -> Answer:
        """Count the request outstanding as broken."""
        return Answer(self._request, BROKEN, time.perf_counter() - self._sent)

    def _broken(self, selector: selectors.BaseSelector) -> Answer:
        self.close(selector)
        self.waits = False
        return Answer(self._request, BROKEN, time.perf_counter() - self._sent)


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


def run(port: int, feeds: Sequence[Iterator[bytes]], seconds: float | None = None, patience: float = 30.0) -> Load:
    """Send each of ``feeds`` over a connection of its own, until ``seconds`` are over or all of them are.

    Where several clients are to share one feed, name it several times. Requests outstanding at the end are waited for;
    what is still unanswered when the server was silent for ``patience`` seconds is broken.
    """
    load, ends = Load(), time.perf_counter() + seconds if seconds else float("inf")
    connections = [_Connection(port, feed) for feed in feeds]
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.connect(selector)
        began = time.perf_counter()
        busy = sum(_send(connection, selector, load, ends) for connection in connections)
        while busy:
            events = selector.select(patience)
            if not events:
                load.answers += [connection.give_up() for connection in connections if connection.waits]
                break
            for key, _ in events:
                if (answer := key.data.receive(selector)) is not None:
                    load.answers.append(answer)
                    busy -= not _send(key.data, selector, load, ends)
        load.seconds = time.perf_counter() - began
        for connection in connections:
            connection.close(selector)
    return load


def _send(connection: _Connection, selector: selectors.BaseSelector, load: Load, ends: float) -> bool:
    """Keep a connection busy; gives False when there is nothing more to send."""
    while time.perf_counter() < ends:
        try:
            broken = connection.send(selector)
        except StopIteration:
            return False
        if broken is None:
            return True
        load.answers.append(broken)
        # Whoever refuses connections will for a while; asking on would only count the loop's speed.
        time.sleep(0.01)
    return False
