"""Requests over raw sockets to a gateway under the production server."""

import socket
from dataclasses import dataclass

from tests.support.gateway_server import Served
from tests.support.raw_client import Response, request, send, send_all
from tests.support.waiting import SECONDS


@dataclass
class RunningGateway:
    """A running gateway, the key of a client with all scopes, and that of a client with one concurrent request."""

    served: Served
    key: str
    limited_key: str

    def call(self, method: str, target: str, *lines: str, body: bytes | None = None) -> Response:
        """Send a request with the key."""
        return send(self.served.port, request(method, target, self.key, *lines, body=body))

    def get(self, target: str, *lines: str) -> Response:
        return self.call("GET", target, *lines)

    def anonymous(self, method: str, target: str, *lines: str) -> Response:
        """Send a request without a key."""
        return send(self.served.port, request(method, target, None, *lines))

    def raw(self, data: bytes) -> Response:
        """Send bytes, in which KEY is replaced by the key; return the response."""
        return send(self.served.port, data.replace(b"KEY", self.key.encode()))

    def raw_all(self, data: bytes) -> list[Response]:
        """Send bytes, in which KEY is replaced by the key; return all responses."""
        return send_all(self.served.port, data.replace(b"KEY", self.key.encode()))

    def raw_bytes(self, data: bytes) -> bytes:
        """Send bytes, in which KEY is replaced by the key; return all bytes received until the connection closes."""
        with socket.create_connection(("127.0.0.1", self.served.port), timeout=SECONDS) as connection:
            connection.sendall(data.replace(b"KEY", self.key.encode()))
            with connection.makefile("rb") as stream:
                return stream.read()

    def disconnect_early(self, target: str) -> bool:
        """Send a request, read the beginning of its response, and disconnect; return whether its status is 200."""
        with socket.create_connection(("127.0.0.1", self.served.port), timeout=SECONDS) as connection:
            connection.sendall(request("GET", target, self.key))
            return connection.recv(4096).startswith(b"HTTP/1.1 200")
