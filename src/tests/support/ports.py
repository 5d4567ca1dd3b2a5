"""Ports for the servers of the tests."""

import atexit
import socket
from collections import deque

# The sockets that keep the ports, and how many of them stay open.
_sockets: deque[socket.socket] = deque()
_MAX_SOCKETS = 100


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens.

    A bound socket that does not listen keeps the port: no other process gets it by chance, connections to it are
    refused, and a server can listen on it, because servers set SO_REUSEADDR.
    """
    if len(_sockets) == _MAX_SOCKETS:
        _sockets.popleft().close()
    keeper = socket.socket()
    _sockets.append(keeper)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    port: int = keeper.getsockname()[1]
    return port


@atexit.register
def _close() -> None:
    while _sockets:
        _sockets.pop().close()
