"""What operators wrote into the clients' file by hand stays as it was, and so do its owner and its mode."""

import os
import re
import subprocess
import sys

import pytest

from tests.gateway.conftest import as_client
from tests.support.client_files import hand_written
from tests.support.paths import SUPPORT

VARIANTS = {
    "as it is": lambda text: text,
    "without a newline at its end": lambda text: text.rstrip("\n"),
    "a comment at its end": lambda text: f"{text}\n# the end\n",
    "a comment at its end, without a newline": lambda text: f"{text}\n# the end",
    "blank lines at its end": lambda text: f"{text}\n\n\n",
    "blank lines at its beginning": lambda text: f"\n\n{text}",
    "without any blank line": lambda text: re.sub(r"\n\n+", "\n", text),
    "comments that are indented": lambda text: text.replace("\n#", "\n  #"),
    "a comment that is not ASCII": lambda text: f"# caf\u00e9 \u20ac\n{text}",
    "a comment like a section": lambda text: f"; [other]\n; key.0000000f = x\n{text}",
    "options with capitals": lambda text: text.replace("rate=", "Rate="),
}


@pytest.fixture(params=VARIANTS)
def written(request, clients_file):
    clients_file.write_text(VARIANTS[request.param](hand_written()))
    return clients_file


def is_among(lines, more):
    """Say whether all lines are there, in that order, with others between."""
    rest = iter(more)
    return all(line in rest for line in lines)


@pytest.fixture
def done(run):
    def done(*words):
        status, printed, complaints = run("client", *words)
        assert (status, complaints) == (0, "")
        return printed.strip()

    return done


def test_adding_a_client_only_adds(written, done, gateway):
    before = written.read_text().splitlines()
    key = done("add", "new", "--scope", "resources:read")
    after = written.read_text().splitlines()
    assert is_among(before, after)
    assert {*after} - {*before} >= {"[new]", "scopes = resources:read"}
    app = gateway("http://127.0.0.1:9")
    for right in (key, "invsys_0000000a_secret", "invsys_0000000b_secret", "invsys_0000000c_secret"):
        assert as_client(app, right).get("/api/events").status_code in (403, 502)


def test_rotating_adds_a_key_and_an_end(written, done):
    before = written.read_text().splitlines()
    done("rotate", "booking")
    after = written.read_text().splitlines()
    assert is_among([line for line in before if not line.startswith("key.0000000a")], after)
    [old] = [line for line in before if line.startswith("key.0000000a")]
    assert [line for line in after if line.startswith(f"{old}, until ")]
    [new] = [line for line in after if re.match(r"key\.(?!0000000[abc])", line)]
    assert after.index("[booking]") < after.index(new) < after.index("[page:staff]")


def test_revoking_a_key_takes_its_line(written, done):
    before = written.read_text().splitlines()
    done("revoke", "page:staff", "--key", "0000000b")
    assert written.read_text().splitlines() == [line for line in before if not line.startswith("key.0000000b")]


def test_revoking_a_client_takes_its_section(written, done):
    before = written.read_text().splitlines()
    done("revoke", "page:staff")
    after = written.read_text().splitlines()
    start = before.index("[page:staff]")
    end = next(n for n, line in enumerate(before) if line.startswith("key.0000000c")) + 1
    assert is_among(before[:start], after)
    assert "[zz-old]" in after
    assert not {*before[start:end]} & {*after} - {*before[:start]} - {*before[end:]} - {""}


@pytest.mark.parametrize("written", ["as it is", "a comment at its end, without a newline"], indirect=True)
def test_many_changes_one_after_the_other_leave_the_rest(written, done):
    before = written.read_text().splitlines()
    for number in range(2):
        done("add", f"new{number}", "--scope", "resources:read")
        done("rotate", f"new{number}", "--keep", "0")
    for number in range(2):
        done("revoke", f"new{number}")
    after = written.read_text().splitlines()
    assert [line for line in after if line] == [line for line in before if line]


def test_a_new_file_is_for_its_owner_only(clients_file, done):
    before = os.umask(0)
    try:
        done("add", "new", "--scope", "resources:read")
    finally:
        os.umask(before)
    assert clients_file.stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o644])
def test_mode_and_owner_stay(clients_file, done, mode):
    clients_file.write_text(hand_written())
    clients_file.chmod(mode)
    # Whoever runs the tests as root tries another owner.
    user, group = (4711, 4712) if os.geteuid() == 0 else (os.getuid(), os.getgroups()[-1])
    os.chown(clients_file, user, group)
    for words in (("add", "new", "--scope", "resources:read"), ("rotate", "new"), ("revoke", "new")):
        done(*words)
        found = clients_file.stat()
        assert (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (mode, user, group)
    assert [path.name for path in clients_file.parent.iterdir()] == [clients_file.name]


def test_a_link_to_the_file_stays_a_link(clients_file, done):
    real = clients_file.with_name("real.ini")
    real.write_text(hand_written())
    clients_file.symlink_to(real.name)
    done("add", "new", "--scope", "resources:read")
    assert clients_file.is_symlink()
    assert "[new]" in real.read_text()


def test_two_processes_that_add_at_once_lose_nothing(clients_file, run):
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
    told = [adder.communicate()[0].splitlines() for adder in adders]
    assert [adder.returncode for adder in adders] == [0, 0]
    status, printed, _ = run("client", "list")
    assert status == 0
    for name, prefixes in zip(("one", "two"), told, strict=True):
        assert len(prefixes) == 25
        for number, prefix in enumerate(prefixes):
            assert f"{name}{number}: resources:read\n    {prefix}\n" in printed
    assert is_among(hand_written().splitlines(), clients_file.read_text().splitlines())
