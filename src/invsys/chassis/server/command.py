"""Starts the production server: granian worker processes with several threads each, under our own supervisor.

SIGTERM and SIGINT stop the server, SIGHUP replaces its workers one by one. The workers finish their requests. If a
client sends a request over an idle connection whose worker is stopping, the connection is closed and the client sends
the request again over another one (RFC 9112, section 9.3.1). docs/source/server.rst has the measurements behind the
choice of granian.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from invsys.chassis.ops.draining import WORKERS_VARIABLE
from invsys.chassis.ops.metric_files import DIRECTORY_VARIABLE
from invsys.chassis.server.listening import listen

# Bytes that a folder must have free: enough for the metrics files of a few workers.
_REQUIRED_SPACE = 2**20
# Signals that the supervisor handles.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(
    target: str, server: Mapping[str, Any], environ: Mapping[str, str], announce: Callable[[], None] = lambda: None
) -> NoReturn:
    """Replace this process with the server of the WSGI application ``target`` (``module:name``).

    ``server`` is the settings section; ``announce`` is called when the port is open. The process is replaced so that
    the parent of the workers has loaded no application code: a reload then starts the installed version. Raises
    SettingsError if the port cannot be opened.
    """
    sockets = listen(server["host"], server["port"], server["workers"])
    for listening_socket in sockets:
        listening_socket.set_inheritable(True)
    announce()
    descriptors = ",".join(str(listening_socket.detach()) for listening_socket in sockets)
    program = [sys.executable, "-m", f"{__package__}.supervisor", *_options(descriptors, server), target]
    variables = {DIRECTORY_VARIABLE: _metrics_directory(environ), WORKERS_VARIABLE: str(server["workers"])}
    # Signals that arrive while the supervisor loads stay pending until it can handle them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        os.execve(program[0], program, {**environ, **variables})
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _options(sockets: str, server: Mapping[str, Any]) -> list[str]:
    return [
        f"--sockets={sockets}",
        f"--threads={server['threads']}",
        f"--timeout={server['graceful_timeout']}",
    ]


def _metrics_directory(environ: Mapping[str, str]) -> str:
    """Return a new folder for the metrics files, or a path that does not exist if no folder has enough space."""
    if configured := environ.get(DIRECTORY_VARIABLE):
        return configured
    # systemd removes RUNTIME_DIRECTORY with the service; it may list several. The first two folders are in memory.
    folders = [environ.get("RUNTIME_DIRECTORY", "").partition(":")[0], "/dev/shm", tempfile.gettempdir()]  # noqa: S108
    for folder in filter(None, folders):
        _remove_folders_of_ended_servers(Path(folder))
        with contextlib.suppress(OSError):
            return _create_with_space(folder)
    return str(Path(tempfile.gettempdir(), f"invsys-metrics-{os.getpid()}-none"))


def _remove_folders_of_ended_servers(folder: Path) -> None:
    for old in folder.glob("invsys-metrics-*-*"):
        if not Path("/proc", old.name.split("-")[2]).exists():
            shutil.rmtree(old, ignore_errors=True)


def _create_with_space(parent: str) -> str:
    """Create a folder in ``parent`` and return its path; raises OSError if there is not enough space for its files."""
    folder = tempfile.mkdtemp(prefix=f"invsys-metrics-{os.getpid()}-", dir=parent)
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            os.posix_fallocate(probe.fileno(), 0, _REQUIRED_SPACE)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder
