"""Connections whose requests announce a body that does not arrive."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.waiting import SECONDS

BODY = b'{"name": "Slow"}'


class SlowBody:
    """A connection over which only the head of a POST request has been sent so far."""

    def __init__(self, port: int, *lines: str, length: int = len(BODY)) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._received, self._ended = b"", False
        head = ["POST /api/cars HTTP/1.1", "Host: localhost", "Content-Type: application/json", *lines]
        self._socket.sendall("\r\n".join([*head, f"Content-Length: {length}", "", ""]).encode())

    def send(self, data: bytes) -> None:
        """Send some of the body."""
        self._socket.sendall(data)

    def has_ended(self) -> bool:
        """Receive what the server has sent; return whether it has closed the connection."""
        while not self._ended and select.select([self._socket], [], [], 0)[0]:
            try:
                data = self._socket.recv(65536)
            except ConnectionError:
                data = b""
            self._received += data
            self._ended = not data
        return self._ended

    def status(self) -> int | None:
        """Return the status of the response; None if the connection was closed without one."""
        self.has_ended()
        return int(self._received[9:12]) if self._received else None

    def text(self) -> str:
        """Return everything that was received."""
        return self._received.decode()

    def close(self) -> None:
        self._socket.close()


@contextmanager
def slow_bodies(port: int, count: int, *lines: str) -> Iterator[list[SlowBody]]:
    """Yield ``count`` open connections; ``lines`` are additional header lines."""
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connections.append(SlowBody(port, *lines))
            stack.callback(connections[-1].close)
        yield connections
