"""A second gateway on one port is refused in one line."""

import socket
from contextlib import closing

import pytest


@pytest.mark.parametrize("command", ["serve", "runserver"])
def test_a_port_in_use_is_refused_in_one_line(run, monkeypatch, command):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("INVSYS_SERVER_PORT", str(port))
        message = f"invsys-gateway-manage: port {port} of 127.0.0.1 is in use\n"
        assert run(command) == (2, "", message)
