"""An HTTP service on raw sockets: it records each request byte for byte, and sends what the test specifies."""

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.support.ports import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Request:
    """A received request: the head, including the empty line that ends it, and the body."""

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
        return [value for header, value in self.headers if header == name.lower()]


class ServerConnection:
    """The server side of a connection: reads requests, and sends any bytes."""

    def __init__(self, connection: socket.socket, number: int, requests: list[Request]) -> None:
        self.number = number
        self.finished = False
        self._connection = connection
        self._requests = requests
        self._buffer = b""

    def has_request(self) -> bool:
        """Wait for the first byte of a request; return False if the other side closes the connection instead."""
        return not self.finished and (bool(self._buffer) or self._receive())

    def read(self) -> Request:
        """Read a request with its body."""
        return self.read_body(self.read_head())

    def read_body(self, request: Request) -> Request:
        """Read the body of a request."""
        [length] = request.values("content-length") or ["0"]
        while len(self._buffer) < int(length) and self._receive():
            pass
        request.body, self._buffer = self._buffer[: int(length)], self._buffer[int(length) :]
        return request

    def read_head(self) -> Request:
        """Read a request up to its empty line; incomplete requests are recorded, too."""
        while b"\r\n\r\n" not in self._buffer and self._receive():
            pass
        head, separator, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.finished = not separator
        self._requests.append(Request(head + separator))
        return self._requests[-1]

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._connection.sendall(piece)

    def send_slowly(self, piece: bytes, times: int, seconds: float = 0.2) -> None:
        """Send a piece up to ``times`` times, with pauses; stop when the other side closes or sends something."""
        for _ in range(times):
            self.send(piece)
            if select.select([self._connection], [], [], seconds)[0]:
                break

    def close(self) -> None:
        self.finished = True
        # Closing a socket with unread data would send a reset.
        self._connection.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.finished = True
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def read_until_closed(self) -> None:
        """Send nothing more, and read until the other side closes."""
        while self._receive():
            self._buffer = b""
        self.finished = True

    def wait_until_closed(self) -> None:
        """Read nothing more, and wait at most five seconds until the other side closes."""
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        poll.poll(5000)
        self.finished = True

    def _receive(self) -> bool:
        try:
            piece = self._connection.recv(65536)
        except OSError:
            piece = b""
        self._buffer += piece
        return bool(piece)


def respond_with(*pieces: bytes, then: str = "continue") -> Callable[[ServerConnection], None]:
    """Return a function that responds with these bytes; ``then`` is ``continue``, ``close``, ``reset`` or ``wait``."""

    def respond(connection: ServerConnection) -> None:
        connection.read()
        connection.send(*pieces)
        {
            "continue": lambda: None,
            "close": connection.close,
            "reset": connection.reset,
            "wait": connection.read_until_closed,
        }[then]()

    return respond


@dataclass
class Upstream:
    """The service: ``respond`` is called for each request; ``requests`` are those received so far."""

    port: int
    respond: Callable[[ServerConnection], None] = field(default_factory=lambda: respond_with(OK))
    requests: list[Request] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def with_method(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    def reset(self) -> None:
        """Forget the received requests, and respond with OK again."""
        self.requests.clear()
        self.respond = respond_with(OK)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = listener.accept()
                # Send each piece immediately.
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections.append(accepted)
                threading.Thread(target=self._serve, args=(accepted, len(self.connections)), daemon=True).start()

    def _serve(self, accepted: socket.socket, number: int) -> None:
        connection = ServerConnection(accepted, number, self.requests)
        with accepted, suppress(OSError):
            while connection.has_request():
                self.respond(connection)
            if not connection.finished:
                return
            # Read the rest: closing a socket with unread data would send a reset.
            accepted.settimeout(2)
            while accepted.fileno() >= 0 and _is_open_for_reading(accepted):
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
    """Run an Upstream; port 0 selects an unused port."""
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
def not_accepting(queue: int = 128) -> Iterator[str]:
    """Yield the base URL of a service that accepts no connections; if ``queue`` is 0, its backlog is full."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(queue)
        for waiting in (first, second) if queue == 0 else ():
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def unused_port() -> int:
    """Return a port on which nothing listens."""
    return free_port()
