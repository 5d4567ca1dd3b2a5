"""Metrics of the worker processes: the memory and the CPU time of each one, and values that they sample themselves."""

import contextlib
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from invsys.chassis.ops.draining import WORKERS_VARIABLE

# Seconds between two samples.
_INTERVAL = 1.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = resource.getpagesize()


def pids() -> list[int]:
    """Return the ids of the server's worker processes, or of this process if it does not run under the server."""
    if WORKERS_VARIABLE not in os.environ:
        return [os.getpid()]
    parent = os.getppid()
    try:
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return [os.getpid()]


def collect() -> Iterator[Metric]:
    """Yield the memory and the CPU time of each worker process."""
    memory = GaugeMetricFamily("process_resident_memory_bytes", "Resident memory of a worker process", labels=["pid"])
    cpu = CounterMetricFamily("process_cpu_seconds", "User and system CPU time of a worker process", labels=["pid"])
    for pid in pids():
        # The process may have ended in the meantime.
        with contextlib.suppress(OSError):
            seconds, size = _usage(pid)
            memory.add_metric([str(pid)], size)
            cpu.add_metric([str(pid)], seconds)
    yield memory
    yield cpu


def start_sampling(sample: Callable[[], None]) -> None:
    """Call ``sample`` every second in a thread of its own, if this process is a worker of the server."""
    if WORKERS_VARIABLE in os.environ:
        threading.Thread(target=_sample_forever, args=[sample], name="metrics", daemon=True).start()


def _sample_forever(sample: Callable[[], None]) -> None:
    while True:
        sample()
        time.sleep(_INTERVAL)


def _usage(pid: int) -> tuple[float, int]:
    """Return the CPU seconds and the resident bytes of a process (proc_pid_stat(5)); raises OSError."""
    # The second field is the name in parentheses, which can contain spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    utime, stime, pages = (int(fields[number - 3]) for number in (14, 15, 24))
    return (utime + stime) / _TICKS, pages * _PAGE
