"""Ctrl-C during a command of either service is reported in one line, and the exit status is 130."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import SECONDS, until

PROGRAMS = {"inventory": "invsys-manage", "gateway": "invsys-gateway-manage"}
MODULES = [(f"invsys.{service}{end}", program) for service, program in PROGRAMS.items() for end in ("", ".manage")]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "INVSYS_CONFIG": os.devnull, "HOME": str(tmp_path)}


@pytest.mark.parametrize(("module", "program"), MODULES)
def test_an_interrupt_while_modules_load(tmp_path: Path, environ: dict[str, str], module: str, program: str) -> None:
    # This file replaces a library that every command imports.
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environ["PYTHONPATH"] = os.pathsep.join([str(tmp_path), environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-m", module, "config"], env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (130, b"", f"{program}: interrupted\n")


@pytest.fixture
def unresponsive_server() -> Iterator[socket.socket]:
    """A server that accepts connections and never responds."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(SECONDS)
        yield server


def interrupt(process: subprocess.Popen[Any]) -> tuple[int, bytes, list[str]]:
    process.send_signal(signal.SIGINT)
    output, messages = process.communicate(timeout=SECONDS)
    return process.returncode, output, messages.decode().splitlines()


def is_sleeping(pid: int) -> bool:
    """Return whether the process waits in a system call."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


COMMANDS = ["serve", "serve --check", "runserver", "migrate", "check", "purge", "export", "import -", "db current"]
# Each test starts a process, and all commands have the same entry point.
SOME = ["serve", "migrate", "import -", "client list"]


def some(commands: list[str]) -> list[Any]:
    """Return the commands as parameters; those that are not in SOME run in `make test-all` only."""
    return [pytest.param(name, marks=[] if name in SOME else pytest.mark.only_thorough) for name in commands]


@pytest.mark.parametrize("command", some(COMMANDS))
def test_an_interrupt_while_waiting_for_the_database(
    environ: dict[str, str], unresponsive_server: socket.socket, command: str
) -> None:
    environ["INVSYS_DATABASE_URL"] = (
        f"postgresql://me@127.0.0.1:{unresponsive_server.getsockname()[1]}/fleet?sslmode=disable"
    )
    environ["INVSYS_DATABASE_CONNECT_TIMEOUT"] = "60"
    words = [sys.executable, "-m", "invsys.inventory.manage", *command.split()]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(words, env=environ, stdin=pipe, stdout=pipe, stderr=pipe) as process,
        closing(unresponsive_server.accept()[0]),
    ):
        status, output, messages = interrupt(process)
    assert (status, output, messages[-1:]) == (130, b"", ["invsys-manage: interrupted"])
    assert "Traceback" not in "".join(messages)


@pytest.mark.parametrize(
    "command", some(["serve", "serve --check", "runserver", "client list", "client add a --scope resources:read"])
)
def test_an_interrupt_while_reading_the_clients_file(environ: dict[str, str], tmp_path: Path, command: str) -> None:
    os.mkfifo(tmp_path / "clients.ini", 0o600)
    environ["INVSYS_CLIENTS_FILE"] = str(tmp_path / "clients.ini")
    words = [sys.executable, "-m", "invsys.gateway.manage", *command.split()]
    with (
        subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        # Opening the pipe blocks until the command has opened it for reading.
        (tmp_path / "clients.ini").open("w"),
    ):
        # Python handles no signal between its last look for one and the read, which never ends here.
        until(lambda: is_sleeping(process.pid))
        status, output, messages = interrupt(process)
    assert (status, output, messages) == (130, b"", ["invsys-gateway-manage: interrupted"])
