"""Interrupted imports: they print in one line how much was imported, and the next run imports the rest."""

import fcntl
import gc
import os
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from invsys.chassis.cli import interrupts
from invsys.inventory.errors import DatabaseUnavailable
from invsys.inventory.transfer import importer
from tests.support import interruptible
from tests.support.waiting import LONG_TIMEOUTS, SECONDS, until

HEADER = "resource_type,name\n"
SO_FAR = "{lines} lines: {lines} vehicles registered, 0 allocations created, 0 lines unchanged, 0 refused"


def cars(first: int, beyond: int) -> str:
    return "".join(f"cars,Car{number}\n" for number in range(first, beyond))


@pytest.fixture
def importing_from_pipe(database_url: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs the import command; its standard input is a pipe."""
    variables = {"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": database_url, **LONG_TIMEOUTS}
    command = [sys.executable, "-m", "invsys.inventory.manage", "import", "-"]
    pipe = subprocess.PIPE
    environ = interruptible.environment(**variables)
    with subprocess.Popen(command, env=environ, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        yield process
        process.kill()


def waiting_bytes(pipe: Any) -> int:
    """Return the number of unread bytes in a pipe."""
    size = fcntl.ioctl(pipe, termios.FIONREAD, struct.pack("i", 0))
    return int(struct.unpack("i", size)[0])


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def has(client: FlaskClient, name: str) -> bool:
    response = client.get(f"/api/cars?name={name}")
    return response.status_code == 200 and bool(response.json)


@pytest.mark.one_engine
def test_a_file_can_be_redirected_to_the_import(database_url: str, client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(HEADER + cars(0, 1))
    environ = {**os.environ, "INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": database_url, **LONG_TIMEOUTS}
    command = [sys.executable, "-m", "invsys.inventory.manage", "import", "-"]
    with (tmp_path / "in.csv").open("rb") as file:
        subprocess.run(command, env=environ, cwd=tmp_path, stdin=file, check=True)
    assert has(client, "Car0")


def test_ctrl_c_prints_what_was_imported_and_exits_with_130(
    importing_from_pipe: subprocess.Popen[bytes], client: FlaskClient, run: Callable[..., Any], tmp_path: Path
) -> None:
    process = importing_from_pipe
    assert process.stdin is not None
    # Write a complete batch and a part of the next one: the command then waits for the rest.
    process.stdin.write((HEADER + cars(0, 600)).encode())
    process.stdin.flush()
    until(lambda: has(client, "Car499"))
    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (130, b"")
    so_far = f"already imported: {SO_FAR.format(lines=500)}; run the import again to continue"
    assert complaints.decode() == f"invsys-manage: interrupted; {so_far}\n"
    assert not has(client, "Car500")
    (tmp_path / "in.csv").write_text(HEADER + cars(0, 600))
    status, printed, _ = run("import", tmp_path / "in.csv", "--report", tmp_path / "report")
    assert status == 0
    assert printed == "600 lines: 100 vehicles registered, 0 allocations created, 500 lines unchanged, 0 refused\n"


@pytest.mark.one_engine
def test_ctrl_c_before_the_first_batch_says_that_nothing_was_imported(
    importing_from_pipe: subprocess.Popen[bytes],
) -> None:
    process = importing_from_pipe
    assert process.stdin is not None
    process.stdin.write((HEADER + cars(0, 1)).encode())
    process.stdin.flush()
    until(lambda: not waiting_bytes(process.stdin))
    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (130, b"")
    assert complaints.decode() == "invsys-manage: interrupted; nothing was imported\n"


@pytest.mark.one_engine
def test_a_line_that_is_not_utf_8_in_a_pipe_prints_what_was_imported(
    importing_from_pipe: subprocess.Popen[bytes],
) -> None:
    output, complaints = importing_from_pipe.communicate((HEADER + cars(0, 600)).encode() + b"cars,\xfc\n", SECONDS)
    assert (importing_from_pipe.returncode, output) == (2, b"")
    assert complaints.decode() == (
        "invsys-manage: standard input: line 602 is not UTF-8 (it looks like Windows-1252): save the file as UTF-8;"
        f" already imported: {SO_FAR.format(lines=500)}; run the import again to continue\n"
    )


def test_a_line_that_is_not_utf_8_in_a_file_is_reported_before_the_import(
    run: Callable[..., Any], client: FlaskClient, tmp_path: Path
) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes((HEADER + cars(0, 600)).encode() + b"cars,\xfc\n")
    message = f"{file}: line 602 is not UTF-8 (it looks like Windows-1252): save the file as UTF-8"
    assert run("import", file) == (2, "", f"invsys-manage: {message}\n")
    assert not has(client, "Car0")


def test_an_outage_prints_what_was_imported(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text(HEADER + cars(0, 600))
    import_batch, batches = importer._import_batch, []

    def fail_second_batch(batch: Any, *arguments: Any) -> None:
        batches.append(batch)
        if len(batches) == 2:
            raise DatabaseUnavailable("Away.")
        import_batch(batch, *arguments)

    monkeypatch.setattr(importer, "_import_batch", fail_second_batch)
    so_far = f"already imported: {SO_FAR.format(lines=500)}; run the import again to continue"
    complaints = f"invsys-manage: Away.; {so_far}\n"
    assert run("import", tmp_path / "in.csv", "--report", tmp_path / "report") == (2, "", complaints)


class ThirdSignal(Exception):
    """Raised by a signal handler from its third call on."""


def test_a_signal_that_interrupts_no_system_call_ends_the_wait_for_input() -> None:
    reader, writer = os.pipe()
    ended = threading.Event()
    calls: list[int] = []

    def send() -> None:
        # The signals are sent to this thread, so they do not interrupt system calls of the main thread.
        for _ in range(20 * SECONDS):
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            if ended.wait(0.05):
                break
        os.close(writer)

    def handle(number: int, _: Any) -> None:
        calls.append(number)
        if len(calls) > 2:
            raise ThirdSignal

    thread = threading.Thread(target=send)
    before = signal.signal(signal.SIGINT, handle)
    # If the handler ran during a callback of the garbage collector, its exception would be lost.
    gc.disable()
    try:
        with os.fdopen(reader, "rb", buffering=0) as source:
            stream = interrupts.interruptible(source)
            thread.start()
            with pytest.raises(ThirdSignal):
                stream.readline()
    finally:
        ended.set()
        thread.join()
        gc.enable()
        signal.signal(signal.SIGINT, before)


def test_a_background_job_still_ignores_ctrl_c() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.deferred():
            interrupt()
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_in_a_transaction_waits_for_its_end() -> None:
    completed: list[bool] = []

    def transaction(interruptions: int) -> None:
        with interrupts.deferred():
            for _ in range(interruptions):
                interrupt()
            completed.append(True)

    with pytest.raises(KeyboardInterrupt):
        transaction(1)
    assert completed == [True]
    with pytest.raises(KeyboardInterrupt):
        transaction(2)
    assert completed == [True]
