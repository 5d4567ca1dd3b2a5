"""Clients that send one byte per second, or nothing: how they affect others, and when the server disconnects them."""

import socket
import threading
import time
import uuid
from collections.abc import Sequence

from benchmarks import calls, load

_SLOW = 50
_NORMAL = 8
_SECONDS = 10.0
_LONGEST = 75.0

# What a client of each kind sends first. Then the kinds in _TRICKLING send a byte per second, the others nothing.
KINDS = {
    "header": b"POST /api/cars HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "body": b"POST /api/cars HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 1000\r\n\r\n{"name": "',
    "first request": b"",
    "second request": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
_TRICKLING = frozenset({"header", "body"})


class SlowClients:
    """Slow clients of one kind, which a thread drives until ``stop`` is called.

    ``lifetimes`` lists the seconds after which the server closed connections; ``remaining`` is the number of open ones.
    """

    def __init__(self, port: int, kind: str, count: int) -> None:
        self.lifetimes: list[float] = []
        self.remaining = count
        self._is_trickling = kind in _TRICKLING
        self._began = time.monotonic()
        self._open = [_connect(port, kind) for _ in range(count)]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, and close the connections that are still open."""
        self._stopped.set()
        self._thread.join()
        for client in self._open:
            client.close()

    def _run(self) -> None:
        while not self._stopped.wait(1):
            for client in list(self._open):
                if self._is_closed(client):
                    self.lifetimes.append(time.monotonic() - self._began)
                    self._open.remove(client)
                    client.close()
            self.remaining = len(self._open)

    def _is_closed(self, client: socket.socket) -> bool:
        try:
            if self._is_trickling:
                client.send(b"a")
            # A response, such as a 408, also counts as the end of the connection.
            client.recv(1024)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def _connect(port: int, kind: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(KINDS[kind])
    if kind == "second request":
        client.recv(4096)
    client.setblocking(False)
    return client


def effect_on_normal_clients(port: int, vehicles: Sequence[uuid.UUID], kind: str) -> str:
    """Compare the rate and the latency of normal clients without and with slow clients; return the result as text."""
    iterators = [calls.creates(vehicles, 4_000_000 + list(KINDS).index(kind) * 1_000_000)] * _NORMAL
    load.run(port, iterators, 1.0)
    without = load.run(port, iterators, _SECONDS / 2)
    slow = SlowClients(port, kind, _SLOW)
    time.sleep(1)
    with_slow = load.run(port, iterators, _SECONDS, patience=20.0)
    slow.stop()
    return f"{_SLOW} clients with a slow {kind}: {_figures(without)} without them, {_figures(with_slow)} with them"


def _figures(result: load.Load) -> str:
    p99 = load.percentile([outcome.seconds * 1000 for outcome in result.outcomes], 0.99)
    return f"{result.rate:.0f}/s p99 {p99:.0f} ms ({result.failures} failed)"


def time_until_closed(port: int) -> str:
    """Measure how long the server keeps slow connections of each kind open, in seconds; return the result as text."""
    slow = {kind: SlowClients(port, kind, 3) for kind in KINDS}
    deadline = time.monotonic() + _LONGEST
    while time.monotonic() < deadline and any(clients.remaining for clients in slow.values()):
        time.sleep(1)
    for clients in slow.values():
        clients.stop()
    parts = (f"{kind} {_when(clients.lifetimes)}" for kind, clients in slow.items())
    return "slow connections closed: " + ", ".join(parts)


def _when(lifetimes: Sequence[float]) -> str:
    return f"after {max(lifetimes):.0f} s" if lifetimes else f"never within {_LONGEST:.0f} s"
