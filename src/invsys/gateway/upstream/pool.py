"""Connections to one host of a service, kept and used again.

No redirects are followed, and no proxy of the environment is asked. docs/source/gateway.rst has what this costs beside
urllib3 and the standard library.
"""

import select
import socket
import ssl
import struct
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit

from invsys.gateway.upstream.response import Broken, Exchange


class NotConnected(Exception):
    """No connection could be made; nothing was sent."""


class Connections:
    """The connections to the host at ``url``; at most ``kept`` that nobody uses. Times are in seconds."""

    def __init__(self, url: str, connect_timeout: float, read_timeout: float, kept: int) -> None:
        parts = urlsplit(url)
        self.url = url
        self._host = parts.netloc
        self._address = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._timeval = struct.pack("@ll", *divmod(round(read_timeout * 1_000_000), 1_000_000))
        self._kept = kept
        self._idle: deque[socket.socket] = deque()

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> Exchange:
        """Send a request and give its answer as far as the head; method, target and headers have been checked.

        Raises NotConnected, Broken, TimeoutError.
        """
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        request = "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
        connection = self._usable() or self._connected()
        try:
            connection.sendall(request)
            exchange = Exchange(connection, method, self.url, self._keep)
            exchange.read_head(self._read_timeout)
        except BaseException as error:
            connection.close()
            if isinstance(error, BlockingIOError):
                raise TimeoutError("it does not take the request") from error
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise Broken(str(error)) from error
            raise
        return exchange

    def _keep(self, connection: socket.socket) -> None:
        if len(self._idle) < self._kept:
            self._idle.append(connection)
        else:
            connection.close()

    def _usable(self) -> socket.socket | None:
        """Give the connection that was used last, of those that the host has neither closed nor written to."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not _is_readable(connection):
                return connection
            connection.close()

    def _connected(self) -> socket.socket:
        connection = None
        try:
            connection = socket.create_connection(self._address, self._connect_timeout)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_hostname=self._address[0])
        except (OSError, UnicodeError) as error:  # the latter for what is no name of a host
            if connection is not None:
                connection.close()
            raise NotConnected(str(error)) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            # The kernel keeps the time: Python would ask it before every step whether the next one would have to wait.
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
