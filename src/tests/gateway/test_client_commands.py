"""``invsys-gateway-manage client``: add and list clients, rotate and revoke their keys."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.conftest import as_client
from tests.support.client_files import stored_digest

KEY = re.compile(r"invsys_([0-9a-f]{8})_([A-Za-z0-9_-]{43,})\n")
UNTIL = re.compile(r"until (\S+)")


@pytest.fixture
def is_valid(build_gateway):
    """Return a function that builds a gateway and returns whether it accepts a key."""
    return lambda key: as_client(build_gateway("http://127.0.0.1:9"), key).get("/api/cars").status_code != 401


@pytest.fixture
def add(run_command):
    """Return a function that adds a client with the command and returns its key."""

    def add(name, scope="resources:read"):
        status, output, errors = run_command("client", "add", name, "--scope", scope)
        assert (status, errors) == (0, "")
        return output.strip()

    return add


@pytest.fixture
def rotate(run_command):
    """Return a function that rotates the key of a client with the command and returns the new key."""

    def rotate(name, *options):
        status, output, errors = run_command("client", "rotate", name, *options)
        assert (status, errors) == (0, "")
        assert KEY.fullmatch(output)
        return output.strip()

    return rotate


def test_add_prints_the_key_and_the_file_contains_only_its_digest(run_command, clients_file, is_valid):
    status, output, errors = run_command("client", "add", "booking", "--scope", "resources:read")
    assert (status, errors) == (0, "")
    prefix, secret = KEY.fullmatch(output).groups()
    assert is_valid(output.strip())
    text = clients_file.read_text()
    assert secret not in text
    assert f"key.{prefix} = {stored_digest(output.strip())}" in text.splitlines()


def test_all_keys_are_different(add):
    keys = [add(f"client{number}") for number in range(5)]
    assert len({key.split("_", 2)[1] for key in keys}) == len({key.split("_", 2)[2] for key in keys}) == 5


def test_a_client_is_added_with_scopes_and_limits(run_command, clients_file):
    words = ["--scope", "resources:read events:read", "--scope", "allocations:own@cars", "--rate", "50/second"]
    assert run_command("client", "add", "booking", *words, "--concurrent", "8")[0] == 0
    lines = clients_file.read_text().splitlines()
    assert {"[booking]", "rate = 50/second", "concurrent = 8"} <= set(lines)
    [scopes] = [line.partition("=")[2].split() for line in lines if line.startswith("scopes")]
    assert scopes == ["resources:read", "events:read", "allocations:own@cars"]


def test_list_shows_clients_and_scopes_but_no_secret(run_command, add, rotate, clients_file):
    assert run_command("client", "list") == (0, "", "")
    old = add("booking", "resources:read allocations:own@cars")
    keys = [old, rotate("booking"), add("staff", "events:read")]
    status, output, errors = run_command("client", "list")
    assert (status, errors) == (0, "")
    for text in ("booking", "staff", "resources:read", "allocations:own@cars", "events:read"):
        assert text in output
    for key in keys:
        _, prefix, secret = key.split("_", 2)
        assert prefix in output
        assert not {secret, key, stored_digest(key)} & set(re.split(r"[\s:,]+", output))
    assert not re.search(r"[0-9a-f]{16}", output)
    assert [line for line in output.splitlines() if "until" in line and old.split("_")[1] in line]
    assert not clients_file.with_suffix(".bak").exists()


@pytest.mark.parametrize(("options", "hours"), [((), 24), (("--keep", "1"), 1), (("--keep", "0.5"), 0.5)])
def test_the_old_key_stays_valid_for_a_while(rotate, add, is_valid, clients_file, options, hours):
    old = add("booking")
    before = datetime.now(UTC)
    new = rotate("booking", *options)
    assert is_valid(new)
    assert is_valid(old)
    [until] = UNTIL.findall(clients_file.read_text())
    expected = before + timedelta(hours=hours)
    assert abs(datetime.fromisoformat(until) - expected) < timedelta(minutes=1)


def test_an_expired_key_is_not_valid(rotate, add, is_valid, clients_file):
    old = add("booking")
    new = rotate("booking")
    expired = datetime.now(UTC) - timedelta(seconds=1)
    clients_file.write_text(UNTIL.sub(f"until {expired.isoformat()}", clients_file.read_text()))
    assert not is_valid(old)
    assert is_valid(new)


def test_with_keep_0_old_keys_are_not_valid(rotate, add, is_valid):
    old = [add("booking"), rotate("booking"), rotate("booking", "--keep", "5")]
    other = add("other")
    new = rotate("booking", "--keep", "0")
    assert [is_valid(key) for key in old] == [False] * 3
    assert is_valid(new)
    assert is_valid(other)


def test_a_rotation_can_shorten_the_validity_of_old_keys(rotate, add, clients_file):
    add("booking")
    rotate("booking", "--keep", "48")
    rotate("booking", "--keep", "1")
    soon = datetime.now(UTC) + timedelta(hours=1, minutes=1)
    ends = [datetime.fromisoformat(until) for until in UNTIL.findall(clients_file.read_text())]
    assert len(ends) == 2
    assert max(ends) < soon


def test_a_rotation_changes_only_the_keys(run_command, rotate, clients_file):
    assert run_command("client", "add", "booking", "--scope", "resources:read", "--rate", "5/minute")[0] == 0
    rotate("booking")
    assert {"scopes = resources:read", "rate = 5/minute"} <= set(clients_file.read_text().splitlines())


def test_a_single_key_can_be_revoked(run_command, rotate, add, is_valid):
    old = add("booking")
    new = rotate("booking")
    assert run_command("client", "revoke", "booking", "--key", old.split("_")[1]) == (0, "", "")
    assert not is_valid(old)
    assert is_valid(new)


def test_a_client_can_be_revoked_with_all_its_keys(run_command, rotate, add, is_valid):
    keys = [add("booking"), rotate("booking")]
    other = add("other")
    assert run_command("client", "revoke", "booking") == (0, "", "")
    assert [is_valid(key) for key in keys] == [False, False]
    assert is_valid(other)
    assert "booking" not in run_command("client", "list")[1]


def test_a_client_without_keys_can_get_a_new_one(run_command, rotate, add, is_valid):
    old = add("booking")
    assert run_command("client", "revoke", "booking", "--key", old.split("_")[1])[0] == 0
    assert not is_valid(old)
    assert is_valid(rotate("booking"))


def test_the_limits_of_a_client_are_stored_and_listed(run_command, clients_file):
    options = ("--rate", "50/second", "--write-rate", "5/second; 100/minute", "--concurrent", "8")
    assert run_command("client", "add", "booking", "--scope", "resources:read", *options)[0] == 0
    lines = {"rate = 50/second", "write_rate = 5/second; 100/minute", "concurrent = 8"}
    assert lines <= set(clients_file.read_text().splitlines())
    line = "booking: resources:read; 50/second; writes: 5/second; 100/minute; 8 at once"
    assert line in run_command("client", "list")[1].splitlines()
