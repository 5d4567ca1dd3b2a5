"""Invalid JSON Web Tokens get 401, and the request is not forwarded."""

import json
import os
import time

import pytest
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from invsys.gateway import settings
from invsys.gateway.application import build_app
from tests.gateway.conftest import as_client
from tests.support.gateway_refusals import challenges
from tests.support.issuer import (
    AUDIENCE,
    ISSUER,
    claims,
    elliptic,
    key_set,
    part,
    rsa,
    signed,
    signed_with_secret,
    tampered,
    unsigned,
)
from tests.support.refusals import refused
from tests.support.tables import table_driven

EC, EC384, RSA = elliptic("ec"), elliptic("ec384", "P-384"), rsa("rsa")
UNKNOWN_KEY = elliptic("stranger")
IMPOSTOR = ECKey.import_key({**UNKNOWN_KEY.as_dict(private=True), "kid": "ec"})
NOW = int(time.time())
VALID = signed(EC)
HEADER, PAYLOAD, SIGNATURE = VALID.split(".")


@pytest.fixture(scope="module")
def send(tmp_path_factory):
    """Return a function that sends a token to a gateway that trusts the three keys; no service is behind it."""
    folder = tmp_path_factory.mktemp("issuer")
    (folder / "jwks.json").write_text(json.dumps(key_set(EC, EC384, RSA)))
    environ = {
        "INVSYS_CONFIG": os.devnull,
        "INVSYS_CLIENTS_FILE": str(folder / "clients.ini"),
        "INVSYS_SERVICES_INVENTORY": "http://127.0.0.1:9",
        "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
        "INVSYS_JWT_KEYS": str(folder / "jwks.json"),
        "INVSYS_JWT_ISSUER": ISSUER,
        "INVSYS_JWT_AUDIENCE": AUDIENCE,
    }
    app = build_app(settings.load(environ=environ))
    return lambda token: as_client(app, token).get("/api/cars")


def test_the_token_from_which_the_others_are_derived_is_valid(send):
    refused(send(VALID), 502, "upstream_unreachable")


def _text(header):
    return f"{part(header)}.{PAYLOAD}.{SIGNATURE}"


def public(key, encoding="PEM"):
    return key.as_bytes(encoding=encoding, private=False)


NOT_SIGNED = {
    "alg none": unsigned(),
    "alg None": unsigned("None"),
    "alg NONE": unsigned("NONE"),
    "alg none with a kid": unsigned(kid="ec"),
    "alg none under a real signature": _text({"alg": "none", "kid": "ec"}),
    "no alg": _text({"kid": "ec"}),
    "alg null": _text({"alg": None, "kid": "ec"}),
    "alg a number": _text({"alg": 256, "kid": "ec"}),
    "alg a list": _text({"alg": ["ES256"], "kid": "ec"}),
    "alg an object": _text({"alg": {"ES256": 1}, "kid": "ec"}),
    "HS256 with the public key as PEM": signed_with_secret(RSA, public(RSA)),
    "HS256 with the public key as DER": signed_with_secret(RSA, public(RSA, "DER")),
    "HS256 with the elliptic public key": signed_with_secret(EC, public(EC)),
    "HS256 with the key set's text": signed_with_secret(EC, json.dumps(EC.as_dict(private=False)).encode()),
    "HS256 with an empty secret": signed_with_secret(EC, b""),
    "RS512, not in the settings": signed(RSA, "RS512"),
    "PS256, not in the settings": signed(RSA, "PS256"),
    "ES384, not in the settings": signed(EC384, "ES384"),
    "ES256 by an RSA key's name": _text({"alg": "ES256", "kid": "rsa"}),
    "RS256 by an elliptic key's name": _text({"alg": "RS256", "kid": "ec"}),
    "an unknown kid": signed(UNKNOWN_KEY),
    "signature of another key under a known kid": signed(IMPOSTOR),
    "a kid that is a number": signed(EC, header={"kid": "1"}).replace(part("1"), part(1)),
    "a kid that is a list": _text({"alg": "ES256", "kid": ["ec"]}),
    "a kid that is a path": _text({"alg": "ES256", "kid": "/dev/null"}),
    "a key in the header": signed(IMPOSTOR, header={"jwk": UNKNOWN_KEY.as_dict(private=False)}),
    "an unknown critical header": _text({"alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": False}),
    "crit empty": signed(EC, header={"crit": []}),
    "crit with a registered header": signed(EC, header={"crit": ["kid"]}),
    "crit with a supported header": signed(EC, header={"crit": ["typ"], "typ": "at+jwt"}),
    "tampered claims": tampered(VALID, sub="other"),
    "tampered scopes": tampered(VALID, scope="resources:write"),
    "a truncated signature": VALID[:-20],
    "no signature": f"{HEADER}.{PAYLOAD}.",
    "a signature of zeros": f"{HEADER}.{PAYLOAD}.{part(bytes(64))}",
    "a signature in DER": f"{HEADER}.{PAYLOAD}.{part(bytes.fromhex('3006020101020101'))}",
}

WRONG_CLAIMS = {
    "another issuer": {"iss": "https://other.example"},
    "an issuer with an additional slash": {"iss": f"{ISSUER}/"},
    "no issuer": {"iss": None},
    "a list of issuers": {"iss": [ISSUER]},
    "issuer a number": {"iss": 1},
    "another audience": {"aud": "other"},
    "the audience within another": {"aud": f"{AUDIENCE}-other"},
    "other audiences": {"aud": ["other", "others"]},
    "no audience": {"aud": None},
    "audience empty": {"aud": ""},
    "audiences empty": {"aud": []},
    "audience a number": {"aud": 5},
    "audience an object": {"aud": {AUDIENCE: True}},
    "audiences with a number": {"aud": [5]},
    "audience true": {"aud": True},
    "expired": {"exp": NOW - 3600},
    "expired a minute ago": {"exp": NOW - 60},
    "expired in 1970": {"exp": 0},
    "expires before that": {"exp": -1},
    "no expiry": {"exp": None},
    "expiry as text": {"exp": str(NOW + 300)},
    "expiry as a date": {"exp": "2999-01-01T00:00:00Z"},
    "expiry a list": {"exp": [NOW + 300]},
    "expiry an object": {"exp": {}},
    "expiry true": {"exp": True},
    "not yet valid": {"nbf": NOW + 3600},
    "nbf as text": {"nbf": str(NOW)},
    "nbf a list": {"nbf": [NOW]},
    "no sub": {"sub": None},
    "sub empty": {"sub": ""},
    "sub a number": {"sub": 7},
    "sub a list": {"sub": ["booking"]},
    "sub an object": {"sub": {"name": "booking"}},
    "sub true": {"sub": True},
    "sub with a space": {"sub": "Ann Smith"},
    "sub of spaces": {"sub": " "},
    "sub not ASCII": {"sub": "Zo\u00eb"},
    "sub with a line break": {"sub": "booking\r\nX-Client-Sees: all"},
    "sub with a line break at the end": {"sub": "booking\n"},
    "sub with NUL": {"sub": "booking\0"},
    "sub too long": {"sub": "x" * 256},
    "scope a list with a number": {"scope": ["resources:read", 1]},
    "scope a list of lists": {"scope": [["resources:read"]]},
    "scope an object": {"scope": {"resources:read": True}},
    "scope a number": {"scope": 1},
    "scope true": {"scope": True},
}

GARBAGE = {
    "two dots": "..",
    "text with two dots": "a.b.c",
    "invalid base64": f"{HEADER}.%%%.{SIGNATURE}",
    "one dot": f"{HEADER}.{PAYLOAD}",
    "four parts": f"{VALID}.{SIGNATURE}",
    "five parts": f"{VALID}.{SIGNATURE}.{SIGNATURE}",
    "a header that is not JSON": _text(b"{"),
    "a header that is not an object": _text([]),
    "a header that is text": _text("ES256"),
    "a header that is not UTF-8": _text(bytes([255, 254])),
    "a header of nested arrays": _text(b"[" * 50_000),
    "a header of nested objects": _text(b'{"a":' * 8_000),
    "a header with a long number": _text(b'{"alg":' + b"9" * 20_000 + b"}"),
    "not ASCII": f"{HEADER}.{PAYLOAD}.\u00ff\u00fe",
    "Latin-1 with two dots": "\u00ff.\u00fe.\u00fd",
    "spaces within": VALID.replace(".", " . "),
    "a token after another": f"{VALID} {VALID}",
    "a megabyte": "a" * 1_000_000,
    "a megabyte with two dots": ".".join(["a" * 333_000] * 3),
    "a megabyte of dots": "." * 1_000_000,
    "a megabyte of claims": f"{HEADER}.{'a' * 1_000_000}.{SIGNATURE}",
}


INVALID_PAYLOADS = {
    "a list": [],
    "text": "text",
    "a number": 1,
    "null": None,
    "claims in a list": [claims()],
    "a truncated object": b"{",
    "empty": b"",
    "not UTF-8": b"\xff",
    "NaN": b"NaN",
    "nested arrays": b"[" * 20_000,
    "a long number": b'{"exp":' + b"9" * 20_000 + b"}",
    "an expiry of infinity": json.dumps(claims(exp=float("inf"))).encode(),
    "an expiry of NaN": json.dumps(claims(exp=float("nan"))).encode(),
    "a start of NaN": json.dumps(claims(nbf=float("nan"))).encode(),
    "sub a lone surrogate": claims(sub="\ud800"),
}


@table_driven("kind", NOT_SIGNED)
def test_a_token_without_a_valid_signature_is_rejected(send, kind):
    check_rejected(send(NOT_SIGNED[kind]))


@table_driven("kind", WRONG_CLAIMS)
def test_a_token_with_invalid_claims_is_rejected(send, kind):
    check_rejected(send(signed(EC, **WRONG_CLAIMS[kind])))


@table_driven("kind", GARBAGE)
def test_a_malformed_token_is_rejected(send, kind):
    check_rejected(send(GARBAGE[kind]))


@table_driven("kind", INVALID_PAYLOADS)
def test_a_signed_token_with_an_invalid_payload_is_rejected(send, kind):
    text = f"{HEADER}.{part(INVALID_PAYLOADS[kind])}"
    check_rejected(send(f"{text}.{part(_signature(text))}"))


def test_the_signature_of_the_helper_is_valid(send):
    text = f"{HEADER}.{part(claims())}"
    refused(send(f"{text}.{part(_signature(text))}"), 502, "upstream_unreachable")


def _signature(text):
    return JWSRegistry.algorithms["ES256"].sign(text.encode(), EC)


def check_rejected(response):
    body = refused(response, 401, "unauthenticated")
    assert challenges(response)["Bearer"]["error"] == "invalid_token"
    # The response must not reveal the reason to an attacker.
    assert not [word for word in ("Traceback", "joserfc", "signature", ISSUER) if word in json.dumps(body)]
