"""The parts of the proof's system that faults break: the clock, volumes, the HTTP proxy, Redis."""

import errno
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from proof.system.clock import Clock
from proof.system.http_proxy import HttpProxy
from proof.system.volume import Volume, can_mount

from tests.support.raw_upstream import OK, listening
from tests.support.waiting import SECONDS

_LOOK_AT_CLOCKS = """
import sqlite3, sys, time
for line in sys.stdin:
    time.sleep(0.001)
    [(now,)] = sqlite3.connect(":memory:").execute("SELECT CAST(strftime('%s') AS INTEGER)")
    print(time.time(), now, time.monotonic(), flush=True)
"""


def clocks(process):
    """Return the time of the process, that of its SQLite and its monotonic time."""
    process.stdin.write("\n")
    process.stdin.flush()
    return [float(word) for word in process.stdout.readline().split()]


def test_the_clock_of_a_running_process_is_stepped(tmp_path):
    clock = Clock(tmp_path)
    command = [sys.executable, "-c", _LOOK_AT_CLOCKS]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env={**os.environ, **clock.environ}, **pipes) as process:
        for step in (0, 7200, -7200, 0):
            clock.step(step)
            expected = step if clock.available else 0
            before, started = time.time(), time.monotonic()
            now, sqlite_now, monotonic = clocks(process)
            after, ended = time.time(), time.monotonic()
            assert before + expected <= now <= after + expected
            assert int(before) + expected <= sqlite_now <= after + expected
            assert started <= monotonic <= ended
        process.stdin.close()


def test_a_full_volume_refuses_more_until_it_is_emptied(tmp_path):
    volume = Volume(tmp_path / "disk", 8)
    volume.mount()
    try:
        assert volume.mounted == can_mount()
        # A plain folder is on a disk that must not be filled.
        for _ in range(2 if volume.mounted else 0):
            volume.fill()
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                (volume.folder / "file").write_bytes(b"x" * 4096)
            volume.empty()
            (volume.folder / "file").write_bytes(b"x" * 2**20)
            (volume.folder / "file").unlink()
        volume.empty()
    finally:
        volume.unmount()
    assert not volume.mounted


def test_a_volume_without_a_size_is_a_plain_folder(tmp_path):
    volume = Volume(tmp_path / "disk", None)
    volume.mount()
    assert (volume.folder.is_dir(), volume.mounted) == (True, False)
    volume.unmount()


def received(port):
    """Send a request; return what is received until the connection is closed or reset."""
    content = b""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection, suppress(ConnectionResetError):
        connection.sendall(b"GET /path HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while content != OK and (piece := connection.recv(4096)):
            content += piece
    return content


@pytest.mark.parametrize(("after_bytes", "length"), [(0, 0), (10, 10), (10_000, len(OK) - 1)])
def test_a_response_is_cut_after_the_request_was_delivered(after_bytes, length):
    with listening() as service, HttpProxy(service.port) as proxy:
        proxy.cut(1, after_bytes)
        # The reset may overtake the first bytes.
        assert OK[:length].startswith(received(proxy.port))
        assert [request.target for request in service.requests] == ["/path"]
        assert received(proxy.port) == OK
