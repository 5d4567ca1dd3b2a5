"""What every order says beside its body: who gives it, and under which Idempotency-Key."""

import hashlib
from dataclasses import replace
from typing import Any

import orjson
from flask import request
from marshmallow import Schema

from invsys.chassis import bodies, client_id, headers
from invsys.inventory.caller import Caller

KEY = "Idempotency-Key"


def caller() -> Caller:
    """Give who asks for a change that needs no key."""
    return Caller(client_id.current(), owner=client_id.owner())


def order(schema: Schema) -> tuple[dict[str, Any], Caller]:
    """Load the body of a POST, and give it with who asks and under which key.

    Raises what ``bodies.json_object`` does, and marshmallow's ValidationError.
    """
    body = bodies.json_object()
    given: dict[str, Any] = schema.load(body)
    if KEY not in request.headers:
        return given, caller()
    return given, replace(caller(), key=headers.visible(KEY), fingerprint=_fingerprint(body))


def _fingerprint(body: dict[str, Any]) -> bytes:
    """Give SHA-256 of what makes two requests one: method, path, and the body in whatever order of its members."""
    asked = f"{request.method} {request.path}\n".encode() + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(asked).digest()
