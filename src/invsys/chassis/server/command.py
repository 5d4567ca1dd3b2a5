"""The production server: granian under a supervisor of ours, several worker processes, each with threads.

SIGTERM and SIGINT stop it, SIGHUP exchanges its workers one after the other; requests in flight are finished. A client
that sends over an idle connection at the moment when its worker leaves finds it closed, and sends again over another
(RFC 9112, 9.3.1). docs/source/server.rst has the measurements that chose it.
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

# Bytes that the metrics files of a few workers take.
_ROOM = 2**20
# Signals that the supervisor handles.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(
    target: str, server: Mapping[str, Any], environ: Mapping[str, str], announce: Callable[[], None] = lambda: None
) -> NoReturn:
    """Become the server of the WSGI application ``target`` (``module:name``); ``server`` is the settings' section.

    ``announce`` is called once the port is open. The process is replaced, so that nothing is loaded in the parent: what
    a reload starts is the code then installed.
    Raises SettingsError if the port cannot be opened.
    """
    sockets = listen(server["host"], server["port"], server["workers"])
    for each in sockets:
        each.set_inheritable(True)
    announce()
    descriptors = ",".join(str(each.detach()) for each in sockets)
    program = [sys.executable, "-m", f"{__package__}.supervisor", *_options(descriptors, server), target]
    added = {DIRECTORY_VARIABLE: _metrics_directory(environ), WORKERS_VARIABLE: str(server["workers"])}
    # Signals that arrive while the supervisor loads wait until it can stop in an orderly way.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        os.execve(program[0], program, {**environ, **added})
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _options(sockets: str, server: Mapping[str, Any]) -> list[str]:
    return [
        f"--sockets={sockets}",
        f"--threads={server['threads']}",
        f"--timeout={server['graceful_timeout']}",
    ]


def _metrics_directory(environ: Mapping[str, str]) -> str:
    """Return a new folder for the metrics files, or the path of a missing folder if there is no room anywhere."""
    if given := environ.get(DIRECTORY_VARIABLE):
        return given
    # systemd removes RUNTIME_DIRECTORY with the service; it may list several. The first two folders are in memory.
    folders = [environ.get("RUNTIME_DIRECTORY", "").partition(":")[0], "/dev/shm", tempfile.gettempdir()]  # noqa: S108
    for folder in filter(None, folders):
        _remove_old(Path(folder))
        with contextlib.suppress(OSError):
            return _with_room(folder)
    return str(Path(tempfile.gettempdir(), f"invsys-metrics-{os.getpid()}-none"))


def _remove_old(folder: Path) -> None:
    for old in folder.glob("invsys-metrics-*-*"):
        if not Path("/proc", old.name.split("-")[2]).exists():
            shutil.rmtree(old, ignore_errors=True)


def _with_room(folder: str) -> str:
    """Make a folder in another one, and return it; raises OSError if there is no room for files in it."""
    made = tempfile.mkdtemp(prefix=f"invsys-metrics-{os.getpid()}-", dir=folder)
    try:
        with tempfile.TemporaryFile(dir=made) as probe:
            os.posix_fallocate(probe.fileno(), 0, _ROOM)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return made
