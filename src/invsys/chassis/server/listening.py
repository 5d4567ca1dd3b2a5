"""The listening sockets of a server, opened before anything else starts: one for each worker, all on one port.

The first socket is opened without SO_REUSEPORT, so the kernel refuses a second server on the same port: at ``bind``
while another one listens, and at ``listen`` if two start at the same time. Only then the option is set, for the sockets
of the other workers. The sockets stay open while the server runs, so they replace a lock file, and the kernel closes
them however the server ends.
"""

import errno
import socket
from typing import Any

from invsys.chassis.config.settings import SettingsError

# Connections that the kernel keeps until a worker accepts them.
_BACKLOG = 4096
_LAST_PORT = 65535
# Milliseconds that sent data may wait for its acknowledgement by the client.
_PATIENCE = 60_000


def listen(host: str, port: int, sockets: int = 1) -> list[socket.socket]:
    """Return sockets that listen on ``port`` of ``host``, an address or a name; raises SettingsError."""
    family, address = _resolve(host, port)
    opened: list[socket.socket] = []
    try:
        for _ in range(sockets):
            opened.append(socket.socket(family, socket.SOCK_STREAM))
            _open(opened[-1], address, alone=len(opened) == 1)
    except OSError as error:
        close(opened)
        raise SettingsError(_reason(error, host, port)) from error
    return opened


def close(sockets: list[socket.socket]) -> None:
    """Close all of the sockets."""
    for each in sockets:
        each.close()


def _open(opened: socket.socket, address: Any, alone: bool) -> None:
    # Without it, connections of an earlier server would keep the port for a minute.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it: a response does not wait for the acknowledgement of the previous one.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Connections inherit this too: they are closed if the client receives nothing for that long.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _PATIENCE)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, not alone)
    opened.bind(address)
    opened.listen(_BACKLOG)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    # getaddrinfo takes 99999 for 34463. 0 is any free port.
    if not 0 <= port <= _LAST_PORT:
        raise SettingsError(f"port {port} is not one of 1 to {_LAST_PORT}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"host {host} has no address: {getattr(error, 'strerror', None) or error}") from error
    # A name such as localhost often has an IPv6 address, too; clients expect the IPv4 one.
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host {host} is not an address of this machine"
    return f"port {port} of {host} cannot be opened: {error.strerror}"
