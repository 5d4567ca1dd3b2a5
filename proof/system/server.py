"""A service under its production server, which a supervisor outside can start again, as systemd does."""

import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from benchmarks.processes import child_processes, free_port, production

from proof.system.waiting import until

_STOP = 60.0


class Server:
    """The server of one service: its supervisor process and its workers. The port stays the same over restarts."""

    def __init__(self, name: str, app: str, folder: Path, environ: Mapping[str, str], threads: int = 4) -> None:
        self.name, self.port, self.workers = name, free_port(), 2
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"{name}.log"
        self._environ = {**os.environ, "INVSYS_CONFIG": os.devnull, "RUNTIME_DIRECTORY": str(folder), **environ}
        self._command = production(app, self.port, workers=self.workers, threads=threads)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until every worker is there and the service responds."""
        self.launch()
        self.wait_until_it_responds()

    def launch(self) -> None:
        """Start the server and return at once."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait_until_it_responds(self) -> None:
        """Wait until every worker is there and the service responds; raises RuntimeError if it ends instead."""
        until(lambda: self._has_ended() or self._responds(), f"{self.name} responds")
        if self._has_ended():
            raise RuntimeError(f"{self.name} does not start; see {self._log}")

    def stop(self) -> None:
        """Send SIGTERM: the workers finish their requests. Return when the server has ended."""
        if self._process is not None:
            self.signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP)
            self.kill()

    def kill(self) -> None:
        """Kill the supervisor; the kernel kills the workers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        if self._process is not None:
            self._process.send_signal(number)

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers."""
        if self._process is None or self._has_ended():
            return []
        # An ended process that has not been waited for has no program any more.
        return [pid for pid in child_processes(self._process.pid) if Path(f"/proc/{pid}/exe").exists()]

    def wait_for_workers(self) -> None:
        """Wait until the usual number of workers runs: neither fewer nor, during a reload, more."""
        until(lambda: len(self.worker_pids()) == self.workers, f"{self.name} has {self.workers} workers")

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _responds(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as response:
                return len(self.worker_pids()) >= self.workers and response.status == 200
        except (urllib.error.URLError, OSError):
            return False


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
