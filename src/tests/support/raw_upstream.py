"""A service of raw sockets: it keeps, byte for byte, what it is sent, and answers what a test tells it to."""

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Request:
    """What arrived: the head with its empty line, and the body as it was on the wire."""

    head: bytes
    body: bytes = b""

    @property
    def method(self) -> str:
        return self.head.split(b" ")[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.head.split(b"\r\n")[0].split(b" ", 1)[1].rpartition(b" ")[0].decode("latin-1")

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def values(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name.lower()]


class Talk:
    """A connection, to read requests from and to answer in whatever way."""

    def __init__(self, connection: socket.socket, number: int, requests: list[Request]) -> None:
        self.number = number
        self.over = False
        self._connection = connection
        self._requests = requests
        self._buffer = b""

    def is_asked(self) -> bool:
        """Wait for the first byte of a request; False if the other side closes instead."""
        return not self.over and (bool(self._buffer) or self._receive())

    def read(self) -> Request:
        """Read a whole request."""
        return self.read_body(self.read_head())

    def read_body(self, request: Request) -> Request:
        """Read what belongs to a head."""
        [length] = request.values("content-length") or ["0"]
        while len(self._buffer) < int(length) and self._receive():
            pass
        request.body, self._buffer = self._buffer[: int(length)], self._buffer[int(length) :]
        return request

    def read_head(self) -> Request:
        """Read a request up to its empty line; what never becomes one is kept as it is."""
        while b"\r\n\r\n" not in self._buffer and self._receive():
            pass
        head, mark, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.over = not mark
        self._requests.append(Request(head + mark))
        return self._requests[-1]

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._connection.sendall(piece)

    def dribble(self, piece: bytes, times: int, seconds: float = 0.2) -> None:
        """Send a piece again and again, slowly, until the other side has enough of it."""
        for _ in range(times):
            self.send(piece)
            if select.select([self._connection], [], [], seconds)[0]:
                break

    def close(self) -> None:
        self.over = True
        # What was not read would turn the end into a reset.
        self._connection.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.over = True
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def wait_for_the_end(self) -> None:
        """Say nothing more until the other side closes."""
        while self._receive():
            self._buffer = b""
        self.over = True

    def wait_to_be_left(self) -> None:
        """Read nothing more, and wait until the other side has gone."""
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        poll.poll(5000)
        self.over = True

    def _receive(self) -> bool:
        try:
            piece = self._connection.recv(65536)
        except OSError:
            piece = b""
        self._buffer += piece
        return bool(piece)


def says(*pieces: bytes, then: str = "goes on") -> Callable[[Talk], None]:
    """Give a way to answer: these bytes; then the connection is kept, or ``closes``, ``resets`` or ``waits``."""

    def answer(talk: Talk) -> None:
        talk.read()
        talk.send(*pieces)
        {"goes on": lambda: None, "closes": talk.close, "resets": talk.reset, "waits": talk.wait_for_the_end}[then]()

    return answer


@dataclass
class Upstream:
    """The service: ``answer`` is asked how to answer when a request begins; ``requests`` is what arrived."""

    port: int
    answer: Callable[[Talk], None] = field(default_factory=lambda: says(OK))
    requests: list[Request] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    def again(self) -> None:
        """Forget what arrived, and answer as at first."""
        self.requests.clear()
        self.answer = says(OK)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                # What is sent has arrived.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections.append(connection)
                threading.Thread(target=self._talk, args=(connection, len(self.connections)), daemon=True).start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        talk = Talk(connection, number, self.requests)
        with connection, suppress(OSError):
            while talk.is_asked():
                self.answer(talk)
            if not talk.over:
                return
            # Read on, so that what was not read resets nothing.
            connection.settimeout(2)
            while connection.fileno() >= 0 and _is_open_for_reading(connection):
                pass

    def drop(self) -> None:
        """Close every connection."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _is_open_for_reading(connection: socket.socket) -> bool:
    lingers = struct.unpack("ii", connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 0)
    return not lingers and bool(connection.recv(65536))


@contextmanager
def listening(port: int = 0) -> Iterator[Upstream]:
    """Run such a service, on a port of its own if none is given."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        upstream = Upstream(listener.getsockname()[1])
        thread = threading.Thread(target=upstream.serve, args=(listener,))
        thread.start()
        try:
            yield upstream
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            upstream.drop()


@contextmanager
def deaf(queue: int = 128) -> Iterator[str]:
    """Give the base URL of a service that takes no connection out of its queue; one of 0 is full from the first."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(queue)
        for waiting in (first, second) if queue == 0 else ():
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def unused_port() -> int:
    """Give a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
