"""The files behind ``/metrics``: each worker counts in files that are mapped into its memory, and one reads them all.

Where the file system is full, writing to a mapped file kills the worker (SIGBUS). So room is allocated before it is
used. A worker that gets none counts in memory of its own, and answers ``/metrics`` with the reason.
"""

import contextlib
import logging
import mmap
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from prometheus_client import CollectorRegistry, Metric, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

# Names the folder of the files in the environment.
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

logger = logging.getLogger(__name__)

# Bytes of a new file, as prometheus_client makes it; and of a value beside its key, at most.
_SIZE, _VALUE_SIZE = 1 << 16, 32
# What reading a file raises that is just being made, or that was cut off.
_UNREADABLE = (OSError, struct.error, RuntimeError, ValueError)

# Why this process counts by itself.
_reasons: list[str] = []


def install() -> None:
    """Let this process count in such files; call it before the first metric is made."""
    if DIRECTORY_VARIABLE in os.environ:
        _make_folder()
        vars(values)["MmapedDict"] = _AllocatedDict


def reason() -> str:
    """Return why this process has no figures that others see; empty where it has them."""
    return _reasons[0] if _reasons else ""


def registry() -> CollectorRegistry:
    """Return a registry of what all processes have counted."""
    _make_folder()
    made = CollectorRegistry()
    _Collector(made)  # type: ignore[no-untyped-call]
    return made


def _make_folder() -> None:
    # It may have been removed since the server was started.
    with contextlib.suppress(OSError):
        Path(os.environ[DIRECTORY_VARIABLE]).mkdir(parents=True, exist_ok=True)


class _AllocatedDict(MmapedDict):
    """Values in a mapped file whose room is allocated, or else in memory."""

    def __init__(self, filename: str) -> None:
        try:
            _allocate(filename, _SIZE)
        except OSError as error:
            with _memory(error) as file:
                super().__init__(_path(file.fileno()))  # type: ignore[no-untyped-call]
        else:
            super().__init__(filename)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        while self._used + len(key.encode()) + _VALUE_SIZE > self._capacity:
            self._grow()
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self) -> None:
        size = 2 * self._capacity
        try:
            _allocate(_path(self._f.fileno()), size)
        except OSError as error:
            file = _memory(error)
            file.write(self._m[:])
            file.truncate(size)
            self._f.close()
            self._f = file
        self._m = mmap.mmap(self._f.fileno(), size)
        self._capacity = size


class _Collector(MultiProcessCollector):
    """Reads the files of all processes, except those that cannot be read just now."""

    def collect(self) -> Iterable[Metric]:
        """Add up what the files say."""
        files = [str(file) for file in Path(self._path).glob("*.db")]
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


def _allocate(path: str, size: int) -> None:
    """Make room for ``size`` bytes in a file, and for what it has beyond them; raises OSError."""
    # Not the file that prometheus_client opens to append: glibc does not allocate there on every file system.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(file, 0, max(size, os.fstat(file).st_size))
    finally:
        os.close(file)


def _path(file: int) -> str:
    return f"/proc/self/fd/{file}"


def _memory(error: OSError) -> BinaryIO:
    """Return a file in memory instead of the one that there is no room for, and say so once."""
    if not _reasons:
        folder = os.environ[DIRECTORY_VARIABLE]
        _reasons.append(f"no room for the files of the metrics in {folder}: {error.strerror}")
        logger.warning("This worker goes without metrics: %s", _reasons[0])
    return os.fdopen(os.memfd_create("metrics"), "a+b", buffering=0)
