"""What an operator types wrong is told in a sentence, with status 2, and changes nothing."""

import pytest

from invsys.chassis.server import command as server
from tests.support.client_files import UNUSABLE, hand_written

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
def written(clients_file):
    """A file written by hand."""
    clients_file.write_text(hand_written())
    return clients_file


@pytest.fixture
def refused(run, clients_file, monkeypatch):
    """Type a command that is refused; gives the sentence."""
    started = []
    monkeypatch.setattr(server.os, "execve", lambda *arguments: started.append(arguments))
    monkeypatch.setattr("flask.Flask.run", lambda *arguments, **_: started.append(arguments))

    def refused(*words):
        before = clients_file.read_bytes() if clients_file.exists() else None
        folder = sorted(clients_file.parent.iterdir())
        status, printed, complaints = run(*words)
        assert (status, printed) == (2, ""), complaints
        assert complaints.strip()
        assert "Traceback" not in complaints
        assert started == []
        assert (clients_file.read_bytes() if clients_file.exists() else None) == before
        assert sorted(clients_file.parent.iterdir()) == folder
        return complaints

    return refused


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "caf\u00e9", "x" * 256, "a]b", "[a]", "a\nb", "a=b", "a\0b", "@a", "-", "a#b", "a\tb"],
)
def test_a_wrong_name(refused, written, name):
    refused("client", "add", "--scope", "resources:read", "--", name)


@pytest.mark.parametrize(
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
def test_a_wrong_scope(refused, written, scope):
    refused("client", "add", "new", "--scope", scope)


@pytest.mark.parametrize("scope", ["resources:raed", "allocation:read", "events:write", "boking:read"])
def test_a_scope_that_nothing_takes(refused, written, scope):
    assert scope in refused("client", "add", "new", "--scope", scope)


@pytest.mark.parametrize("rate", ["", "fast", "50", "50/fortnight", "-1/second", "many/second", "1/second\nscopes = x"])
@pytest.mark.parametrize("option", ["rate", "write-rate"])
def test_a_wrong_rate(refused, written, option, rate):
    message = refused("client", "add", "new", "--scope", "resources:read", f"--{option}", rate)
    assert f" {option.replace('-', '_')}: " in message


@pytest.mark.parametrize("number", ["", "0", "-1", "many", "1.5"])
def test_a_wrong_number_of_requests_at_once(refused, written, number):
    refused("client", "add", "new", "--scope", "resources:read", "--concurrent", number)


@pytest.mark.parametrize("hours", ["", "soon", "nan", "inf", "1e300", "1e9"])
def test_a_wrong_time_for_the_old_keys(refused, written, hours):
    refused("client", "rotate", "booking", "--keep", hours)


@pytest.mark.parametrize(
    "words",
    [
        ("add", "booking", "--scope", "resources:read"),
        ("add", "new"),
        ("add",),
        ("rotate", "nobody"),
        ("rotate",),
        ("revoke", "nobody"),
        ("revoke", "BOOKING"),
        ("revoke", "booking", "--key", "ffffffff"),
        ("revoke", "booking", "--key", "0000000b"),
        ("revoke", "booking", "--key", ""),
        ("revoke", "nobody", "--key", "0000000a"),
        ("revoke",),
        ("remove", "booking"),
        ("list", "booking"),
    ],
)
def test_who_or_what_is_not_there_or_is_there_already(refused, written, words):
    refused("client", *words)


@pytest.mark.parametrize("words", [("rotate", "nobody"), ("revoke", "nobody")])
def test_without_a_file_there_is_nobody_and_none_is_made(refused, clients_file, words):
    assert "nobody" in refused("client", *words)


@pytest.mark.parametrize("fault", UNUSABLE)
def test_a_file_that_cannot_be_used_is_refused(refused, clients_file, fault):
    text = UNUSABLE[fault]
    clients_file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert str(clients_file) in refused("client", "add", "new", "--scope", "resources:read")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_a_file_that_cannot_be_used(refused, clients_file, command):
    for text in (hand_written() + "key.x = y\n", "booking"):
        clients_file.write_text(text)
        assert str(clients_file) in refused(*command.split())


@pytest.mark.parametrize("command", ["client list", "client rotate booking", "serve"])
def test_a_folder_is_no_file(run, clients_file, monkeypatch, command):
    clients_file.mkdir()
    monkeypatch.setattr(server.os, "execve", lambda *arguments: pytest.fail("it started"))
    status, printed, complaints = run(*command.split())
    assert (status, printed) == (2, "")
    assert str(clients_file) in complaints


def test_a_folder_that_cannot_be_created_is_refused_by_name(run, monkeypatch, clients_file):
    clients_file.touch()
    folder = clients_file / "none"
    monkeypatch.setenv("INVSYS_CLIENTS_FILE", str(folder / "clients.ini"))
    status, printed, complaints = run("client", "add", "new", "--scope", "resources:read")
    assert (status, printed) == (2, "")
    assert complaints == f"invsys-gateway-manage: {folder}: cannot be created: Not a directory\n"


@pytest.mark.parametrize("command", ["client rotate booking", "client revoke booking"])
def test_only_a_new_client_creates_a_folder(run, monkeypatch, clients_file, command):
    folder = clients_file.parent / "none"
    monkeypatch.setenv("INVSYS_CLIENTS_FILE", str(folder / "clients.ini"))
    assert run(*command.split())[0] == 2
    assert not folder.exists()
