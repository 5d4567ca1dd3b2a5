"""Readiness notification for systemd: the protocol of sd_notify(3)."""

import contextlib
import os
import socket


def notify() -> None:
    """Send ``READY=1`` to the socket in ``NOTIFY_SOCKET``; do nothing if the variable is not set.

    The server listens before it starts its workers, so the service is ready when the first worker has loaded the
    application.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    # A failed notification must not stop the worker; systemd reports the timeout.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1", address)
