"""The production server: granian, several worker processes, each with threads.

SIGTERM and SIGINT stop it, SIGHUP exchanges its workers one after the other; requests in flight are finished. A client
that sends over an idle connection at the moment when its worker leaves finds it closed, and sends again over another
(RFC 9112, 9.3.1). docs/source/server.rst has the measurements that chose it.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from invsys.chassis.draining import WORKERS_VARIABLE
from invsys.chassis.metrics import DIRECTORY_VARIABLE

# How long a client may take to send a request's header.
_HEADER_READ_TIMEOUT_MS = 10_000
# Connections of a worker, idle ones included: with granian's default, 1,200 that say nothing stop the service.
_CONNECTIONS = 4096


def serve(target: str, server: Mapping[str, Any], environ: Mapping[str, str]) -> NoReturn:
    """Become the server of the WSGI application ``target`` (``module:name``); ``server`` is the settings' section.

    The process is replaced, so that nothing is loaded in the parent: what a reload starts is the code then installed.
    """
    program = [sys.executable, "-m", "granian", *_options(server), target]
    added = {DIRECTORY_VARIABLE: _metrics_directory(environ), WORKERS_VARIABLE: str(server["workers"])}
    os.execve(program[0], program, {**environ, **added})


def _options(server: Mapping[str, Any]) -> list[str]:
    return [
        "--interface=wsgi",
        "--http=1",
        "--no-ws",
        f"--host={server['host']}",
        f"--port={server['port']}",
        f"--workers={server['workers']}",
        f"--blocking-threads={server['threads']}",
        f"--workers-kill-timeout={server['graceful_timeout']}",
        f"--http1-header-read-timeout={_HEADER_READ_TIMEOUT_MS}",
        f"--backlog={_CONNECTIONS}",
        f"--backpressure={_CONNECTIONS}",
        "--respawn-failed-workers",
    ]


def _metrics_directory(environ: Mapping[str, str]) -> str:
    if given := environ.get(DIRECTORY_VARIABLE):
        return given
    # systemd's RuntimeDirectory= goes with the service; elsewhere, those of servers that are no more are cleared away.
    folder = Path(environ.get("RUNTIME_DIRECTORY") or tempfile.gettempdir())
    for old in folder.glob("invsys-metrics-*-*"):
        if not Path("/proc", old.name.split("-")[2]).exists():
            shutil.rmtree(old, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"invsys-metrics-{os.getpid()}-", dir=folder)
