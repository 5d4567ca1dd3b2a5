"""The production server: granian under a supervisor of ours, several worker processes, each with threads.

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
from invsys.chassis.listening import listen
from invsys.chassis.metrics import DIRECTORY_VARIABLE


def serve(target: str, server: Mapping[str, Any], environ: Mapping[str, str]) -> NoReturn:
    """Become the server of the WSGI application ``target`` (``module:name``); ``server`` is the settings' section.

    The process is replaced, so that nothing is loaded in the parent: what a reload starts is the code then installed.
    Raises SettingsError where the port cannot be opened.
    """
    sockets = listen(server["host"], server["port"], server["workers"])
    for each in sockets:
        each.set_inheritable(True)
    descriptors = ",".join(str(each.detach()) for each in sockets)
    program = [sys.executable, "-m", f"{__package__}.supervisor", *_options(descriptors, server), target]
    added = {DIRECTORY_VARIABLE: _metrics_directory(environ), WORKERS_VARIABLE: str(server["workers"])}
    os.execve(program[0], program, {**environ, **added})


def _options(sockets: str, server: Mapping[str, Any]) -> list[str]:
    return [
        f"--sockets={sockets}",
        f"--threads={server['threads']}",
        f"--timeout={server['graceful_timeout']}",
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
