"""Runs the gateway under the production server, in its own process, with a settings file and environment variables."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import child_processes
from tests.support.ports import free_port
from tests.support.raw_client import request, send
from tests.support.waiting import SECONDS, until

Sections = Mapping[str, Mapping[str, object]]

# Limits that no test reaches, and timeouts that a service does not exceed on a busy machine.
UNLIMITED = {
    "limits": dict.fromkeys(("rate", "write_rate", "anonymous", "page"), "1000000/second"),
    "upstream": {"connect_timeout": 60, "read_timeout": 60},
}


@dataclass
class Served:
    """A running gateway: its port, its process, and its log file."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def worker(self) -> int:
        """The process id of the only worker."""
        [worker] = child_processes(self.process.pid)
        return worker


def write_ini(folder: Path, *layers: Sections) -> Path:
    """Write an INI file; later layers override earlier ones."""
    sections: dict[str, dict[str, object]] = {}
    for layer in layers:
        for name, keys in layer.items():
            sections.setdefault(name, {}).update(keys)
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) for name, keys in sections.items()
    )
    file = folder / "gateway.ini"
    file.write_text(text, "utf-8")
    return file


@contextmanager
def served_gateway(folder: Path, settings: Sections, environ: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run a gateway, with one worker unless ``settings`` has another number; ``folder`` may contain ``clients.ini``."""
    port, workers = free_port(), int(str(settings.get("server", {}).get("workers", 1)))
    server = {"port": port, "workers": 1, "threads": 16, "graceful_timeout": 1, "allowed_hosts": "*"}
    defaults = {"server": server, "clients": {"file": folder / "clients.ini"}}
    file = write_ini(folder, UNLIMITED, defaults, settings)
    command = [sys.executable, "-m", "invsys.gateway.manage", "-c", str(file), "serve"]
    log_path = folder / "log"
    variables = {**os.environ, "RUNTIME_DIRECTORY": str(folder), **(environ or {})}
    with log_path.open("wb") as log, subprocess.Popen(command, env=variables, stderr=log, stdout=log) as process:
        try:
            until(lambda: log_path.read_text().count("Started worker-") >= workers and _is_ready(port))
            yield Served(port, process, log_path)
        finally:
            process.terminate()
            process.wait(SECONDS)


def _is_ready(port: int) -> bool:
    try:
        return send(port, request("GET", "/readyz", None)).status == 200
    except OSError:
        return False
