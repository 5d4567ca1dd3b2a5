"""A gateway that runs notices what became of the clients' file, and outlives a file that is broken."""

import logging
from datetime import datetime, timedelta

import pytest

from invsys.gateway.auth import clients
from invsys.gateway.auth import clients_file as module
from tests.gateway.conftest import as_client
from tests.support.client_files import UNUSABLE, hand_written, kept
from tests.support.fake_clock import Clock
from tests.support.refusals import refused

RIGHT = "invsys_0000000a_secret"
BROKEN = "[booking\n"


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def built(clock, gateway):
    """A gateway in front of nobody; it has not looked at the file yet."""
    return gateway("http://127.0.0.1:9")


@pytest.fixture
def counts(built):
    """Say whether the gateway knows a key now."""

    def counts(key=RIGHT):
        answer = as_client(built, key).get("/api/cars")
        assert answer.status_code in (401, 502)
        return answer.status_code == 502

    return counts


def test_a_new_client_is_known_about_a_second_later(clients_file, counts, clock):
    assert not counts()
    clients_file.write_text(hand_written())
    clock.pass_by(1.5)
    assert counts()


def test_a_client_that_is_added_by_command_is_known_too(key_of, counts, clock):
    assert counts(key_of("first", "resources:read"))
    second = key_of("second", "resources:read")
    clock.pass_by(1.5)
    assert counts(second)


def test_a_revoked_key_stops_about_a_second_later(clients_file, run, counts, clock):
    clients_file.write_text(hand_written())
    assert counts()
    assert run("client", "revoke", "booking")[0] == 0
    clock.pass_by(1.5)
    assert not counts()
    assert counts("invsys_0000000b_secret") is True


def test_a_changed_scope_holds_about_a_second_later(clients_file, built, clock):
    clients_file.write_text(hand_written())
    client = as_client(built, RIGHT)
    refused(client.get("/api/events"), 403, "forbidden")
    clients_file.write_text(hand_written().replace("allocations:own", "events:read"))
    clock.pass_by(1.5)
    refused(client.get("/api/events"), 502, "upstream_unreachable")


def test_changes_one_after_the_other_are_all_noticed(clients_file, counts, clock):
    for number in range(5):
        # As long as the one before, and by a file system's clock perhaps as old.
        clients_file.write_text(
            f"[booking]\nscopes = resources:read\nkey.0000000a = {kept(f'invsys_0000000a_{number}')}\n"
        )
        clock.pass_by(1.5)
        assert [counts(f"invsys_0000000a_{tried}") for tried in range(5)] == [tried == number for tried in range(5)]


@pytest.mark.parametrize("fault", UNUSABLE)
def test_while_the_file_is_broken_the_clients_stay_and_the_log_says_why(clients_file, counts, clock, caplog, fault):
    clients_file.write_text(hand_written())
    assert counts()
    text = UNUSABLE[fault]
    clients_file.write_bytes(text if isinstance(text, bytes) else text.encode())
    clock.pass_by(1.5)
    with caplog.at_level(logging.ERROR):
        assert counts()
    assert [record for record in caplog.records if str(clients_file) in record.getMessage()]
    clock.pass_by(60)
    assert counts()


def test_a_mended_file_counts_again(clients_file, counts, clock, key_of):
    clients_file.write_text(hand_written())
    assert counts()
    clients_file.write_text(BROKEN)
    clock.pass_by(1.5)
    assert counts()
    clients_file.write_text("")
    key = key_of("other", "resources:read")
    clock.pass_by(1.5)
    assert counts(key)
    assert not counts()


def test_an_old_key_ends_while_the_file_stays_as_it_is(key_of, rotate, counts, monkeypatch):
    old = key_of("booking", "resources:read")
    new = rotate("booking", timedelta(hours=1))
    for minutes, expected in ((0, True), (59, True), (61, False), (0, True)):
        monkeypatch.setattr(clients, "datetime", later(timedelta(minutes=minutes)))
        assert counts(old) is expected
        assert counts(new)


def later(passed):
    """Give a class of instants by whose clock so much time has passed."""

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + passed

    return Later


def test_a_folder_in_the_place_of_the_file_changes_nothing(clients_file, counts, clock):
    clients_file.write_text(hand_written())
    assert counts()
    clients_file.unlink()
    clients_file.mkdir()
    clock.pass_by(1.5)
    assert counts()


def test_without_a_file_nobody_is_known_and_the_gateway_is_ready(built, counts):
    assert not counts()
    assert built.test_client().get("/readyz").status_code == 200


@pytest.mark.parametrize("fault", UNUSABLE)
def test_a_file_that_was_never_usable_is_told_until_it_is_mended(clients_file, built, counts, clock, fault):
    text = UNUSABLE[fault]
    clients_file.write_bytes(text if isinstance(text, bytes) else text.encode())
    for key in (RIGHT, "invsys_ffffffff_unknown"):
        answer = as_client(built, key).get("/api/cars")
        refused(answer, 503, "keys_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    ready = built.test_client().get("/readyz")
    assert int(ready.headers["Retry-After"]) > 0
    refused(ready, 503, "keys_unavailable")
    assert built.test_client().get("/healthz").status_code == 200
    clients_file.write_text(hand_written())
    clock.pass_by(1.5)
    assert counts()
    assert built.test_client().get("/readyz").status_code == 200


def test_who_sends_no_key_is_asked_for_it_whatever_the_file_is_like(clients_file, built):
    clients_file.write_text(BROKEN)
    for path in ("/api/cars", "/nothing", "/"):
        refused(built.test_client().get(path), 401, "unauthenticated")


def test_what_is_for_everybody_needs_no_file(clients_file, built):
    clients_file.write_text(BROKEN)
    refused(built.test_client().get("/docs"), 502, "upstream_unreachable")


def test_what_the_file_is_like_is_not_told_to_callers(clients_file, built):
    clients_file.write_text(f"{hand_written()}[half\n")
    told = as_client(built, RIGHT).get("/api/cars").text
    assert not [word for word in (str(clients_file), "half", "booking") if word in told]
