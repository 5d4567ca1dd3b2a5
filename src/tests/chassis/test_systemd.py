"""The readiness notification to systemd."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from invsys.chassis.ops import systemd


@pytest.fixture(params=["{folder}/notify", "\0invsys-{folder}"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """The socket and the address of a service manager: a path, or a name in the abstract namespace."""
    address = request.param.format(folder=tmp_path)
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(address)
        listening.setblocking(False)
        yield listening, address


def test_the_notification_is_sent_to_the_socket(
    manager: tuple[socket.socket, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listening, address = manager
    monkeypatch.setenv("NOTIFY_SOCKET", address.replace("\0", "@"))
    systemd.notify()
    assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify"])
def test_a_missing_socket_is_not_an_error(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify()
