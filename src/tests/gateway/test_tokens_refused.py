"""Whatever is wrong with a token, it is a 401, and nobody behind the gateway hears of it."""

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

EC, EC384, RSA = elliptic("ec"), elliptic("ec384", "P-384"), rsa("rsa")
STRANGER = elliptic("stranger")
IMPOSTOR = ECKey.import_key({**STRANGER.as_dict(private=True), "kid": "ec"})
NOW = int(time.time())
GOOD = signed(EC)
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")


@pytest.fixture(scope="module")
def caller(tmp_path_factory):
    """Ask a gateway that trusts the keys; it knows nobody else, and nobody is behind it."""
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


def test_the_token_that_the_others_are_made_from_is_right(caller):
    refused(caller(GOOD), 502, "upstream_unreachable")


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
    "HS256 with nothing": signed_with_secret(EC, b""),
    "RS512, not in the settings": signed(RSA, "RS512"),
    "PS256, not in the settings": signed(RSA, "PS256"),
    "ES384, not in the settings": signed(EC384, "ES384"),
    "ES256 by an RSA key's name": _text({"alg": "ES256", "kid": "rsa"}),
    "RS256 by an elliptic key's name": _text({"alg": "RS256", "kid": "ec"}),
    "an unknown kid": signed(STRANGER),
    "another's signature under a known kid": signed(IMPOSTOR),
    "a kid that is a number": signed(EC, header={"kid": "1"}).replace(part("1"), part(1)),
    "a kid that is a list": _text({"alg": "ES256", "kid": ["ec"]}),
    "a kid that is a path": _text({"alg": "ES256", "kid": "/dev/null"}),
    "the key that it brings along": signed(IMPOSTOR, header={"jwk": STRANGER.as_dict(private=False)}),
    "critical, and not known": _text({"alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": False}),
    "crit empty": signed(EC, header={"crit": []}),
    "crit a header of the standard": signed(EC, header={"crit": ["kid"]}),
    "crit that is understood": signed(EC, header={"crit": ["typ"], "typ": "at+jwt"}),
    "tampered claims": tampered(GOOD, sub="other"),
    "tampered scopes": tampered(GOOD, scope="resources:write"),
    "half a signature": GOOD[:-20],
    "no signature": f"{HEADER}.{PAYLOAD}.",
    "a signature of zeros": f"{HEADER}.{PAYLOAD}.{part(bytes(64))}",
    "a signature in DER": f"{HEADER}.{PAYLOAD}.{part(bytes.fromhex('3006020101020101'))}",
}

WRONG_CLAIMS = {
    "another issuer": {"iss": "https://other.example"},
    "an issuer with a slash more": {"iss": f"{ISSUER}/"},
    "no issuer": {"iss": None},
    "issuers": {"iss": [ISSUER]},
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
    "not yet": {"nbf": NOW + 3600},
    "nbf as text": {"nbf": str(NOW)},
    "nbf a list": {"nbf": [NOW]},
    "no sub": {"sub": None},
    "sub empty": {"sub": ""},
    "sub a number": {"sub": 7},
    "sub a list": {"sub": ["booking"]},
    "sub an object": {"sub": {"name": "booking"}},
    "sub true": {"sub": True},
    "sub with a blank": {"sub": "Ann Smith"},
    "sub of blanks": {"sub": " "},
    "sub not ASCII": {"sub": "Zo\u00eb"},
    "sub with a line break": {"sub": "booking\r\nX-Client-Sees: all"},
    "sub with a line break at its end": {"sub": "booking\n"},
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
    "base64 that is none": f"{HEADER}.%%%.{SIGNATURE}",
    "one dot": f"{HEADER}.{PAYLOAD}",
    "four parts": f"{GOOD}.{SIGNATURE}",
    "five parts": f"{GOOD}.{SIGNATURE}.{SIGNATURE}",
    "a header that is no JSON": _text(b"{"),
    "a header that is no object": _text([]),
    "a header that is text": _text("ES256"),
    "a header that is no UTF-8": _text(bytes([255, 254])),
    "a header of brackets": _text(b"[" * 50_000),
    "a header of objects": _text(b'{"a":' * 8_000),
    "a header with a long number": _text(b'{"alg":' + b"9" * 20_000 + b"}"),
    "not ASCII": f"{HEADER}.{PAYLOAD}.\u00ff\u00fe",
    "Latin-1 with two dots": "\u00ff.\u00fe.\u00fd",
    "blanks within": GOOD.replace(".", " . "),
    "a token after another": f"{GOOD} {GOOD}",
    "a megabyte": "a" * 1_000_000,
    "a megabyte with two dots": ".".join(["a" * 333_000] * 3),
    "a megabyte of dots": "." * 1_000_000,
    "a megabyte of claims": f"{HEADER}.{'a' * 1_000_000}.{SIGNATURE}",
}


ODD_PAYLOADS = {
    "a list": [],
    "text": "text",
    "a number": 1,
    "null": None,
    "claims in a list": [claims()],
    "half an object": b"{",
    "nothing": b"",
    "no UTF-8": b"\xff",
    "NaN": b"NaN",
    "brackets": b"[" * 20_000,
    "a long number": b'{"exp":' + b"9" * 20_000 + b"}",
    "an expiry of infinity": json.dumps(claims(exp=float("inf"))).encode(),
    "an expiry of NaN": json.dumps(claims(exp=float("nan"))).encode(),
    "a start of NaN": json.dumps(claims(nbf=float("nan"))).encode(),
    "sub a lone surrogate": claims(sub="\ud800"),
}


@pytest.mark.parametrize("kind", NOT_SIGNED)
def test_a_token_that_the_issuer_did_not_sign_that_way(caller, kind):
    is_refused(caller(NOT_SIGNED[kind]))


@pytest.mark.parametrize("kind", WRONG_CLAIMS)
def test_a_token_whose_claims_are_wrong(caller, kind):
    is_refused(caller(signed(EC, **WRONG_CLAIMS[kind])))


@pytest.mark.parametrize("kind", GARBAGE)
def test_what_is_no_token(caller, kind):
    is_refused(caller(GARBAGE[kind]))


@pytest.mark.parametrize("kind", ODD_PAYLOADS)
def test_what_no_library_writes_is_refused_though_the_issuer_signed_it(caller, kind):
    text = f"{HEADER}.{part(ODD_PAYLOADS[kind])}"
    is_refused(caller(f"{text}.{part(_signature(text))}"))


def test_such_a_signature_counts_under_right_claims(caller):
    text = f"{HEADER}.{part(claims())}"
    refused(caller(f"{text}.{part(_signature(text))}"), 502, "upstream_unreachable")


def _signature(text):
    return JWSRegistry.algorithms["ES256"].sign(text.encode(), EC)


def is_refused(answer):
    body = refused(answer, 401, "unauthenticated")
    assert challenges(answer)["Bearer"]["error"] == "invalid_token"
    # Why is for the log: who tries one wrong token after the other learns nothing.
    assert not [word for word in ("Traceback", "joserfc", "signature", ISSUER) if word in json.dumps(body)]
