"""``invsys-gateway-manage client``: clients made, listed, their keys replaced and revoked."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.conftest import as_client
from tests.support.client_files import kept

KEY = re.compile(r"invsys_([0-9a-f]{8})_([A-Za-z0-9_-]{43,})\n")
UNTIL = re.compile(r"until (\S+)")


@pytest.fixture
def counts(gateway):
    """Say whether a key opens a gateway that starts now; behind it nobody is."""
    return lambda key: as_client(gateway("http://127.0.0.1:9"), key).get("/api/cars").status_code != 401


@pytest.fixture
def added(run):
    """Make a client; gives its key."""

    def added(name, scope="resources:read"):
        status, printed, complaints = run("client", "add", name, "--scope", scope)
        assert (status, complaints) == (0, "")
        return printed.strip()

    return added


@pytest.fixture
def rotated(run):
    """Rotate the key of a client; gives the new one."""

    def rotated(name, *options):
        status, printed, complaints = run("client", "rotate", name, *options)
        assert (status, complaints) == (0, "")
        assert KEY.fullmatch(printed)
        return printed.strip()

    return rotated


def test_add_prints_the_key_and_the_file_does_not_have_it(run, clients_file, counts):
    status, printed, complaints = run("client", "add", "booking", "--scope", "resources:read")
    assert (status, complaints) == (0, "")
    prefix, secret = KEY.fullmatch(printed).groups()
    assert counts(printed.strip())
    text = clients_file.read_text()
    assert secret not in text
    assert f"key.{prefix} = {kept(printed.strip())}" in text.splitlines()


def test_every_key_is_another(added):
    keys = [added(f"client{number}") for number in range(5)]
    assert len({key.split("_", 2)[1] for key in keys}) == len({key.split("_", 2)[2] for key in keys}) == 5


def test_a_client_is_made_with_scopes_and_limits(run, clients_file):
    words = ["--scope", "resources:read events:read", "--scope", "allocations:own@cars", "--rate", "50/second"]
    assert run("client", "add", "booking", *words, "--concurrent", "8")[0] == 0
    lines = clients_file.read_text().splitlines()
    assert {"[booking]", "rate = 50/second", "concurrent = 8"} <= set(lines)
    [scopes] = [line.partition("=")[2].split() for line in lines if line.startswith("scopes")]
    assert scopes == ["resources:read", "events:read", "allocations:own@cars"]


def test_list_shows_who_may_do_what_and_no_secret(run, added, rotated, clients_file):
    assert run("client", "list") == (0, "", "")
    old = added("booking", "resources:read allocations:own@cars")
    keys = [old, rotated("booking"), added("staff", "events:read")]
    status, printed, complaints = run("client", "list")
    assert (status, complaints) == (0, "")
    for shown in ("booking", "staff", "resources:read", "allocations:own@cars", "events:read"):
        assert shown in printed
    for key in keys:
        _, prefix, secret = key.split("_", 2)
        assert prefix in printed
        assert not {secret, key, kept(key)} & set(re.split(r"[\s:,]+", printed))
    assert not re.search(r"[0-9a-f]{16}", printed)
    assert [line for line in printed.splitlines() if "until" in line and old.split("_")[1] in line]
    assert not clients_file.with_suffix(".bak").exists()


@pytest.mark.parametrize(("options", "hours"), [((), 24), (("--keep", "1"), 1), (("--keep", "0.5"), 0.5)])
def test_the_old_key_counts_for_a_while(rotated, added, counts, clients_file, options, hours):
    old = added("booking")
    before = datetime.now(UTC)
    new = rotated("booking", *options)
    assert counts(new)
    assert counts(old)
    [until] = UNTIL.findall(clients_file.read_text())
    expected = before + timedelta(hours=hours)
    assert abs(datetime.fromisoformat(until) - expected) < timedelta(minutes=1)


def test_a_key_whose_time_is_over_counts_no_more(rotated, added, counts, clients_file):
    old = added("booking")
    new = rotated("booking")
    over = datetime.now(UTC) - timedelta(seconds=1)
    clients_file.write_text(UNTIL.sub(f"until {over.isoformat()}", clients_file.read_text()))
    assert not counts(old)
    assert counts(new)


def test_with_keep_0_no_old_key_counts(rotated, added, counts):
    old = [added("booking"), rotated("booking"), rotated("booking", "--keep", "5")]
    other = added("other")
    new = rotated("booking", "--keep", "0")
    assert [counts(key) for key in old] == [False] * 3
    assert counts(new)
    assert counts(other)


def test_all_old_keys_count_until_the_newest_said(rotated, added, clients_file):
    added("booking")
    rotated("booking", "--keep", "48")
    rotated("booking", "--keep", "1")
    soon = datetime.now(UTC) + timedelta(hours=1, minutes=1)
    ends = [datetime.fromisoformat(until) for until in UNTIL.findall(clients_file.read_text())]
    assert len(ends) == 2
    assert max(ends) < soon


def test_a_rotation_changes_nothing_but_the_keys(run, rotated, clients_file):
    assert run("client", "add", "booking", "--scope", "resources:read", "--rate", "5/minute")[0] == 0
    rotated("booking")
    assert {"scopes = resources:read", "rate = 5/minute"} <= set(clients_file.read_text().splitlines())


def test_one_key_is_revoked(run, rotated, added, counts):
    old = added("booking")
    new = rotated("booking")
    assert run("client", "revoke", "booking", "--key", old.split("_")[1]) == (0, "", "")
    assert not counts(old)
    assert counts(new)


def test_a_client_is_revoked_with_all_of_its_keys(run, rotated, added, counts):
    keys = [added("booking"), rotated("booking")]
    other = added("other")
    assert run("client", "revoke", "booking") == (0, "", "")
    assert [counts(key) for key in keys] == [False, False]
    assert counts(other)
    assert "booking" not in run("client", "list")[1]


def test_a_client_without_any_key_left_can_have_one_again(run, rotated, added, counts):
    old = added("booking")
    assert run("client", "revoke", "booking", "--key", old.split("_")[1])[0] == 0
    assert not counts(old)
    assert counts(rotated("booking"))


def test_the_limits_of_a_client_are_kept_and_listed(run, clients_file):
    options = ("--rate", "50/second", "--write-rate", "5/second; 100/minute", "--concurrent", "8")
    assert run("client", "add", "booking", "--scope", "resources:read", *options)[0] == 0
    written = {"rate = 50/second", "write_rate = 5/second; 100/minute", "concurrent = 8"}
    assert written <= set(clients_file.read_text().splitlines())
    line = "booking: resources:read; 50/second; writes: 5/second; 100/minute; 8 at once"
    assert line in run("client", "list")[1].splitlines()
