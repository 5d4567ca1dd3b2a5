"""Persistent connections to one host of a service.

Redirects are not followed, and proxy settings of the environment are ignored. docs/source/gateway.rst compares the cost
with urllib3 and the standard library.
"""

import select
import socket
import ssl
import struct
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit

from invsys.gateway.upstream.response import BrokenResponse, UpstreamResponse


class ConnectFailed(Exception):
    """The connection could not be established; nothing was sent."""


class ConnectionPool:
    """The connections to the host at ``url``, at most ``max_idle`` of them idle. Timeouts are in seconds."""

    def __init__(self, url: str, connect_timeout: float, read_timeout: float, max_idle: int) -> None:
        parts = urlsplit(url)
        self.url = url
        self._host = parts.netloc
        self._address = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._timeval = struct.pack("@ll", *divmod(round(read_timeout * 1_000_000), 1_000_000))
        self._max_idle = max_idle
        self._idle: deque[socket.socket] = deque()

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> UpstreamResponse:
        """Send a request; return the response with status and headers, its body not yet read.

        Method, target and headers must be valid. Raises ConnectFailed, BrokenResponse, TimeoutError.
        """
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        request = "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
        connection = self._idle_connection() or self._connect()
        try:
            connection.sendall(request)
            response = UpstreamResponse(connection, method, self.url, self._put_back)
            response.read_headers(self._read_timeout)
        except BaseException as error:
            connection.close()
            if isinstance(error, BlockingIOError):
                raise TimeoutError("the host did not receive the request in time") from error
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise BrokenResponse(str(error)) from error
            raise
        return response

    def _put_back(self, connection: socket.socket) -> None:
        if len(self._idle) < self._max_idle:
            self._idle.append(connection)
        else:
            connection.close()

    def _idle_connection(self) -> socket.socket | None:
        """Take the most recently used connection that the host has neither closed nor written to, or return None."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not _is_readable(connection):
                return connection
            connection.close()

    def _connect(self) -> socket.socket:
        connection = None
        try:
            connection = socket.create_connection(self._address, self._connect_timeout)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_hostname=self._address[0])
        except (OSError, UnicodeError) as error:  # the latter for an invalid host name
            if connection is not None:
                connection.close()
            raise ConnectFailed(str(error)) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            # The kernel enforces the timeouts: with those of Python, each operation needs an additional poll() call.
            connection.settimeout(None)
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                connection.setsockopt(socket.SOL_SOCKET, option, self._timeval)
        else:
            connection.settimeout(self._read_timeout)
        return connection


def _is_readable(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
