"""A gateway as an operator starts it: a real process with workers of its own, and a file of settings."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

from tests.inventory.serving import SECONDS, _free_port, has_started, is_ready, until


@contextmanager
def served_gateway(folder, inventory, clients_file, workers=2):
    """Run a gateway in front of an inventory; gives its port and the file of its log."""
    port, told, file = _free_port(), folder / "log", folder / "gateway.ini"
    file.write_text(
        f"[server]\nport = {port}\nworkers = {workers}\n[services]\ninventory = {inventory}\n"
        f"[clients]\nfile = {clients_file}\n[limits]\nrate = 1000000/second\nanonymous = 1000000/second\n"
    )
    command = [sys.executable, "-m", "invsys.gateway.manage", "-c", str(file), "serve"]
    environ = {**os.environ, "RUNTIME_DIRECTORY": str(folder)}
    with told.open("w") as log, subprocess.Popen(command, env=environ, stderr=log, stdout=log) as process:
        try:
            until(lambda: has_started(told, workers=workers) and is_ready(port))
            yield port, told
        finally:
            process.terminate()
            process.wait(SECONDS)


def asked(connection, method, path, key, body=None):
    """Send a request over a connection that is kept; gives the status."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status
