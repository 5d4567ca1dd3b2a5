"""The files behind ``/metrics``: each worker counts in memory-mapped files, and any worker can read the files of all.

If the file system is full, writing to a mapped file kills the worker (SIGBUS). So disk space is allocated before it is
used. A worker that cannot allocate space, because the disk is full or the process may not write files of that size,
counts in private memory, and responds to ``/metrics`` with 503 and the reason.
"""

import contextlib
import logging
import mmap
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

# The environment variable with the folder of the files.
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

logger = logging.getLogger(__name__)

# In prometheus_client: the size of a new file, of its header, and of an entry without its key at most, in bytes.
_SIZE, _HEADER_SIZE, _VALUE_SIZE = 1 << 16, 8, 32
# Errors from reading a file that is being written or is truncated.
_UNREADABLE = (OSError, struct.error, RuntimeError, ValueError)

# The reason why this process counts in private memory; empty if it counts in files.
_reasons: list[str] = []


def install() -> None:
    """Make prometheus_client use these files in this process; must be called before the first metric is created."""
    if DIRECTORY_VARIABLE in os.environ:
        _create_folder()
        vars(values)["MmapedDict"] = _AllocatedDict


def failure_reason() -> str:
    """Return the reason why this process counts in private memory, or an empty string if it counts in files."""
    return _reasons[0] if _reasons else ""


def registry() -> CollectorRegistry:
    """Return a registry with the metrics of all processes."""
    _create_folder()
    all_processes = CollectorRegistry()
    _Collector(all_processes)  # type: ignore[no-untyped-call]
    return all_processes


def _create_folder() -> None:
    # The folder may have been removed since the server started.
    with contextlib.suppress(OSError):
        Path(os.environ[DIRECTORY_VARIABLE]).mkdir(parents=True, exist_ok=True)


class _AllocatedDict(MmapedDict):
    """An MmapedDict that allocates the disk space of its file before it writes.

    If the allocation fails, it uses private memory.
    """

    def __init__(self, filename: str) -> None:
        self._in_memory = False
        try:
            _allocate(filename, _SIZE)
        except OSError as error:
            self._positions, self._used, self._capacity = {}, _HEADER_SIZE, _SIZE
            self._use_memory(error)
            self._m = _memory(_SIZE)
        else:
            super().__init__(filename)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        while self._used + len(key.encode()) + _VALUE_SIZE > self._capacity:
            self._grow()
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self) -> None:
        size = 2 * self._capacity
        if not self._in_memory:
            try:
                _allocate(_path(self._f.fileno()), size)
            except OSError as error:
                self._f.close()
                self._use_memory(error)
        if self._in_memory:
            memory = _memory(size)
            memory[: self._capacity] = self._m[:]
        else:
            memory = mmap.mmap(self._f.fileno(), size)
        self._m, self._capacity = memory, size

    def _use_memory(self, error: OSError) -> None:
        """Use private memory from now on; the first call in a process logs the error."""
        self._in_memory = True
        self._f = Path(os.devnull).open("rb")  # noqa: SIM115 - the base class closes it
        if not _reasons:
            folder = os.environ[DIRECTORY_VARIABLE]
            _reasons.append(f"cannot allocate the metrics files in {folder}: {error.strerror}")
            logger.warning("This worker does not report metrics: %s", _reasons[0])


class _Collector(MultiProcessCollector):
    """Reads the files of all processes; skips files that are not readable at the moment."""

    def collect(self) -> Iterable[Metric]:
        """Return the metrics, summed over the files."""
        files = [str(file) for file in Path(self._path).glob("*.db") if not _is_of_ended_process(file)]
        try:
            return self.merge(files)  # type: ignore[no-any-return, no-untyped-call]
        except _UNREADABLE:
            return self.merge([file for file in files if self._is_readable(file)])  # type: ignore[no-any-return, no-untyped-call]

    def _is_readable(self, file: str) -> bool:
        try:
            self.merge([file])  # type: ignore[no-untyped-call]
        except _UNREADABLE:
            return False
        return True


def _is_of_ended_process(file: Path) -> bool:
    """Return whether a file has gauges of a process that has ended; counts stay until the server ends."""
    kind, _, pid = file.stem.rpartition("_")
    return kind.startswith("gauge_live") and not Path("/proc", pid).exists()


def _allocate(path: str, size: int) -> None:
    """Allocate disk space for a file: ``size`` bytes, or its current size if that is larger; raises OSError."""
    # Not with the descriptor of prometheus_client: it is in append mode, where glibc's fallback cannot allocate.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(file, 0, max(size, os.fstat(file).st_size))
    finally:
        os.close(file)


def _path(file: int) -> str:
    return f"/proc/self/fd/{file}"


def _memory(size: int) -> mmap.mmap:
    """Return private memory. Not a file in memory: the process's limit of file sizes would apply to it."""
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
