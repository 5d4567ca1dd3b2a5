"""The issuer's public keys: in a file or at a URL, read again when a token names a new one, kept while it is away."""

import json

import pytest

from invsys.gateway.auth import jwks
from tests.gateway.conftest import as_client
from tests.support.fake_clock import Clock
from tests.support.issuer import AUDIENCE, ISSUER, KeyServer, elliptic, key_set, rsa, signed
from tests.support.refusals import refused
from tests.support.serving_apps import served_app

OLD, NEW, LATER = elliptic("old"), elliptic("new"), elliptic("later")


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(jwks, "time", clock)
    return clock


@pytest.fixture
def issuer():
    """Somebody who publishes keys; nothing yet."""
    return KeyServer()


@pytest.fixture
def place(issuer):
    """The URL of the keys."""
    with served_app(issuer) as url:
        yield f"{url}/keys.json"


@pytest.fixture
def trusting(gateway, clock):
    """Build a gateway that reads the keys from such a place; nobody is behind it."""

    def trusting(place, **more):
        return gateway(
            "http://127.0.0.1:9",
            INVSYS_JWT_KEYS=str(place),
            INVSYS_JWT_ISSUER=ISSUER,
            INVSYS_JWT_AUDIENCE=AUDIENCE,
            **more,
        )

    return trusting


@pytest.fixture
def built(trusting, place):
    return trusting(place)


@pytest.fixture
def status(built):
    """The status that a token signed by such a key gets."""
    return lambda key: as_client(built, signed(key)).get("/api/cars").status_code


def test_keys_at_a_url_are_read_once_for_many_tokens(issuer, status):
    issuer.publish(OLD, rsa("other"))
    assert [status(OLD) for _ in range(5)] == [502] * 5
    assert issuer.paths == ["/keys.json"]


def test_a_query_belongs_to_the_url(trusting, place, issuer):
    issuer.publish(OLD)
    assert as_client(trusting(f"{place}?tenant=a"), signed(OLD)).get("/api/cars").status_code == 502


def test_a_new_key_is_found_when_a_token_names_it(issuer, status, clock):
    issuer.publish(OLD)
    assert status(OLD) == 502
    issuer.publish(OLD, NEW)
    clock.pass_by(11)
    assert status(NEW) == 502
    assert status(OLD) == 502
    assert len(issuer.paths) == 2


def test_the_keys_are_asked_for_once_in_ten_seconds_at_most(issuer, status, clock):
    issuer.publish(OLD)
    assert status(OLD) == 502
    for passed in range(1, 4):
        clock.pass_by(11)
        assert [status(NEW) for _ in range(4)] == [401] * 4
        assert len(issuer.paths) == 1 + passed
    clock.pass_by(8)
    assert status(NEW) == 401
    assert len(issuer.paths) == 4
    assert status(OLD) == 502


def test_a_key_that_was_taken_back_no_longer_counts_after_the_refresh(issuer, status, clock):
    issuer.publish(OLD, NEW)
    assert status(OLD) == 502
    issuer.publish(NEW)
    clock.pass_by(301)
    assert status(OLD) == 401
    assert status(NEW) == 502


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize("bits", [1024, 2040])
def test_a_short_rsa_key_is_left_out(issuer, built, clock, caplog, bits):
    # RFC 7518, 3.3: 2048 bits or larger.
    short = rsa("short", bits)
    token = signed(short, "RS256")
    issuer.publish(short)
    refused(as_client(built, token).get("/api/cars"), 503, "keys_unavailable")
    assert f"RSA key of {bits} bits" in caplog.text
    clock.pass_by(11)
    issuer.publish(short, OLD)
    assert as_client(built, signed(OLD)).get("/api/cars").status_code == 502
    refused(as_client(built, token).get("/api/cars"), 401, "unauthenticated")


UNUSABLE = {
    "away": ("503 Service Unavailable", b"", {}),
    "not found": ("404 Not Found", b"{}", {}),
    "no JSON": ("200 OK", b"<html>Login</html>", {}),
    "nothing": ("200 OK", b"", {}),
    "a list": ("200 OK", b"[]", {}),
    "text": ("200 OK", b'"keys"', {}),
    "null": ("200 OK", b"null", {}),
    "no keys": ("200 OK", b"{}", {}),
    "keys that are none": ("200 OK", b'{"keys": 5}', {}),
    "keys of text": ("200 OK", b'{"keys": ["a"]}', {}),
    "a broken key": ("200 OK", b'{"keys": [{"kty": "EC", "crv": "P-256", "kid": "old"}]}', {}),
    "a point beside the curve": ("200 OK", b'{"keys": [{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}]}', {}),
    "no UTF-8": ("200 OK", b"\xff\xfe", {}),
    "brackets": ("200 OK", b"[" * 100_000, {}),
    "too much": ("200 OK", b" " * (2 * 1024 * 1024) + b"{}", {}),
}


@pytest.mark.parametrize("fault", UNUSABLE)
def test_the_keys_are_kept_while_the_url_does_not_give_any(issuer, status, clock, fault):
    issuer.publish(OLD)
    assert status(OLD) == 502
    issuer.say(*UNUSABLE[fault][:2])
    for _ in range(2):
        clock.pass_by(301)
        assert status(OLD) == 502
        assert status(NEW) == 401
    issuer.publish(NEW)
    clock.pass_by(301)
    assert status(NEW) == 502


@pytest.mark.parametrize("fault", UNUSABLE)
def test_without_any_keys_nobody_can_be_recognised_for_now(issuer, built, status, clock, key_of, fault):
    issuer.say(*UNUSABLE[fault][:2])
    answer = as_client(built, signed(OLD)).get("/api/cars")
    refused(answer, 503, "keys_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    # Who has an API key does not need them, and who says nothing is asked.
    assert as_client(built, key_of("booking", "resources:read")).get("/api/cars").status_code == 502
    assert built.test_client().get("/api/cars").status_code == 401
    issuer.publish(OLD)
    clock.pass_by(11)
    assert status(OLD) == 502


def test_an_address_where_nobody_listens_is_no_key(trusting):
    answer = as_client(trusting("http://127.0.0.1:9/keys.json"), signed(OLD)).get("/api/cars")
    refused(answer, 503, "keys_unavailable")


@pytest.mark.parametrize("status_line", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_where_the_url_redirects_to_is_not_followed(issuer, place, built, status_line):
    elsewhere = KeyServer()
    elsewhere.publish(OLD)
    with served_app(elsewhere) as other:
        for target in (f"{other}/keys.json", f"{place}2", "/keys2.json"):
            issuer.say(status_line, json.dumps(key_set(OLD)).encode(), Location=target)
            refused(as_client(built, signed(OLD)).get("/api/cars"), 503, "keys_unavailable")
    assert elsewhere.paths == []
    assert set(issuer.paths) == {"/keys.json"}


def test_keys_in_a_file_are_read_again_too(trusting, tmp_path, clock):
    file = tmp_path / "jwks.json"
    app = trusting(file)
    refused(as_client(app, signed(OLD)).get("/api/cars"), 503, "keys_unavailable")
    file.write_text(json.dumps(key_set(OLD)))
    clock.pass_by(11)
    assert as_client(app, signed(OLD)).get("/api/cars").status_code == 502
    file.write_text(json.dumps(key_set(OLD, NEW)))
    clock.pass_by(11)
    assert as_client(app, signed(NEW)).get("/api/cars").status_code == 502
    file.unlink()
    clock.pass_by(301)
    assert as_client(app, signed(NEW)).get("/api/cars").status_code == 502


@pytest.mark.parametrize(
    "other",
    [
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "future", "pub": "AQAB"},
        {"kty": "EC", "crv": "P-999", "kid": "curve", "x": "AQ", "y": "AQ"},
        {"kty": "OKP", "crv": "X25519", "kid": "enc", "x": "A" * 43, "use": "enc"},
    ],
    ids=["another kind", "another curve", "for other uses"],
)
def test_keys_that_are_not_understood_do_not_spoil_the_others(issuer, status, other):
    # RFC 7517, 5: such keys in a set should be ignored.
    issuer.say("200 OK", json.dumps({"keys": [other, *key_set(OLD)["keys"]]}).encode())
    assert status(OLD) == 502


def test_a_secret_among_the_public_keys_signs_nothing(issuer, status, built):
    secret = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}
    issuer.say("200 OK", json.dumps({"keys": [*key_set(OLD)["keys"], secret]}).encode())
    assert status(LATER) == 401
    assert status(OLD) == 502
