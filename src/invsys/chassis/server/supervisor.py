"""The parent process of the production server: it holds the listening sockets and keeps the workers running.

``command.serve`` becomes this program: ``python -m invsys.chassis.server.supervisor --sockets=3,4 ...
MODULE:NAME``. It imports nothing of the application: workers are forked from it, and a reload has to load the code that
is installed then.

granian's own supervisor (2.8) ends the whole server when one worker dies twice within 5.5 seconds. Its workers open
their own sockets, so the connections that wait for a dead worker are reset. Here:

* This process holds a listening socket for each worker's place. The next worker of a place serves the connections that
  wait there, and new connections go to the places whose worker has loaded the application (``steering``). One socket
  for all was slower by a sixth: one of two workers got up to 15 of 16 connections.
* A dead worker is replaced at once, or after a delay that doubles while its successors die soon, too. The other
  workers keep serving, and the server never ends because workers die.
* SIGHUP exchanges the workers one after another. If a new worker dies, the reload is given up, and the old one stays.
* SIGTERM and SIGINT stop the server; requests in progress are finished within the timeout.
* Workers die with this process (prctl(2), PR_SET_PDEATHSIG), so that they do not keep the port from the next server.
"""

import argparse
import contextlib
import functools
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import logger
from granian.net import SocketHolder  # type: ignore[attr-defined]
from granian.server.common import AbstractServer
from granian.server.mp import MPServer

from invsys.chassis.server.steering import steer
from invsys.chassis.server.worker import SIGNALS, Loaded, Worker, work

# Milliseconds that a client may take to send the head of a request; an idle connection is closed after them, too.
_HEADER_READ_TIMEOUT = 10_000
# Bytes of a request's head. nginx passes on up to 33 KiB: a line of 1 KiB and large_client_header_buffers 4 8k.
_MAX_HEAD = 40 * 1024
# Connections of a worker, idle ones included: with granian's default, 1,200 idle connections stop the service.
_CONNECTIONS = 4096
# Seconds between the start of a new worker and the end of the old one, at least.
_OVERLAP = 3.5
# Seconds before a worker that died soon after its start is replaced: the first delay, and the longest.
_FIRST_DELAY, _LONGEST_DELAY = 0.25, 8.0
# A worker that ran for this many seconds resets the count of quick deaths.
_STABLE = 30.0


@dataclass
class _Place:
    """The place of one worker: its socket, its process if there is one, and when the next process is started."""

    number: int
    socket: socket.socket
    worker: Worker | None = None
    # How many workers in a row died soon after their start.
    quick_deaths: int = 0
    due: float = 0.0


class Supervisor(MPServer):
    """granian's server, with listening sockets that are already open and with the supervision described above."""

    def __init__(self, sockets: list[socket.socket], target: str, threads: int, timeout: int) -> None:
        address, port = sockets[0].getsockname()[:2]
        super().__init__(
            target,
            address=address,
            port=port,
            interface=Interfaces.WSGI,
            # With "auto", a connection that sends nothing is never closed.
            http=HTTPModes.http1,
            websockets=False,
            workers=len(sockets),
            blocking_threads=threads,
            backlog=_CONNECTIONS,
            backpressure=_CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=_HEADER_READ_TIMEOUT, max_buffer_size=_MAX_HEAD),
        )
        # Seconds that a worker may take to finish its requests.
        self._timeout = timeout
        self._places = [_Place(number, each) for number, each in enumerate(sockets)]
        # Workers without a place: new ones that are starting, and old ones that finish their requests.
        self._others: list[Worker] = []
        # Processes that have loaded the application.
        self._loaded, self._ready = Loaded(), set[int]()
        self._steered: list[int] = []
        self._signals, waker = os.pipe()
        os.set_blocking(self._signals, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)

    def serve(self, *args: Any, **kwargs: Any) -> None:
        """Serve without granian's warning about the number of threads, for which server.rst has measurements."""
        AbstractServer.serve(self, *args, **kwargs)

    def _init_shared_socket(self) -> None:
        """Keep granian from opening a socket."""
        self._sso = None

    def _drop_shared_socket(self) -> None:
        for place in self._places:
            place.socket.close()

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        self._spawn = spawn_target, target_loader
        # ``server.serve`` blocked them before this process was loaded.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if not self.interrupt_signal:
            self._fill_places()

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        while not self.interrupt_signal:
            self._supervise(until=lambda: self.reload_signal)
            if self.reload_signal:
                self.reload_signal = False
                logger.info("SIGHUP: the workers are exchanged one after another")
                self._exchange_all()

    def _supervise(self, until: Callable[[], bool], seconds: float | None = None) -> None:
        """Replace dead workers until the condition holds, the time is over, or the server has to stop."""
        ends = None if seconds is None else time.monotonic() + seconds
        while True:
            self._notice()
            if self.interrupt_signal or until() or (ends is not None and time.monotonic() >= ends):
                return
            self._fill_places()
            due = [place.due for place in self._places if place.worker is None] + ([] if ends is None else [ends])
            timeout = max(0.0, min(due) - time.monotonic()) if due else None
            wait([self._signals, self._loaded.reader, *(worker.sentinel for worker in self._workers())], timeout)

    def _notice(self) -> None:
        """Record which workers have loaded the application, and which have died."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._signals, 1024)
        self._ready.update(self._loaded.pids())
        for place in self._places:
            if place.worker is not None and not place.worker.is_alive():
                self._vacate(place, place.worker)
        self._others = [worker for worker in self._others if worker.is_alive()]
        self._ready &= {worker.pid for worker in self._workers()}
        live = [place.number for place in self._places if place.worker and place.worker.pid in self._ready]
        if live != self._steered:
            self._steered = live
            # If the kernel does not support it, connections wait for the next worker of their place.
            with contextlib.suppress(OSError):
                steer([place.socket for place in self._places], live)

    def _workers(self) -> list[Worker]:
        return [place.worker for place in self._places if place.worker is not None] + self._others

    def _vacate(self, place: _Place, worker: Worker) -> None:
        now = time.monotonic()
        place.worker = None
        place.quick_deaths = 0 if now - worker.born >= _STABLE else place.quick_deaths + 1
        # The first quick death is replaced at once, like the death of a worker that has run for long.
        delay = min(_FIRST_DELAY * 2.0 ** (place.quick_deaths - 2), _LONGEST_DELAY) if place.quick_deaths > 1 else 0.0
        place.due = now + delay
        logger.error(f"{worker.death()}; it is replaced {f'in {delay:g} seconds' if delay else 'at once'}")

    def _fill_places(self) -> None:
        for place in self._places:
            if place.worker is None and time.monotonic() >= place.due:
                place.worker = self._start(place)
                place.due = time.monotonic() + _LONGEST_DELAY

    def _start(self, place: _Place) -> Worker | None:
        """Start a worker for a place; return None if the system cannot start another process."""
        # granian passes it to the worker.
        self._shd: Any = SocketHolder(place.socket.fileno(), False, self.backlog)  # type: ignore[call-arg]
        worker = Worker(place.number + 1, self._spawn_worker(place.number, *self._spawn).inner)
        try:
            worker.start()
        except OSError as error:
            logger.error(f"{worker.name} cannot be started: {error.strerror}")
            return None
        logger.info(f"Spawning {worker.name} with PID: {worker.pid}")
        return worker

    def _exchange_all(self) -> None:
        for place in self._places:
            if self.interrupt_signal or not self._exchange(place):
                return

    def _exchange(self, place: _Place) -> bool:
        """Start a new worker for a place, then stop the old one; return whether the new one serves."""
        new = self._start(place)
        if new is None:
            return False
        self._others.append(new)
        self._supervise(until=lambda: new not in self._others, seconds=_OVERLAP)
        self._supervise(until=lambda: new not in self._others or new.pid in self._ready)
        if new not in self._others:
            logger.error(f"{new.death()} as soon as it was started: the reload is given up, and the old workers stay")
            return False
        if not self.interrupt_signal:
            self._others.remove(new)
            old, place.worker, place.quick_deaths = place.worker, new, 0
            self._retire(old)
        return True

    def _retire(self, worker: Worker | None) -> None:
        if worker is None:
            return
        self._others.append(worker)
        logger.info(f"Stopping old {worker.name}")
        worker.terminate()
        self._supervise(until=lambda: worker not in self._others, seconds=self._timeout)
        if not self.interrupt_signal:
            self._end(worker, 0.0)

    def _stop_workers(self) -> None:
        ends = time.monotonic() + self._timeout
        for worker in self._workers():
            worker.terminate()
        for worker in self._workers():
            self._end(worker, max(0.0, ends - time.monotonic()))

    @staticmethod
    def _end(worker: Worker, timeout: float) -> None:
        if worker.end(timeout):
            logger.warning(f"Killed {worker.name}: its requests took longer than the timeout")
        logger.info(f"Stopped {worker.name}")


def main() -> None:
    """Supervise workers that serve the WSGI application ``target`` (``module:name``)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", required=True, help="the listening sockets' file descriptors: one for each worker")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--timeout", type=int, required=True)
    parser.add_argument("target")
    options = parser.parse_args()
    sockets = [socket.socket(fileno=int(number)) for number in options.sockets.split(",")]
    for each in sockets:
        each.set_inheritable(False)
    multiprocessing.set_start_method("fork")
    supervisor = Supervisor(sockets, options.target, options.threads, options.timeout)
    supervisor.serve(functools.partial(work, os.getpid(), supervisor._loaded))  # noqa: SLF001 - its own


if __name__ == "__main__":
    main()
