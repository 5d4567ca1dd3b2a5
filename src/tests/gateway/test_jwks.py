"""The issuer's public keys: in a file or at a URL, reloaded when they change, and kept while they cannot be loaded."""

import json

import pytest

from invsys.gateway.auth import jwks
from tests.gateway.conftest import as_client
from tests.support.fake_clock import Clock
from tests.support.issuer import AUDIENCE, ISSUER, KeyServer, elliptic, key_set, rsa, signed
from tests.support.refusals import refused
from tests.support.serving_apps import served_app

OLD, NEW, UNPUBLISHED = elliptic("old"), elliptic("new"), elliptic("later")


@pytest.fixture(autouse=True)
def timeouts(monkeypatch):
    """Let the issuer respond later than the gateway allows by default, because the machine may be busy."""
    for name in ("_CONNECT_TIMEOUT", "_READ_TIMEOUT"):
        monkeypatch.setattr(jwks, name, 60)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(jwks, "time", clock)
    return clock


@pytest.fixture
def issuer():
    """An issuer that has not published keys yet."""
    return KeyServer()


@pytest.fixture
def keys_url(issuer):
    """The URL of the keys."""
    with served_app(issuer) as url:
        yield f"{url}/keys.json"


@pytest.fixture
def build_trusting(build_gateway, clock):
    """Return a function that builds a gateway with keys from a file or a URL; no service is behind it."""

    def build_trusting(location, **variables):
        return build_gateway(
            "http://127.0.0.1:9",
            INVSYS_JWT_KEYS=str(location),
            INVSYS_JWT_ISSUER=ISSUER,
            INVSYS_JWT_AUDIENCE=AUDIENCE,
            **variables,
        )

    return build_trusting


@pytest.fixture
def app(build_trusting, keys_url):
    return build_trusting(keys_url)


@pytest.fixture
def status(app):
    """Return a function that returns the status of a request whose token is signed with the given key."""
    return lambda key: as_client(app, signed(key)).get("/api/cars").status_code


def test_keys_at_a_url_are_loaded_once_for_many_tokens(issuer, status):
    issuer.publish(OLD, rsa("other"))
    assert [status(OLD) for _ in range(5)] == [502] * 5
    assert issuer.paths == ["/keys.json"]


def test_the_url_can_have_a_query(build_trusting, keys_url, issuer):
    issuer.publish(OLD)
    assert as_client(build_trusting(f"{keys_url}?tenant=a"), signed(OLD)).get("/api/cars").status_code == 502


def test_a_new_key_is_loaded_when_a_token_names_it(issuer, status, clock):
    issuer.publish(OLD)
    assert status(OLD) == 502
    issuer.publish(OLD, NEW)
    clock.advance(11)
    assert status(NEW) == 502
    assert status(OLD) == 502
    assert len(issuer.paths) == 2


def test_the_keys_are_loaded_at_most_once_in_ten_seconds(issuer, status, clock):
    issuer.publish(OLD)
    assert status(OLD) == 502
    for reloads in range(1, 4):
        clock.advance(11)
        assert [status(NEW) for _ in range(4)] == [401] * 4
        assert len(issuer.paths) == 1 + reloads
    clock.advance(8)
    assert status(NEW) == 401
    assert len(issuer.paths) == 4
    assert status(OLD) == 502


def test_a_withdrawn_key_is_rejected_after_the_refresh(issuer, status, clock):
    issuer.publish(OLD, NEW)
    assert status(OLD) == 502
    issuer.publish(NEW)
    clock.advance(301)
    assert status(OLD) == 401
    assert status(NEW) == 502


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize("bits", [1024, 2040])
def test_a_short_rsa_key_is_ignored(issuer, app, clock, caplog, bits):
    # RFC 7518, 3.3: 2048 bits or larger.
    short = rsa("short", bits)
    token = signed(short, "RS256")
    issuer.publish(short)
    refused(as_client(app, token).get("/api/cars"), 503, "keys_unavailable")
    assert f"RSA key of {bits} bits" in caplog.text
    clock.advance(11)
    issuer.publish(short, OLD)
    assert as_client(app, signed(OLD)).get("/api/cars").status_code == 502
    refused(as_client(app, token).get("/api/cars"), 401, "unauthenticated")


INVALID_RESPONSES = {
    "unavailable": ("503 Service Unavailable", b"", {}),
    "not found": ("404 Not Found", b"{}", {}),
    "not JSON": ("200 OK", b"<html>Login</html>", {}),
    "empty": ("200 OK", b"", {}),
    "a list": ("200 OK", b"[]", {}),
    "text": ("200 OK", b'"keys"', {}),
    "null": ("200 OK", b"null", {}),
    "no keys": ("200 OK", b"{}", {}),
    "keys that are a number": ("200 OK", b'{"keys": 5}', {}),
    "keys that are strings": ("200 OK", b'{"keys": ["a"]}', {}),
    "a broken key": ("200 OK", b'{"keys": [{"kty": "EC", "crv": "P-256", "kid": "old"}]}', {}),
    "a point that is not on the curve": (
        "200 OK",
        b'{"keys": [{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}]}',
        {},
    ),
    "not UTF-8": ("200 OK", b"\xff\xfe", {}),
    "deeply nested": ("200 OK", b"[" * 100_000, {}),
    "too long": ("200 OK", b" " * (2 * 1024 * 1024) + b"{}", {}),
}


@pytest.mark.parametrize("fault", INVALID_RESPONSES)
def test_the_keys_stay_valid_while_they_cannot_be_loaded(issuer, status, clock, fault):
    issuer.publish(OLD)
    assert status(OLD) == 502
    issuer.respond(*INVALID_RESPONSES[fault][:2])
    for _ in range(2):
        clock.advance(301)
        assert status(OLD) == 502
        assert status(NEW) == 401
    issuer.publish(NEW)
    clock.advance(301)
    assert status(NEW) == 502


@pytest.mark.parametrize("fault", INVALID_RESPONSES)
def test_before_any_keys_are_loaded_tokens_get_503(issuer, app, status, clock, add_client, fault):
    issuer.respond(*INVALID_RESPONSES[fault][:2])
    response = as_client(app, signed(OLD)).get("/api/cars")
    refused(response, 503, "keys_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    # Requests with an API key or without credentials do not need the issuer's keys.
    assert as_client(app, add_client("booking", "resources:read")).get("/api/cars").status_code == 502
    assert app.test_client().get("/api/cars").status_code == 401
    issuer.publish(OLD)
    clock.advance(11)
    assert status(OLD) == 502


def test_tokens_get_503_if_nothing_listens_at_the_url(build_trusting):
    response = as_client(build_trusting("http://127.0.0.1:9/keys.json"), signed(OLD)).get("/api/cars")
    refused(response, 503, "keys_unavailable")


@pytest.mark.parametrize("status_line", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(issuer, keys_url, app, status_line):
    other_server = KeyServer()
    other_server.publish(OLD)
    with served_app(other_server) as other:
        for target in (f"{other}/keys.json", f"{keys_url}2", "/keys2.json"):
            issuer.respond(status_line, json.dumps(key_set(OLD)).encode(), Location=target)
            refused(as_client(app, signed(OLD)).get("/api/cars"), 503, "keys_unavailable")
    assert other_server.paths == []
    assert set(issuer.paths) == {"/keys.json"}


def test_keys_in_a_file_are_reloaded(build_trusting, tmp_path, clock):
    file = tmp_path / "jwks.json"
    app = build_trusting(file)
    refused(as_client(app, signed(OLD)).get("/api/cars"), 503, "keys_unavailable")
    file.write_text(json.dumps(key_set(OLD)))
    clock.advance(11)
    assert as_client(app, signed(OLD)).get("/api/cars").status_code == 502
    file.write_text(json.dumps(key_set(OLD, NEW)))
    clock.advance(11)
    assert as_client(app, signed(NEW)).get("/api/cars").status_code == 502
    file.unlink()
    clock.advance(301)
    assert as_client(app, signed(NEW)).get("/api/cars").status_code == 502


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "future", "pub": "AQAB"},
        {"kty": "EC", "crv": "P-999", "kid": "curve", "x": "AQ", "y": "AQ"},
        {"kty": "OKP", "crv": "X25519", "kid": "enc", "x": "A" * 43, "use": "enc"},
    ],
    ids=["unknown type", "unknown curve", "another use"],
)
def test_unsupported_keys_are_ignored(issuer, status, key):
    # RFC 7517, 5: implementations should ignore such keys.
    issuer.respond("200 OK", json.dumps({"keys": [key, *key_set(OLD)["keys"]]}).encode())
    assert status(OLD) == 502


def test_a_symmetric_key_in_the_set_is_ignored(issuer, status, app):
    secret = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}
    issuer.respond("200 OK", json.dumps({"keys": [*key_set(OLD)["keys"], secret]}).encode())
    assert status(UNPUBLISHED) == 401
    assert status(OLD) == 502
