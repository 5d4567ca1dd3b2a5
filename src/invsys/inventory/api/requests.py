"""Request bodies, loaded through a schema, and the caller with its Idempotency-Key."""

import hashlib
from dataclasses import replace
from typing import Any

import orjson
from flask import request
from marshmallow import Schema

from invsys.chassis.access import client_id
from invsys.chassis.http import headers, request_body, request_id
from invsys.inventory.caller import Caller
from invsys.inventory.merge_patch import MergePatch
from invsys.inventory.schemas import change_list, inputs
from invsys.inventory.schemas.inputs import Input

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
    return values, _caller_with_key(body)


def _caller_with_key(body: dict[str, Any], media_type: str = "") -> Caller:
    if KEY not in request.headers:
        return caller()
    return replace(caller(), key=headers.require_visible(KEY), fingerprint=_fingerprint(body, media_type))


def load_changes(schema: Input) -> dict[str, Any]:
    """Return the changes in the body of a PATCH.

    In a JSON Merge Patch, ``attributes`` and ``dump`` become ``MergePatch`` objects. Raises marshmallow's
    ValidationError, and the exceptions of ``request_body.json_object``.
    """
    body = request_body.json_object()
    patches = _pop_patches(body, schema) if request_body.is_merge_patch() else {}
    loaded: dict[str, Any] = schema.load(body)
    return {**loaded, **patches}


def load_change_list() -> tuple[list[dict[str, Any]], Caller]:
    """Return the ``changes`` in the body of a POST, and the caller, as ``load_changes`` and ``load_new`` do."""
    body = request_body.json_object(merge_patch=True)
    is_merge_patch = request_body.is_merge_patch()
    # Before the patches are removed from the body.
    caller = _caller_with_key(body, request_body.MERGE_PATCH if is_merge_patch else "")
    patches = _pop_listed_patches(body.get("changes")) if is_merge_patch else {}
    loaded = change_list.change_list.load(body)["changes"]
    return [{**change, **patches.get(index, {})} for index, change in enumerate(loaded)], caller


def _pop_listed_patches(changes: Any) -> dict[int, dict[str, MergePatch]]:
    listed = enumerate(changes if isinstance(changes, list) else ())
    return {index: _pop_patches(body, inputs.changed_allocation) for index, body in listed if isinstance(body, dict)}


def _pop_patches(body: dict[str, Any], schema: Input) -> dict[str, MergePatch]:
    patched = [name for name in schema.merged if isinstance(body.get(name, ""), dict | None)]
    return {name: MergePatch(name, body.pop(name), schema.load) for name in patched}


def _fingerprint(body: dict[str, Any], media_type: str) -> bytes:
    """Return the SHA-256 digest of method, path and body with sorted keys, which is the same for a repeated request.

    ``media_type`` is included; it is empty for application/json.
    """
    canonical = f"{request.method} {request.path}{media_type}\n".encode() + orjson.dumps(
        body, option=orjson.OPT_SORT_KEYS
    )
    return hashlib.sha256(canonical).digest()
