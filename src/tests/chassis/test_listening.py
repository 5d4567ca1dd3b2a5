"""The listening sockets: a second server on a port exits with a one-line message, even if both start together."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from invsys.chassis.config.settings import SettingsError
from invsys.chassis.server import listening
from tests.support.effort import rounds
from tests.support.ports import free_port
from tests.support.tables import table_driven
from tests.support.tiny_server import until_it_serves, waiting_server
from tests.support.waiting import until

# Not every container has IPv6.
LOOPBACK = ["127.0.0.1", "localhost", *(["::1"] if Path("/proc/net/if_inet6").exists() else [])]


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is in use."""
    with closing(listening.listen("127.0.0.1", 0)[0]) as listening_socket:
        yield listening_socket.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", *(["::"] if "::1" in LOOPBACK else [])])
def test_a_port_in_use_is_refused(port: int, host: str) -> None:
    with pytest.raises(SettingsError, match=f"^port {port} of {host} is in use$"):
        listening.listen(host, port)


def test_a_port_on_which_another_program_listens_with_so_reuseport_is_refused() -> None:
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SettingsError, match="is in use"):
            listening.listen("127.0.0.1", other.getsockname()[1])


@table_driven(
    ("host", "reason"),
    [
        ("192.0.2.1", "host 192.0.2.1 is not an address of this machine"),
        ("2001:db8::1", "host 2001:db8::1 (is not an address of this machine|cannot)"),
        ("nowhere.invalid", "host nowhere.invalid has no address: .+"),
        ("a..b", "host a..b has no address: .+"),
        ("x" * 70, "host x+ has no address: .+"),
    ],
)
def test_an_unusable_address_is_refused_in_one_line(host: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=f"^{reason}$") as refused:
        listening.listen(host, 0)
    assert "\n" not in str(refused.value)


@table_driven("port", [-5, 65536, 99999])
def test_an_invalid_port_is_refused(port: int) -> None:
    with pytest.raises(SettingsError, match=f"^port {port} is not in the range 1 to 65535$"):
        listening.listen("127.0.0.1", port)


@table_driven("host", LOOPBACK)
def test_each_worker_has_a_socket_that_gets_connections(host: str) -> None:
    sockets = listening.listen(host, free_port(), 2)
    address = sockets[0].getsockname()
    with ExitStack() as stack:
        for listening_socket in sockets:
            stack.enter_context(closing(listening_socket)).setblocking(False)
        for _ in range(40):
            stack.enter_context(socket.create_connection(address[:2]))
        for listening_socket in sockets:
            stack.enter_context(listening_socket.accept()[0])


@pytest.mark.parametrize("turn", range(rounds(2, 5)))
def test_of_two_servers_that_start_at_the_same_time_one_serves(tmp_path: Path, turn: int) -> None:
    port = free_port()
    with waiting_server(tmp_path / "a", port) as first, waiting_server(tmp_path / "b", port) as second:
        first.start()
        second.start()
        until(lambda: first.process.poll() is not None or second.process.poll() is not None)
        [refused] = [server for server in (first, second) if server.process.poll() is not None]
        [serving] = [server for server in (first, second) if server is not refused]
        until_it_serves(serving)
        assert refused.log.read_text() == f"port {port} of 127.0.0.1 is in use\n"
        assert refused.process.returncode == 1
