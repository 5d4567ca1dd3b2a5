"""What do clients that send a byte a second do to the others, and how long are they borne?"""

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

# What is sent at once; what follows comes a byte a second, and never ends, or not at all.
KINDS = {
    "header": b"POST /api/cars HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "body": b"POST /api/cars HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 1000\r\n\r\n{"name": "',
    "first request": b"",
    "second request": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
_DRIPPING = frozenset({"header", "body"})


class SlowClients:
    """Some connections that drip, from a thread, until told to stop.

    ``lives`` are the seconds until each was cut off, ``left`` is how many were not.
    """

    def __init__(self, port: int, kind: str, count: int) -> None:
        self.lives: list[float] = []
        self.left = count
        self._drips = kind in _DRIPPING
        self._began = time.monotonic()
        self._open = [_begun(port, kind) for _ in range(count)]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def stop(self) -> None:
        """Close what is still open."""
        self._stopped.set()
        self._thread.join()
        for client in self._open:
            client.close()

    def _drip(self) -> None:
        while not self._stopped.wait(1):
            for client in list(self._open):
                if self._is_cut_off(client):
                    self.lives.append(time.monotonic() - self._began)
                    self._open.remove(client)
                    client.close()
            self.left = len(self._open)

    def _is_cut_off(self, client: socket.socket) -> bool:
        try:
            if self._drips:
                client.send(b"a")
            # An answer, too, is the end of it.
            client.recv(1024)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def _begun(port: int, kind: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(KINDS[kind])
    if kind == "second request":
        client.recv(4096)
    client.setblocking(False)
    return client


def beside_normal_ones(port: int, vehicles: Sequence[uuid.UUID], kind: str) -> str:
    """Compare what normal clients get without and beside slow ones."""
    feeds = [calls.creates(vehicles, 4_000_000 + list(KINDS).index(kind) * 1_000_000)] * _NORMAL
    load.run(port, feeds, 1.0)
    without = load.run(port, feeds, _SECONDS / 2)
    slow = SlowClients(port, kind, _SLOW)
    time.sleep(1)
    beside = load.run(port, feeds, _SECONDS, patience=20.0)
    slow.stop()
    return f"{_SLOW} clients slow with their {kind}: {_figures(without)} without, {_figures(beside)} beside them"


def _figures(result: load.Load) -> str:
    p99 = load.percentile([answer.seconds * 1000 for answer in result.answers], 0.99)
    return f"{result.rate:.0f}/s p99 {p99:.0f} ms ({result.failures} failed)"


def cut_off(port: int) -> str:
    """Say when slow clients of each kind are cut off."""
    slow = {kind: SlowClients(port, kind, 3) for kind in KINDS}
    ends = time.monotonic() + _LONGEST
    while time.monotonic() < ends and any(clients.left for clients in slow.values()):
        time.sleep(1)
    for clients in slow.values():
        clients.stop()
    said = (f"{kind} {_when(clients.lives)}" for kind, clients in slow.items())
    return "cut off: " + ", ".join(said)


def _when(lives: Sequence[float]) -> str:
    return f"after {max(lives):.0f} s" if lives else f"never within {_LONGEST:.0f} s"
