"""A gateway under the production server, as one client of it sees it."""

import socket
from dataclasses import dataclass

from tests.support.gateway_server import Served
from tests.support.raw_caller import SECONDS, Answer, ask, ask_all, request


@dataclass
class Door:
    """A gateway that runs, the key of a client that may do everything, and that of one that may ask once at a time."""

    served: Served
    key: str
    narrow: str

    def call(self, method: str, target: str, *lines: str, body: bytes | None = None) -> Answer:
        """Ask with the key."""
        return ask(self.served.port, request(method, target, self.key, *lines, body=body))

    def get(self, target: str, *lines: str) -> Answer:
        return self.call("GET", target, *lines)

    def anonymous(self, method: str, target: str, *lines: str) -> Answer:
        """Ask without the key."""
        return ask(self.served.port, request(method, target, None, *lines))

    def raw(self, data: bytes) -> Answer:
        """Send bytes; KEY in them stands for the key."""
        return ask(self.served.port, data.replace(b"KEY", self.key.encode()))

    def raw_all(self, data: bytes) -> list[Answer]:
        """Send bytes, and give all that is answered."""
        return ask_all(self.served.port, data.replace(b"KEY", self.key.encode()))

    def everything(self, data: bytes) -> bytes:
        """Send bytes, the last request of which closes, and give all bytes that come back."""
        with socket.create_connection(("127.0.0.1", self.served.port), timeout=SECONDS) as connection:
            connection.sendall(data.replace(b"KEY", self.key.encode()))
            with connection.makefile("rb") as stream:
                return stream.read()

    def left_midway(self, target: str) -> None:
        """Ask, read the beginning of the answer, and leave."""
        with socket.create_connection(("127.0.0.1", self.served.port), timeout=SECONDS) as connection:
            connection.sendall(request("GET", target, self.key))
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
