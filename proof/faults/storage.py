"""Faults of the disk: full file systems, and a limit of the size of files."""

import resource
from collections.abc import Iterator
from contextlib import suppress

import psycopg

from proof.faults.fault import POSTGRESQL, SQLITE, Reason, Scene, fault
from proof.system.cluster import Member
from proof.system.stack import Stack
from proof.system.volume import Volume

_MOST_SEGMENTS = 200


def _no_volume(stack: Stack) -> Reason:
    volume = stack.cluster.primary.data if stack.cluster else stack.volume
    return None if volume and volume.mounted else "mounting a small file system needs root"


def _filled(volume: Volume) -> Iterator[None]:
    volume.fill()
    try:
        yield
    finally:
        volume.empty()


@fault("database", engines=SQLITE, seconds=2, weight=5, left_out=_no_volume)
def disk_full(scene: Scene) -> Iterator[None]:
    """Fill the file system of the database."""
    assert scene.stack.volume is not None
    yield from _filled(scene.stack.volume)


@fault("database", engines=POSTGRESQL, seconds=3, left_out=_no_volume)
def disk_of_data_full(scene: Scene) -> Iterator[None]:
    """Fill the file system of PostgreSQL's tables: statements that need another page fail."""
    primary = scene.cluster.primary
    yield from _filled(primary.data)
    primary.ensure_running()


@fault("database", engines=POSTGRESQL, left_out=_no_volume)
def disk_of_write_ahead_log_full(scene: Scene) -> Iterator[None]:
    """Fill the file system of the write-ahead log: PostgreSQL panics, and may be unable to recover before it is freed.

    Somebody frees the disk and starts PostgreSQL again if it has ended.
    """
    primary = scene.cluster.primary
    primary.wal.fill()
    try:
        scene.detail["panic"] = _use_up_segments(primary)
        yield
    finally:
        primary.wal.empty()
        primary.ensure_running()


def _use_up_segments(primary: Member) -> bool:
    """Begin new segments of the log until one cannot be created; return whether PostgreSQL panicked."""
    with suppress(psycopg.OperationalError):
        for _ in range(_MOST_SEGMENTS):
            primary.execute("SELECT pg_logical_emit_message(false, 'proof', ''), pg_switch_wal()")
        return False
    return True


@fault("services", seconds=2, weight=4)
def file_size_limited(scene: Scene) -> Iterator[None]:
    """Limit the size of the files that the running workers of a service may write, as `ulimit -f` does."""
    service = scene.random.choice(scene.stack.services)
    size = scene.detail["bytes"] = scene.random.choice([0, 4096, 65536, 2**20, 2**22])
    pids = service.worker_pids()
    for pid in pids:
        _limit(pid, size)
    yield
    for pid in pids:
        _limit(pid, None)


def _limit(pid: int, size: int | None) -> None:
    """Set the soft limit of a process that may have ended; None: as high as its hard limit allows."""
    with suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))
