"""The listening sockets of the server: one for each worker, all on one port, opened before any worker starts.

The first socket is opened without SO_REUSEPORT, so the kernel refuses a second server on the same port: at ``bind`` if
another one listens already, and at ``listen`` if two start at the same time. The option is set afterwards, so that the
sockets of the other workers can use the port, too. The sockets stay open while the server runs and therefore serve as
its lock; the kernel closes them when the server ends for any reason.
"""

import errno
import socket
from typing import Any

from invsys.chassis.config.settings import SettingsError

# The number of connections that the kernel queues until a worker accepts them.
_BACKLOG = 4096
_LAST_PORT = 65535
# Milliseconds until a connection is closed because the client has not acknowledged data.
_ACKNOWLEDGEMENT_TIMEOUT = 60_000


def listen(host: str, port: int, count: int = 1) -> list[socket.socket]:
    """Return ``count`` sockets that listen on ``port`` of ``host``, an address or a name; raises SettingsError."""
    family, address = _resolve(host, port)
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            sockets.append(socket.socket(family, socket.SOCK_STREAM))
            _open(sockets[-1], address, is_first=len(sockets) == 1)
    except OSError as error:
        close(sockets)
        raise SettingsError(_reason(error, host, port)) from error
    return sockets


def close(sockets: list[socket.socket]) -> None:
    """Close the sockets."""
    for listening_socket in sockets:
        listening_socket.close()


def _open(listening_socket: socket.socket, address: Any, is_first: bool) -> None:
    # Otherwise the connections of an earlier server would block the port for a minute.
    listening_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit this option: a response is sent without waiting for the acknowledgement of the previous one.
    listening_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Connections inherit this option, too.
    listening_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _ACKNOWLEDGEMENT_TIMEOUT)
    listening_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, not is_first)
    listening_socket.bind(address)
    listening_socket.listen(_BACKLOG)
    listening_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    # getaddrinfo reads 99999 as 34463. Port 0 means any free port.
    if not 0 <= port <= _LAST_PORT:
        raise SettingsError(f"port {port} is not in the range 1 to {_LAST_PORT}")
    try:
        resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"host {host} has no address: {getattr(error, 'strerror', None) or error}") from error
    # A name such as localhost often has an IPv6 address, too; clients expect the IPv4 address.
    family, _, _, _, address = min(resolved, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host {host} is not an address of this machine"
    return f"port {port} of {host} cannot be opened: {error.strerror}"
