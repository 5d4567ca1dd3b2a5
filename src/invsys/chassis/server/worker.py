"""The worker processes of the production server: the supervisor's handle for a worker, and the code that runs in it.

Like the supervisor, this module imports nothing of the application.
"""

import contextlib
import ctypes
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from granian.server import mp

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_PR_SET_PDEATHSIG = 1
_PID = struct.Struct("i")


class ReadyPipe:
    """A pipe through which workers report to the supervisor that they have loaded the application."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)

    def report(self) -> None:
        """Report that this worker has loaded the application."""
        os.write(self._writer, _PID.pack(os.getpid()))

    def pids(self) -> list[int]:
        """Return the ids of the processes that have reported since the last call."""
        with contextlib.suppress(BlockingIOError):
            return [pid for (pid,) in _PID.iter_unpack(os.read(self.reader, 1024 * _PID.size))]
        return []


class Worker:
    """A process that serves the application."""

    def __init__(self, number: int, process: BaseProcess) -> None:
        self.name, self.started_at = f"worker-{number}", time.monotonic()
        self._process = process

    def start(self) -> None:
        """Start the process; raises OSError if the system cannot start another one."""
        # The worker must not run the supervisor's signal handlers before it has set its own.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    @property
    def pid(self) -> int:
        """The id of the process, or 0 before it is started."""
        return self._process.pid or 0

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable when the process ends."""
        return self._process.sentinel

    def is_alive(self) -> bool:
        """Return whether the process is running."""
        return self._process.is_alive()

    def terminate(self) -> None:
        """Send SIGTERM: the process finishes its requests and ends."""
        self._process.terminate()

    def join_or_kill(self, timeout: float) -> bool:
        """Wait for the process to end, and kill it after ``timeout`` seconds; return whether it was killed."""
        self._process.join(timeout)
        if not self._process.is_alive():
            return False
        self._process.kill()
        self._process.join()
        return True

    def exit_description(self) -> str:
        """Return a description of how the process ended, for the log."""
        code = self._process.exitcode or 0
        cause = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        return f"{self.name} (PID {self.pid}) {cause}"


def run_worker(
    supervisor: int, ready_pipe: ReadyPipe, number: int, name: str | None, load: Callable[[], Any], *rest: Any
) -> None:
    """Serve the application in this forked process until SIGTERM or until the supervisor dies.

    ``supervisor`` is the supervisor's PID, ``load`` imports the application; the other arguments are granian's.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)
    signal.set_wakeup_fd(-1)
    for number_of_signal, action in zip(SIGNALS, (signal.SIG_DFL, signal.SIG_DFL, signal.SIG_IGN), strict=True):
        signal.signal(number_of_signal, action)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def load_and_report() -> Any:
        _forget_modules()
        application = load()
        ready_pipe.report()
        return application

    _add_protocol_to_environ()
    # granian allows a server to replace the workers' function, but not to extend it.
    mp.MPServer._spawn_wsgi_worker(number, name, load_and_report, *rest)  # noqa: SLF001


def _add_protocol_to_environ() -> None:
    """Store granian's protocol object of each request in its WSGI environment, for ``slow_bodies``."""
    wrap = vars(mp)["_wsgi_call_wrap"]

    def wrap_with_protocol(*args: Any) -> Callable[[Any, dict[str, Any]], int]:
        call = wrap(*args)

        def handle(protocol: Any, scope: dict[str, Any]) -> int:
            scope["granian.protocol"] = protocol
            status: int = call(protocol, scope)
            return status

        return handle

    vars(mp)["_wsgi_call_wrap"] = wrap_with_protocol


def _forget_modules() -> None:
    """Remove this package's modules, which the supervisor has loaded, so that an upgraded version is imported."""
    package = __name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
