"""Errors of the commands: one message, exit status 2, and no changes."""

import socket
from contextlib import closing

import pytest

from invsys.chassis.server import command as server
from tests.support.client_files import INVALID_FILES, hand_written
from tests.support.tables import table_driven

COMMANDS = [
    "client add new --scope resources:read",
    "client list",
    "client rotate booking",
    "client revoke booking",
    "client revoke booking --key 0000000a",
    "serve",
    "runserver",
]


@pytest.fixture
def written_file(clients_file):
    """A hand-written clients file."""
    clients_file.write_text(hand_written())
    return clients_file


@pytest.fixture
def fail(run_command, clients_file, monkeypatch):
    """Return a function that runs a command, which must fail and change nothing, and returns its message."""
    started = []
    monkeypatch.setattr(server.os, "execve", lambda *arguments: started.append(arguments))
    monkeypatch.setattr("flask.Flask.run", lambda *arguments, **_: started.append(arguments))

    def fail(*words):
        before = clients_file.read_bytes() if clients_file.exists() else None
        folder = sorted(clients_file.parent.iterdir())
        status, output, errors = run_command(*words)
        assert (status, output) == (2, ""), errors
        assert errors.strip()
        assert "Traceback" not in errors
        assert started == []
        assert (clients_file.read_bytes() if clients_file.exists() else None) == before
        assert sorted(clients_file.parent.iterdir()) == folder
        return errors

    return fail


@table_driven(
    "name",
    ["", " ", "a b", "caf\u00e9", "x" * 256, "a]b", "[a]", "a\nb", "a=b", "a\0b", "@a", "-", "a#b", "a\tb"],
)
def test_an_invalid_name_is_rejected(fail, written_file, name):
    fail("client", "add", "--scope", "resources:read", "--", name)


@table_driven(
    "scope",
    [
        "",
        "   ",
        "*",
        "resources",
        "resources:",
        ":read",
        "Resources:Read",
        "resources:read@",
        "resources:read@Cars",
        "resources:read@cars@lorries",
        "resources:read,events:read",
        "resources:read events",
        "resources:read\nkey.0000000a=x",
        "caf\u00e9:read",
    ],
)
def test_an_invalid_scope_is_rejected(fail, written_file, scope):
    fail("client", "add", "new", "--scope", scope)


@table_driven("scope", ["resources:raed", "allocation:read", "events:write", "boking:read"])
def test_an_unknown_scope_is_rejected(fail, written_file, scope):
    assert scope in fail("client", "add", "new", "--scope", scope)


@table_driven("rate", ["", "fast", "50", "50/fortnight", "-1/second", "many/second", "1/second\nscopes = x"])
@table_driven("option", ["rate", "write-rate"])
def test_an_invalid_rate_is_rejected(fail, written_file, option, rate):
    message = fail("client", "add", "new", "--scope", "resources:read", f"--{option}", rate)
    assert f" {option.replace('-', '_')}: " in message


@table_driven("number", ["", "0", "-1", "many", "1.5"])
def test_an_invalid_number_of_concurrent_requests_is_rejected(fail, written_file, number):
    fail("client", "add", "new", "--scope", "resources:read", "--concurrent", number)


@table_driven("hours", ["", "soon", "nan", "inf", "1e300", "1e9"])
def test_an_invalid_validity_of_old_keys_is_rejected(fail, written_file, hours):
    fail("client", "rotate", "booking", "--keep", hours)


@table_driven(
    "words",
    [
        ("add", "booking", "--scope", "resources:read"),
        ("add", "new"),
        ("add",),
        ("rotate", "unknown"),
        ("rotate",),
        ("revoke", "unknown"),
        ("revoke", "BOOKING"),
        ("revoke", "booking", "--key", "ffffffff"),
        ("revoke", "booking", "--key", "0000000b"),
        ("revoke", "booking", "--key", ""),
        ("revoke", "unknown", "--key", "0000000a"),
        ("revoke",),
        ("remove", "booking"),
        ("list", "booking"),
    ],
)
def test_unknown_and_existing_clients_and_keys_are_rejected(fail, written_file, words):
    fail("client", *words)


@pytest.mark.parametrize("words", [("rotate", "unknown"), ("revoke", "unknown")])
def test_without_a_file_a_client_is_unknown_and_no_file_is_created(fail, clients_file, words):
    assert "unknown" in fail("client", *words)


@table_driven("fault", INVALID_FILES)
def test_an_invalid_file_is_rejected(fail, clients_file, fault):
    text = INVALID_FILES[fault]
    clients_file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert str(clients_file) in fail("client", "add", "new", "--scope", "resources:read")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_rejects_an_invalid_file(fail, clients_file, command):
    for text in (hand_written() + "key.x = y\n", "booking"):
        clients_file.write_text(text)
        assert str(clients_file) in fail(*command.split())


@pytest.mark.parametrize("command", ["client list", "client rotate booking", "serve"])
def test_a_folder_instead_of_the_file_is_rejected(run_command, clients_file, monkeypatch, command):
    clients_file.mkdir()
    monkeypatch.setattr(server.os, "execve", lambda *arguments: pytest.fail("the server was started"))
    status, output, errors = run_command(*command.split())
    assert (status, output) == (2, "")
    assert str(clients_file) in errors


def test_the_message_names_a_folder_that_cannot_be_created(run_command, monkeypatch, clients_file):
    clients_file.touch()
    folder = clients_file / "none"
    monkeypatch.setenv("INVSYS_CLIENTS_FILE", str(folder / "clients.ini"))
    status, output, errors = run_command("client", "add", "new", "--scope", "resources:read")
    assert (status, output) == (2, "")
    assert errors == f"invsys-gateway-manage: {folder}: cannot be created: Not a directory\n"


@pytest.mark.parametrize("command", ["client rotate booking", "client revoke booking"])
def test_only_add_creates_the_folder(run_command, monkeypatch, clients_file, command):
    folder = clients_file.parent / "none"
    monkeypatch.setenv("INVSYS_CLIENTS_FILE", str(folder / "clients.ini"))
    assert run_command(*command.split())[0] == 2
    assert not folder.exists()


@pytest.mark.parametrize("command", ["serve", "runserver"])
def test_a_port_in_use_is_reported_in_one_line(run_command, monkeypatch, command):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("INVSYS_SERVER_PORT", str(port))
        message = f"invsys-gateway-manage: port {port} of 127.0.0.1 is in use\n"
        assert run_command(command) == (2, "", message)
