"""A running gateway notices changes to the clients file, and keeps the previous clients if the file is invalid."""

import logging
from datetime import datetime, timedelta

import pytest

from invsys.gateway.auth import api_keys
from invsys.gateway.auth import clients_file as module
from tests.gateway.conftest import as_client
from tests.support.client_files import INVALID_FILES, hand_written, stored_digest
from tests.support.fake_clock import Clock
from tests.support.refusals import refused

KEY = "invsys_0000000a_secret"
BROKEN = "[booking\n"


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def app(clock, build_gateway):
    """A gateway without a service; it has not read the file yet."""
    return build_gateway("http://127.0.0.1:9")


@pytest.fixture
def is_valid(app):
    """Return a function that returns whether the gateway accepts a key at the moment."""

    def is_valid(key=KEY):
        response = as_client(app, key).get("/api/cars")
        assert response.status_code in (401, 502)
        return response.status_code == 502

    return is_valid


def test_a_new_client_is_accepted_within_about_a_second(clients_file, is_valid, clock):
    assert not is_valid()
    clients_file.write_text(hand_written())
    clock.advance(1.5)
    assert is_valid()


def test_a_client_added_by_command_is_accepted(add_client, is_valid, clock):
    assert is_valid(add_client("first", "resources:read"))
    second = add_client("second", "resources:read")
    clock.advance(1.5)
    assert is_valid(second)


def test_a_revoked_key_is_rejected_within_about_a_second(clients_file, run_command, is_valid, clock):
    clients_file.write_text(hand_written())
    assert is_valid()
    assert run_command("client", "revoke", "booking")[0] == 0
    clock.advance(1.5)
    assert not is_valid()
    assert is_valid("invsys_0000000b_secret") is True


def test_a_changed_scope_applies_within_about_a_second(clients_file, app, clock):
    clients_file.write_text(hand_written())
    client = as_client(app, KEY)
    refused(client.get("/api/events"), 403, "forbidden")
    clients_file.write_text(hand_written().replace("allocations:own", "events:read"))
    clock.advance(1.5)
    refused(client.get("/api/events"), 502, "upstream_unreachable")


def test_successive_changes_are_all_noticed(clients_file, is_valid, clock):
    for number in range(5):
        # The file keeps its length, and perhaps its modification time if the file system's clock is coarse.
        clients_file.write_text(
            f"[booking]\nscopes = resources:read\nkey.0000000a = {stored_digest(f'invsys_0000000a_{number}')}\n"
        )
        clock.advance(1.5)
        assert [is_valid(f"invsys_0000000a_{other}") for other in range(5)] == [other == number for other in range(5)]


@pytest.mark.parametrize("fault", INVALID_FILES)
def test_an_invalid_file_is_logged_and_the_clients_stay_valid(clients_file, is_valid, clock, caplog, fault):
    clients_file.write_text(hand_written())
    assert is_valid()
    text = INVALID_FILES[fault]
    clients_file.write_bytes(text if isinstance(text, bytes) else text.encode())
    clock.advance(1.5)
    with caplog.at_level(logging.ERROR):
        assert is_valid()
    assert [record for record in caplog.records if str(clients_file) in record.getMessage()]
    clock.advance(60)
    assert is_valid()


def test_a_repaired_file_is_read_again(clients_file, is_valid, clock, add_client):
    clients_file.write_text(hand_written())
    assert is_valid()
    clients_file.write_text(BROKEN)
    clock.advance(1.5)
    assert is_valid()
    clients_file.write_text("")
    key = add_client("other", "resources:read")
    clock.advance(1.5)
    assert is_valid(key)
    assert not is_valid()


def test_an_old_key_expires_without_a_change_of_the_file(add_client, rotate, is_valid, monkeypatch):
    old = add_client("booking", "resources:read")
    new = rotate("booking", timedelta(hours=1))
    for minutes, expected in ((0, True), (59, True), (61, False), (0, True)):
        monkeypatch.setattr(api_keys, "datetime", later(timedelta(minutes=minutes)))
        assert is_valid(old) is expected
        assert is_valid(new)


def later(elapsed):
    """Return a subclass of datetime whose clock is ahead by ``elapsed``."""

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + elapsed

    return Later


def test_a_folder_instead_of_the_file_changes_nothing(clients_file, is_valid, clock):
    clients_file.write_text(hand_written())
    assert is_valid()
    clients_file.unlink()
    clients_file.mkdir()
    clock.advance(1.5)
    assert is_valid()


def test_without_a_file_no_key_is_valid_and_the_gateway_is_ready(app, is_valid):
    assert not is_valid()
    assert app.test_client().get("/readyz").status_code == 200


@pytest.mark.parametrize("fault", INVALID_FILES)
def test_a_gateway_without_a_valid_file_responds_with_503_until_it_is_repaired(
    clients_file, app, is_valid, clock, fault
):
    text = INVALID_FILES[fault]
    clients_file.write_bytes(text if isinstance(text, bytes) else text.encode())
    for key in (KEY, "invsys_ffffffff_unknown"):
        response = as_client(app, key).get("/api/cars")
        refused(response, 503, "keys_unavailable")
        assert int(response.headers["Retry-After"]) > 0
    ready = app.test_client().get("/readyz")
    assert int(ready.headers["Retry-After"]) > 0
    refused(ready, 503, "keys_unavailable")
    assert app.test_client().get("/healthz").status_code == 200
    clients_file.write_text(hand_written())
    clock.advance(1.5)
    assert is_valid()
    assert app.test_client().get("/readyz").status_code == 200


def test_a_request_without_a_key_gets_401_even_if_the_file_is_invalid(clients_file, app):
    clients_file.write_text(BROKEN)
    for path in ("/api/cars", "/nothing", "/table"):
        refused(app.test_client().get(path), 401, "unauthenticated")


def test_public_pages_do_not_need_the_file(clients_file, app):
    clients_file.write_text(BROKEN)
    refused(app.test_client().get("/docs"), 502, "upstream_unreachable")


def test_the_content_of_the_file_is_not_in_responses(clients_file, app):
    clients_file.write_text(f"{hand_written()}[half\n")
    text = as_client(app, KEY).get("/api/cars").text
    assert not [word for word in (str(clients_file), "half", "booking") if word in text]
