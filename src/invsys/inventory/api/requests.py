"""Request bodies, loaded through a schema, and the caller with its Idempotency-Key."""

import hashlib
from dataclasses import replace
from typing import Any

import orjson
from flask import request
from marshmallow import Schema, fields

from invsys.chassis.access import client_id
from invsys.chassis.http import headers, request_body, request_id
from invsys.inventory.caller import Caller
from invsys.inventory.merge_patch import MergePatch

KEY = "Idempotency-Key"


def caller() -> Caller:
    """Return the caller of this request, without an Idempotency-Key."""
    return Caller(client_id.current(), owner=client_id.owner(), request_id=request_id.current())


def load_new(schema: Schema) -> tuple[dict[str, Any], Caller]:
    """Return the values in the body of a POST, and the caller, with the Idempotency-Key if the request has one.

    Raises marshmallow's ValidationError, and the exceptions of ``request_body.json_object``.
    """
    body = request_body.json_object()
    values: dict[str, Any] = schema.load(body)
    if KEY not in request.headers:
        return values, caller()
    return values, replace(caller(), key=headers.require_visible(KEY), fingerprint=_fingerprint(body))


def load_changes(schema: Schema) -> dict[str, Any]:
    """Return the changes in the body of a PATCH.

    In a JSON Merge Patch, ``attributes`` and ``dump`` become ``MergePatch`` objects. Raises marshmallow's
    ValidationError, and the exceptions of ``request_body.json_object``.
    """
    body = request_body.json_object()
    patches = _pop_patches(body, schema) if request_body.is_merge_patch() else {}
    loaded: dict[str, Any] = schema.load(body)
    return {**loaded, **patches}


def _pop_patches(body: dict[str, Any], schema: Schema) -> dict[str, MergePatch]:
    names = [field.data_key or name for name, field in schema.fields.items() if isinstance(field, fields.Dict)]
    patched = [name for name in names if isinstance(body.get(name, ""), dict | None)]
    return {name: MergePatch(name, body.pop(name), schema.load) for name in patched}


def _fingerprint(body: dict[str, Any]) -> bytes:
    """Return the SHA-256 digest of method, path and body with sorted keys, which is the same for a repeated request."""
    canonical = f"{request.method} {request.path}\n".encode() + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).digest()
