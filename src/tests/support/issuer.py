"""A token issuer: keys, valid and invalid tokens, and a server for the public keys."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

ISSUER, AUDIENCE = "https://login.example", "invsys"


def part(value):
    """Return bytes, or any other value as JSON, encoded as a part of a token."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def elliptic(kid, curve="P-256"):
    return ECKey.generate_key(curve, {"kid": kid}, private=True)


def rsa(kid, bits=2048):
    return RSAKey.generate_key(bits, {"kid": kid}, private=True)


def key_set(*keys):
    """Return the public keys as a JSON Web Key Set (RFC 7517)."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def claims(**changes):
    """Return valid claims with these changes; None removes a claim."""
    now = int(time.time())
    valid = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "booking",
        # Two hours, because tokens created at import must outlive a slow test run.
        "exp": now + 7200,
        "iat": now,
        "scope": "resources:read events:read",
    }
    return {name: value for name, value in {**valid, **changes}.items() if value is not None}


def signed(key, algorithm="ES256", header=(), **changes):
    """Return a signed token whose valid claims have these changes."""
    headers = {"alg": algorithm, "kid": key.kid, **dict(header)}
    return jwt.encode(headers, claims(**changes), key, algorithms=[algorithm])


def unsigned(algorithm="none", signature="", **headers):
    """Return a token without a valid signature."""
    return f"{part({'alg': algorithm, 'typ': 'JWT', **headers})}.{part(claims())}.{signature}"


def signed_with_secret(key, secret):
    """Return a token signed with HMAC and a public ``secret``, as in an algorithm confusion attack."""
    text = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': key.kid})}.{part(claims())}"
    return f"{text}.{part(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def tampered(token, **changes):
    """Return a token with changed claims and the same signature."""
    header, _, signature = token.split(".")
    return f"{header}.{part(claims(**changes))}.{signature}"


class KeyServer:
    """A WSGI application that serves the public keys; ``response`` is its status, headers and content."""

    def __init__(self):
        self.paths, self.response = [], ("404 Not Found", [], b"")

    def publish(self, *keys):
        self.respond("200 OK", json.dumps(key_set(*keys)).encode())

    def respond(self, status, content=b"", **headers):
        extra = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.response = status, [*extra, ("Content-Length", str(len(content)))], content

    def __call__(self, environ, start_response):
        self.paths.append(environ["PATH_INFO"])
        status, headers, content = self.response
        start_response(status, headers)
        return [content]
