"""The bodies of orders and changes, who gives them, and under which Idempotency-Key."""

import hashlib
from dataclasses import replace
from typing import Any

import orjson
from flask import request
from marshmallow import Schema, fields

from invsys.chassis.access import client_id
from invsys.chassis.http import headers, request_body
from invsys.inventory.caller import Caller
from invsys.inventory.merge_patch import MergePatch

KEY = "Idempotency-Key"


def caller() -> Caller:
    """Give who asks for a change that needs no key."""
    return Caller(client_id.current(), owner=client_id.owner())


def order(schema: Schema) -> tuple[dict[str, Any], Caller]:
    """Load the body of a POST, and give it with who asks and under which key.

    Raises what ``bodies.json_object`` does, and marshmallow's ValidationError.
    """
    body = request_body.json_object()
    given: dict[str, Any] = schema.load(body)
    if KEY not in request.headers:
        return given, caller()
    return given, replace(caller(), key=headers.require_visible(KEY), fingerprint=_fingerprint(body))


def changes(schema: Schema) -> dict[str, Any]:
    """Load the body of a PATCH; of a merge patch, members that are objects become patches (``merging``).

    Raises what ``bodies.json_object`` does, and marshmallow's ValidationError.
    """
    body = request_body.json_object()
    patches = _take_patches(body, schema) if request_body.is_merge_patch() else {}
    loaded: dict[str, Any] = schema.load(body)
    return {**loaded, **patches}


def _take_patches(body: dict[str, Any], schema: Schema) -> dict[str, MergePatch]:
    objects = [field.data_key or name for name, field in schema.fields.items() if isinstance(field, fields.Dict)]
    taken = [name for name in objects if isinstance(body.get(name, ""), dict | None)]
    return {name: MergePatch(name, body.pop(name), schema.load) for name in taken}


def _fingerprint(body: dict[str, Any]) -> bytes:
    """Give SHA-256 of what makes two requests one: method, path, and the body in whatever order of its members."""
    asked = f"{request.method} {request.path}\n".encode() + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(asked).digest()
