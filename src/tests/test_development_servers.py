"""The development servers of both services print their banner as plain text, without JSON or escape sequences."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import interruptible
from tests.support.ports import free_port
from tests.support.serving import send_request
from tests.support.waiting import SECONDS, until


def is_healthy(port: int) -> bool:
    try:
        return bool(send_request(port, "GET", "/healthz")[0] == 200)
    except OSError:
        return False


@pytest.mark.only_thorough
@pytest.mark.parametrize(
    "command",
    [
        "flask --app invsys.inventory.application run",
        "flask --app invsys.gateway.application run",
        "invsys.gateway runserver",
    ],
)
def test_the_banner_is_plain_text(tmp_path: Path, command: str) -> None:
    port = free_port()
    environ = interruptible.environment(INVSYS_CONFIG=os.devnull, HOME=str(tmp_path))
    words = [sys.executable, "-m", *command.split(), "--port", str(port)]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(words, env=environ, stderr=log) as process:
        try:
            # Only a server that responds is past its start, which an interrupt would end with another status.
            until(lambda: "Press CTRL+C" in (tmp_path / "log").read_text() and is_healthy(port))
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 0
    lines = (tmp_path / "log").read_text().splitlines()
    assert f" * Running on http://127.0.0.1:{port}" in lines
    assert "Press CTRL+C to quit" in lines
    assert [line for line in lines if "\x1b" in line or "\\u001b" in line or line.startswith("{")] == []
