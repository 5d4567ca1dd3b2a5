"""Tells the service manager that the service is ready: the protocol of sd_notify(3)."""

import contextlib
import os
import socket


def notify() -> None:
    """Say so, where ``NOTIFY_SOCKET`` names somebody who wants to know.

    The server listens before it starts its workers, so that the first one that has loaded the application may say it.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    # A worker that works is not to fail for this; who waits in vain says so.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1", address)
