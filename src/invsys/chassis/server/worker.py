"""A worker of the production server: the supervisor's handle of the process, and the code that runs in it.

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


class Loaded:
    """A pipe over which workers report to the supervisor that they have loaded the application."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)

    def tell(self) -> None:
        """Report it; called in a worker."""
        os.write(self._writer, _PID.pack(os.getpid()))

    def pids(self) -> list[int]:
        """Return the ids of the processes that have reported since the last call."""
        with contextlib.suppress(BlockingIOError):
            return [pid for (pid,) in _PID.iter_unpack(os.read(self.reader, 1024 * _PID.size))]
        return []


class Worker:
    """A process that serves the application."""

    def __init__(self, number: int, process: BaseProcess) -> None:
        self.name, self.born = f"worker-{number}", time.monotonic()
        self._process = process

    def start(self) -> None:
        """Start the process; raises OSError if the system cannot start another one."""
        # Until the worker has set its own handlers, it must not run those of the supervisor.
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
        """A file descriptor that is readable when the process has ended."""
        return self._process.sentinel

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.is_alive()

    def terminate(self) -> None:
        """Ask it to finish its requests and to end."""
        self._process.terminate()

    def end(self, timeout: float) -> bool:
        """Wait until it has ended, and kill it after a timeout in seconds; return whether that was necessary."""
        self._process.join(timeout)
        if not self._process.is_alive():
            return False
        self._process.kill()
        self._process.join()
        return True

    def death(self) -> str:
        """Return how it ended, in words."""
        code = self._process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        return f"{self.name} (PID {self.pid}) {how}"


def work(supervisor: int, loaded: Loaded, number: int, name: str | None, load: Callable[[], Any], *rest: Any) -> None:
    """Serve in this process, which the supervisor has just forked, until SIGTERM or until the supervisor dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)
    signal.set_wakeup_fd(-1)
    for each, action in zip(SIGNALS, (signal.SIG_DFL, signal.SIG_DFL, signal.SIG_IGN), strict=True):
        signal.signal(each, action)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def load_and_tell() -> Any:
        _forget_modules()
        application = load()
        loaded.tell()
        return application

    _hand_over_protocol()
    # granian lets a server replace the function of its workers, but not extend it.
    mp.MPServer._spawn_wsgi_worker(number, name, load_and_tell, *rest)  # noqa: SLF001


def _hand_over_protocol() -> None:
    """Put granian's side of each request into its environment, for ``slow_bodies``."""
    wrap = vars(mp)["_wsgi_call_wrap"]

    def wrap_once_more(*args: Any) -> Callable[[Any, dict[str, Any]], int]:
        call = wrap(*args)

        def handle(protocol: Any, scope: dict[str, Any]) -> int:
            scope["granian.protocol"] = protocol
            status: int = call(protocol, scope)
            return status

        return handle

    vars(mp)["_wsgi_call_wrap"] = wrap_once_more


def _forget_modules() -> None:
    """Forget the modules of this package that the supervisor has loaded: an upgrade may have replaced them since."""
    package = __name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
