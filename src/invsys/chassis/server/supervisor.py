"""The parent process of the production server: it holds the listening sockets and keeps the workers running.

``command.serve`` executes this program: ``python -m invsys.chassis.server.supervisor --sockets=3,4 ...
MODULE:NAME``. It imports nothing of the application, because its workers are forked from it, and after a reload they
must load the installed version.

granian's own supervisor (2.8) stops the whole server when one worker dies twice within 5.5 seconds. Its workers open
their own sockets, so the connections that wait for a dead worker are reset. This supervisor differs:

* It holds one listening socket for each worker slot. The next worker of a slot serves the connections that wait there,
  and new connections go to the slots whose worker has loaded the application (``reuseport``). A single socket for all
  workers was slower by a sixth: one of two workers got up to 15 of 16 connections.
* A dead worker is replaced immediately; if its successors die soon, too, the delay doubles each time. The other workers
  keep serving, and the server never stops because workers die.
* SIGHUP replaces the workers one by one. If a new worker dies, the reload is aborted, and the old worker keeps running.
* SIGTERM and SIGINT stop the server; requests in progress are finished within the timeout.
* Workers die with this process (prctl(2), PR_SET_PDEATHSIG), so that they do not block the port of the next server.
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

from invsys.chassis.server.reuseport import select_sockets
from invsys.chassis.server.worker import SIGNALS, ReadyPipe, Worker, run_worker

# Milliseconds that a client has to send the headers of a request; an idle connection is also closed after this time.
_HEADER_READ_TIMEOUT = 10_000
# The maximum size of the request line and headers. nginx forwards up to 33 KiB: a request line of 1 KiB, and
# large_client_header_buffers 4 8k.
_MAX_HEAD = 40 * 1024
# Connections of a worker, including idle ones. With granian's default, 1,200 idle connections block the service.
_CONNECTIONS = 4096
# The minimum time between the start of a new worker and the end of the old one, in seconds.
_OVERLAP = 3.5
# The first and the longest delay before a worker that died soon after its start is replaced, in seconds.
_FIRST_DELAY, _LONGEST_DELAY = 0.25, 8.0
# A worker that has run for this many seconds resets the count of quick deaths.
_STABLE = 30.0


@dataclass
class _Slot:
    """A worker slot: its socket, its current process if there is one, and the earliest start time of the next one."""

    number: int
    socket: socket.socket
    worker: Worker | None = None
    # The number of consecutive workers that died soon after their start.
    quick_deaths: int = 0
    restart_at: float = 0.0


class Supervisor(MPServer):
    """granian's server with listening sockets that are already open, and with the supervision described above."""

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
        # Seconds that a worker has to finish its requests.
        self._timeout = timeout
        self._slots = [_Slot(number, listening_socket) for number, listening_socket in enumerate(sockets)]
        # Workers without a slot: new ones that are starting, and old ones that are finishing their requests.
        self._unassigned: list[Worker] = []
        # The pipe through which workers report that they have loaded the application, and the PIDs of these workers.
        self._ready_pipe, self._ready = ReadyPipe(), set[int]()
        self._selected: list[int] = []
        self._signals, waker = os.pipe()
        os.set_blocking(self._signals, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)

    def serve(self, *args: Any, **kwargs: Any) -> None:
        """Serve without granian's warning about the number of threads; server.rst has measurements for this number."""
        AbstractServer.serve(self, *args, **kwargs)

    def _init_shared_socket(self) -> None:
        """Prevent granian from opening a socket."""
        self._sso = None

    def _drop_shared_socket(self) -> None:
        for slot in self._slots:
            slot.socket.close()

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        self._spawn = spawn_target, target_loader
        # ``command.serve`` blocked these signals before it executed this program.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if not self.interrupt_signal:
            self._fill_slots()

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        while not self.interrupt_signal:
            self._supervise(until=lambda: self.reload_signal)
            if self.reload_signal:
                self.reload_signal = False
                logger.info("SIGHUP: replacing the workers one by one")
                self._replace_all()

    def _supervise(self, until: Callable[[], bool], seconds: float | None = None) -> None:
        """Replace dead workers until the condition holds, ``seconds`` have passed, or the server has to stop."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            self._update_state()
            if self.interrupt_signal or until() or (deadline is not None and time.monotonic() >= deadline):
                return
            self._fill_slots()
            restart_times = [slot.restart_at for slot in self._slots if slot.worker is None]
            restart_times += [] if deadline is None else [deadline]
            timeout = max(0.0, min(restart_times) - time.monotonic()) if restart_times else None
            wait([self._signals, self._ready_pipe.reader, *(worker.sentinel for worker in self._workers())], timeout)

    def _update_state(self) -> None:
        """Record which workers have loaded the application, and which have died; select the sockets accordingly."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._signals, 1024)
        self._ready.update(self._ready_pipe.pids())
        for slot in self._slots:
            if slot.worker is not None and not slot.worker.is_alive():
                self._record_exit(slot, slot.worker)
        self._unassigned = [worker for worker in self._unassigned if worker.is_alive()]
        self._ready &= {worker.pid for worker in self._workers()}
        live = [slot.number for slot in self._slots if slot.worker and slot.worker.pid in self._ready]
        if live != self._selected:
            self._selected = live
            # If the kernel does not support it, connections wait for the next worker of their slot.
            with contextlib.suppress(OSError):
                select_sockets([slot.socket for slot in self._slots], live)

    def _workers(self) -> list[Worker]:
        return [slot.worker for slot in self._slots if slot.worker is not None] + self._unassigned

    def _record_exit(self, slot: _Slot, worker: Worker) -> None:
        now = time.monotonic()
        slot.worker = None
        slot.quick_deaths = 0 if now - worker.started_at >= _STABLE else slot.quick_deaths + 1
        # After the first quick death the delay is 0, as after the death of a worker that has run for long.
        delay = min(_FIRST_DELAY * 2.0 ** (slot.quick_deaths - 2), _LONGEST_DELAY) if slot.quick_deaths > 1 else 0.0
        slot.restart_at = now + delay
        logger.error(f"{worker.exit_description()}; replacing it {f'in {delay:g} seconds' if delay else 'now'}")

    def _fill_slots(self) -> None:
        for slot in self._slots:
            if slot.worker is None and time.monotonic() >= slot.restart_at:
                slot.worker = self._start(slot)
                slot.restart_at = time.monotonic() + _LONGEST_DELAY

    def _start(self, slot: _Slot) -> Worker | None:
        """Start a worker for a slot; return None if the system cannot start another process."""
        # granian passes this socket to the worker.
        self._shd: Any = SocketHolder(slot.socket.fileno(), False, self.backlog)  # type: ignore[call-arg]
        worker = Worker(slot.number + 1, self._spawn_worker(slot.number, *self._spawn).inner)
        try:
            worker.start()
        except OSError as error:
            logger.error(f"{worker.name} cannot be started: {error.strerror}")
            return None
        logger.info(f"Spawning {worker.name} with PID: {worker.pid}")
        return worker

    def _replace_all(self) -> None:
        for slot in self._slots:
            if self.interrupt_signal or not self._replace(slot):
                return

    def _replace(self, slot: _Slot) -> bool:
        """Start a new worker for a slot, then stop the old one; return whether the new worker is running."""
        new = self._start(slot)
        if new is None:
            return False
        self._unassigned.append(new)
        self._supervise(until=lambda: new not in self._unassigned, seconds=_OVERLAP)
        self._supervise(until=lambda: new not in self._unassigned or new.pid in self._ready)
        if new not in self._unassigned:
            logger.error(
                f"{new.exit_description()} during its start: the reload is aborted, and the old workers keep running"
            )
            return False
        if not self.interrupt_signal:
            self._unassigned.remove(new)
            old, slot.worker, slot.quick_deaths = slot.worker, new, 0
            self._retire(old)
        return True

    def _retire(self, worker: Worker | None) -> None:
        if worker is None:
            return
        self._unassigned.append(worker)
        logger.info(f"Stopping old {worker.name}")
        worker.terminate()
        self._supervise(until=lambda: worker not in self._unassigned, seconds=self._timeout)
        if not self.interrupt_signal:
            self._end(worker, 0.0)

    def _stop_workers(self) -> None:
        deadline = time.monotonic() + self._timeout
        for worker in self._workers():
            worker.terminate()
        for worker in self._workers():
            self._end(worker, max(0.0, deadline - time.monotonic()))

    @staticmethod
    def _end(worker: Worker, timeout: float) -> None:
        if worker.join_or_kill(timeout):
            logger.warning(f"Killed {worker.name}: its requests took longer than the timeout")
        logger.info(f"Stopped {worker.name}")


def main() -> None:
    """Start workers that serve the WSGI application ``target`` (``module:name``), and supervise them."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--sockets", required=True, help="file descriptors of the listening sockets, one for each worker"
    )
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--timeout", type=int, required=True)
    parser.add_argument("target")
    options = parser.parse_args()
    sockets = [socket.socket(fileno=int(number)) for number in options.sockets.split(",")]
    for listening_socket in sockets:
        listening_socket.set_inheritable(False)
    multiprocessing.set_start_method("fork")
    supervisor = Supervisor(sockets, options.target, options.threads, options.timeout)
    supervisor.serve(functools.partial(run_worker, os.getpid(), supervisor._ready_pipe))  # noqa: SLF001 - its own


if __name__ == "__main__":
    main()
