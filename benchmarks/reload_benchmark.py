"""The number of requests that are lost when the server is reloaded or stopped."""

import socket
import threading
import time
import uuid
from collections.abc import Sequence

import psycopg

from benchmarks import calls, load
from benchmarks.connections import BROKEN
from benchmarks.processes import Server

_CONNECTIONS = 16
_RELOADS = 3
_FIRST_RELOAD = 1_000_000
_FIRST_STOP = 100_000


def reload_under_load(server: Server, vehicles: Sequence[uuid.UUID], closing: bool) -> str:
    """Reload the server while clients create allocations; return a description of the result.

    If ``closing``, every request uses a new connection.
    """
    requests = calls.creates(vehicles, _FIRST_RELOAD)
    if closing:
        requests = (request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) for request in requests)
    done = threading.Event()
    loads: list[load.Load] = []

    def send() -> None:
        while not done.is_set():
            loads.append(load.run(server.port, [requests] * _CONNECTIONS, 2.0, patience=10.0))

    clients = threading.Thread(target=send)
    clients.start()
    began = time.monotonic()
    for _ in range(_RELOADS):
        time.sleep(1)
        server.reload()
    seconds = time.monotonic() - began
    done.set()
    clients.join()
    outcomes = sum(len(run.outcomes) for run in loads)
    longest = max(outcome.seconds for run in loads for outcome in run.outcomes)
    return (
        f"{_RELOADS} reloads in {seconds:.0f} s, {'new' if closing else 'keep-alive'} connections:"
        f" {outcomes} requests, {sum(run.failures for run in loads)} failed, the longest took {longest:.2f} s"
    )


def stop_with_requests_in_flight(server: Server, url: str, vehicle: uuid.UUID, in_flight: int) -> str:
    """Send SIGTERM while requests wait for a lock that this function holds; describe how many got a response."""
    clients = []
    with psycopg.connect(url) as blocker:
        blocker.execute("SELECT FROM continuous_resources WHERE id = %s FOR UPDATE", [vehicle])
        for number in range(in_flight):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=15)
            client.sendall(calls.create(vehicle, _FIRST_STOP + number))
            clients.append(client)
        time.sleep(0.5)
        server.process.terminate()
        began = time.monotonic()
        time.sleep(1)
    finished = sum(_status(client) != BROKEN for client in clients)
    server.process.wait()
    seconds = time.monotonic() - began
    return f"SIGTERM with {in_flight} requests in progress: {finished} finished, server ended after {seconds:.1f} s"


def _status(client: socket.socket) -> int:
    with client:
        try:
            response = client.recv(65536)
        except OSError:
            return BROKEN
        return int(response[9:12]) if response else BROKEN
