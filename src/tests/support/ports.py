"""Ports on which nothing listens."""

import secrets
import socket
from contextlib import closing

# Below the ports that the kernel chooses for other sockets, so that no connection takes one before the test uses it.
_FIRST, _BEYOND = 10_000, 32_768


def free_port() -> int:
    """Return a free port of the loopback address; another process hardly ever gets the same."""
    while True:
        port = _FIRST + secrets.randbelow(_BEYOND - _FIRST)
        with closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
