"""The commands keep everything else in the clients file: comments, other options, owner and mode."""

import os
import re
import stat
import subprocess
import sys

import pytest

from invsys.gateway.auth import client_admin
from tests.gateway.conftest import as_client
from tests.support.client_files import hand_written
from tests.support.paths import SUPPORT

VARIANTS = {
    "unchanged": lambda text: text,
    "without a newline at the end": lambda text: text.rstrip("\n"),
    "a comment at the end": lambda text: f"{text}\n# the end\n",
    "a comment at the end without a newline": lambda text: f"{text}\n# the end",
    "blank lines at the end": lambda text: f"{text}\n\n\n",
    "blank lines at the beginning": lambda text: f"\n\n{text}",
    "without blank lines": lambda text: re.sub(r"\n\n+", "\n", text),
    "indented comments": lambda text: text.replace("\n#", "\n  #"),
    "a comment that is not ASCII": lambda text: f"# caf\u00e9 \u20ac\n{text}",
    "a comment like a section": lambda text: f"; [other]\n; key.0000000f = x\n{text}",
    "options with capitals": lambda text: text.replace("rate=", "Rate="),
}


@pytest.fixture(params=VARIANTS)
def written_file(request, clients_file):
    clients_file.write_text(VARIANTS[request.param](hand_written()))
    return clients_file


def is_subsequence(lines, all_lines):
    """Return whether all lines appear in this order, possibly with others between them."""
    rest = iter(all_lines)
    return all(line in rest for line in lines)


@pytest.fixture
def client_command(run_command):
    """Return a function that runs a command of the group ``client``, which must succeed, and returns its output."""

    def client_command(*words):
        status, output, errors = run_command("client", *words)
        assert (status, errors) == (0, "")
        return output.strip()

    return client_command


def test_adding_a_client_keeps_all_lines(written_file, client_command, build_gateway):
    before = written_file.read_text().splitlines()
    key = client_command("add", "new", "--scope", "resources:read")
    after = written_file.read_text().splitlines()
    assert is_subsequence(before, after)
    assert {*after} - {*before} >= {"[new]", "scopes = resources:read"}
    app = build_gateway("http://127.0.0.1:9")
    for valid_key in (key, "invsys_0000000a_secret", "invsys_0000000b_secret", "invsys_0000000c_secret"):
        assert as_client(app, valid_key).get("/api/events").status_code in (403, 502)


def test_rotating_adds_a_key_and_an_expiry(written_file, client_command):
    before = written_file.read_text().splitlines()
    client_command("rotate", "booking")
    after = written_file.read_text().splitlines()
    assert is_subsequence([line for line in before if not line.startswith("key.0000000a")], after)
    [old] = [line for line in before if line.startswith("key.0000000a")]
    assert [line for line in after if line.startswith(f"{old}, until ")]
    [new] = [line for line in after if re.match(r"key\.(?!0000000[abc])", line)]
    assert after.index("[booking]") < after.index(new) < after.index("[page:staff]")


def test_revoking_a_key_removes_its_line(written_file, client_command):
    before = written_file.read_text().splitlines()
    client_command("revoke", "page:staff", "--key", "0000000b")
    assert written_file.read_text().splitlines() == [line for line in before if not line.startswith("key.0000000b")]


def test_revoking_a_client_removes_its_section(written_file, client_command):
    before = written_file.read_text().splitlines()
    client_command("revoke", "page:staff")
    after = written_file.read_text().splitlines()
    start = before.index("[page:staff]")
    end = next(n for n, line in enumerate(before) if line.startswith("key.0000000c")) + 1
    assert is_subsequence(before[:start], after)
    assert "[zz-old]" in after
    assert not {*before[start:end]} & {*after} - {*before[:start]} - {*before[end:]} - {""}


@pytest.mark.parametrize("written_file", ["unchanged", "a comment at the end without a newline"], indirect=True)
def test_successive_changes_keep_the_rest(written_file, client_command):
    before = written_file.read_text().splitlines()
    for number in range(2):
        client_command("add", f"new{number}", "--scope", "resources:read")
        client_command("rotate", f"new{number}", "--keep", "0")
    for number in range(2):
        client_command("revoke", f"new{number}")
    after = written_file.read_text().splitlines()
    assert [line for line in after if line] == [line for line in before if line]


def test_a_new_file_is_readable_by_its_owner_only(clients_file, client_command):
    before = os.umask(0)
    try:
        client_command("add", "new", "--scope", "resources:read")
    finally:
        os.umask(before)
    assert clients_file.stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o644])
def test_mode_and_owner_are_kept(clients_file, client_command, mode):
    clients_file.write_text(hand_written())
    clients_file.chmod(mode)
    # Only root can use another owner.
    user, group = (4711, 4712) if os.geteuid() == 0 else (os.getuid(), os.getgroups()[-1])
    os.chown(clients_file, user, group)
    for words in (("add", "new", "--scope", "resources:read"), ("rotate", "new"), ("revoke", "new")):
        client_command(*words)
        file_status = clients_file.stat()
        assert (file_status.st_mode & 0o7777, file_status.st_uid, file_status.st_gid) == (mode, user, group)
    assert [path.name for path in clients_file.parent.iterdir()] == [clients_file.name]


def test_a_symbolic_link_is_kept(clients_file, client_command):
    real = clients_file.with_name("real.ini")
    real.write_text(hand_written())
    clients_file.symlink_to(real.name)
    client_command("add", "new", "--scope", "resources:read")
    assert clients_file.is_symlink()
    assert "[new]" in real.read_text()


def test_two_concurrent_processes_lose_no_client(clients_file, run_command):
    clients_file.write_text(hand_written())
    program = [sys.executable, str(SUPPORT / "add_client_process.py"), str(clients_file)]
    adders = [
        subprocess.Popen([*program, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    for adder in adders:
        assert adder.stdout.readline() == "ready\n"
    for adder in adders:
        adder.stdin.write("25\n")
        adder.stdin.flush()
    outputs = [adder.communicate()[0].splitlines() for adder in adders]
    assert [adder.returncode for adder in adders] == [0, 0]
    status, output, _ = run_command("client", "list")
    assert status == 0
    for name, prefixes in zip(("one", "two"), outputs, strict=True):
        assert len(prefixes) == 25
        for number, prefix in enumerate(prefixes):
            assert f"{name}{number}: resources:read\n    {prefix}\n" in output
    assert is_subsequence(hand_written().splitlines(), clients_file.read_text().splitlines())


def test_a_new_file_gets_the_owner_of_its_folder(tmp_path):
    owner = (4711, 4712) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(tmp_path, *owner)
    client_admin.add(tmp_path / "clients.ini", "booking", ["resources:read"])
    file_status = (tmp_path / "clients.ini").stat()
    assert (file_status.st_uid, file_status.st_gid, stat.S_IMODE(file_status.st_mode)) == (*owner, 0o600)


def test_a_new_folder_is_accessible_to_its_owner_only(tmp_path):
    file = tmp_path / "new" / "inner" / "clients.ini"
    client_admin.add(file, "booking", ["resources:read"])
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (file.parent, tmp_path / "new")} == {0o700}


def test_a_rotation_removes_expired_keys(tmp_path):
    file = tmp_path / "clients.ini"
    client_admin.add(file, "booking", ["resources:read"])
    expired = "key.0a0b0c0d = " + "0" * 64 + ", until 2020-01-01T00:00:00+00:00\n"
    file.write_text(file.read_text() + expired)
    client_admin.rotate(file, "booking", client_admin.timedelta(hours=1))
    assert "0a0b0c0d" not in file.read_text()
    assert file.read_text().count("key.") == 2
