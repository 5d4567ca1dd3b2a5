"""Gateways under the production server, started as an operator starts them: an INI file, a command, an environment."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import child_processes
from tests.support.raw_caller import ask, request
from tests.support.raw_upstream import unused_port
from tests.support.waiting import SECONDS, until

Sections = Mapping[str, Mapping[str, object]]

# What no test here is about.
FREE = {"limits": dict.fromkeys(("rate", "write_rate", "anonymous"), "1000000/second")}


@dataclass
class Served:
    """A gateway that runs: its port, its process, and the file of its log."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def worker(self) -> int:
        """The process that answers."""
        [worker] = child_processes(self.process.pid)
        return worker


def write_ini(folder: Path, *layers: Sections) -> Path:
    """Write settings, later ones over earlier ones."""
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
    """Run a gateway, of one worker if ``settings`` say no more; ``folder`` may hold its ``clients.ini``."""
    port, workers = unused_port(), int(str(settings.get("server", {}).get("workers", 1)))
    server = {"port": port, "workers": 1, "threads": 16, "graceful_timeout": 1, "allowed_hosts": "*"}
    ours = {"server": server, "clients": {"file": folder / "clients.ini"}}
    file = write_ini(folder, FREE, ours, settings)
    command = [sys.executable, "-m", "invsys.gateway.manage", "-c", str(file), "serve"]
    told = folder / "log"
    around = {**os.environ, "RUNTIME_DIRECTORY": str(folder), **(environ or {})}
    with told.open("wb") as log, subprocess.Popen(command, env=around, stderr=log, stdout=log) as process:
        try:
            until(lambda: told.read_text().count("Started worker-") >= workers and _is_ready(port))
            yield Served(port, process, told)
        finally:
            process.terminate()
            process.wait(SECONDS)


def _is_ready(port: int) -> bool:
    try:
        return ask(port, request("GET", "/readyz", None)).status == 200
    except OSError:
        return False
