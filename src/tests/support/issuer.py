"""Somebody who issues tokens: keys, tokens of every kind, right and wrong, and a server for the public keys."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

ISSUER, AUDIENCE = "https://login.example", "invsys"


def part(value):
    """Write a part of a token: JSON, or bytes as they are."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def elliptic(kid, curve="P-256"):
    return ECKey.generate_key(curve, {"kid": kid}, private=True)


def rsa(kid, bits=2048):
    return RSAKey.generate_key(bits, {"kid": kid}, private=True)


def key_set(*keys):
    """Give the public keys as they are published (RFC 7517)."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def claims(**more):
    """Give claims that are all right, but for those that are named; None takes one out."""
    now = int(time.time())
    right = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "booking",
        # A test may be a long time coming.
        "exp": now + 7200,
        "iat": now,
        "scope": "resources:read events:read",
    }
    return {name: value for name, value in {**right, **more}.items() if value is not None}


def signed(key, algorithm="ES256", header=(), **more):
    """Give a token of right claims, but for those that are named."""
    said = {"alg": algorithm, "kid": key.kid, **dict(header)}
    return jwt.encode(said, claims(**more), key, algorithms=[algorithm])


def unsigned(algorithm="none", signature="", **more):
    """Give a token that nobody has signed."""
    return f"{part({'alg': algorithm, 'typ': 'JWT', **more})}.{part(claims())}.{signature}"


def signed_with_secret(key, secret):
    """Give a token whose HMAC was made with ``secret``: bytes that everybody can know."""
    text = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': key.kid})}.{part(claims())}"
    return f"{text}.{part(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def tampered(token, **more):
    """Give a token with other claims under the same signature."""
    header, _, signature = token.split(".")
    return f"{header}.{part(claims(**more))}.{signature}"


class KeyServer:
    """A WSGI application with the public keys; ``answer`` is what it says now: status, headers, content."""

    def __init__(self):
        self.paths, self.answer = [], ("404 Not Found", [], b"")

    def publish(self, *keys):
        self.say("200 OK", json.dumps(key_set(*keys)).encode())

    def say(self, status, content=b"", **headers):
        said = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.answer = status, [*said, ("Content-Length", str(len(content)))], content

    def __call__(self, environ, start_response):
        self.paths.append(environ["PATH_INFO"])
        status, headers, content = self.answer
        start_response(status, headers)
        return [content]
