"""The word to the service manager that the service is ready."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from invsys.chassis.ops import systemd


@pytest.fixture(params=["{folder}/notify", "\0invsys-{folder}"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A service manager that listens at a path, or at a name of the abstract namespace: its socket and its address."""
    address = request.param.format(folder=tmp_path)
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(address)
        listening.setblocking(False)
        yield listening, address


def test_who_asks_is_told(manager: tuple[socket.socket, str], monkeypatch: pytest.MonkeyPatch) -> None:
    listening, address = manager
    monkeypatch.setenv("NOTIFY_SOCKET", address.replace("\0", "@"))
    systemd.notify()
    assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify"])
def test_nobody_to_tell_is_no_failure(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify()
