"""``GET /whoami``: the client to which the API key or the token belongs, its scopes and its limits."""

from typing import Any

from flask import Flask, Response, g

from invsys.chassis.http import query_string, responses
from invsys.gateway.auth.clients import Client
from invsys.gateway.rate_limit.limits import Limits

ENDPOINT = "whoami"
PATH = "/whoami"

_LIMIT = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "The name of its policy in `RateLimit-Policy`", "examples": ["rate"]},
        "quota": {"type": "integer", "minimum": 1, "description": "The number of requests in a window, or at once"},
        "unit": {"type": "string", "examples": ["requests", "concurrent-requests"]},
        "window_seconds": {"type": ["integer", "null"], "description": "null: the limit has no window"},
    },
    "required": ["name", "quota", "unit", "window_seconds"],
}
# The schema of the response in the OpenAPI document.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "client": {"type": "string", "description": "The name of the client"},
        "scopes": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Its scopes, sorted; one that holds in a single collection ends with `@` and the collection,"
            " one of a fleet with `@`, the fleet, `/`, and the collection or `*`",
        },
        "limits": {"type": "array", "items": _LIMIT, "description": "Its limits; all of them apply"},
    },
    "required": ["client", "scopes", "limits"],
}


def register(app: Flask, limits: Limits) -> None:
    """Add the route; ``Pipeline`` authenticates its callers and sets ``g.client``."""

    @app.get(PATH, endpoint=ENDPOINT)
    def whoami() -> Response:
        query_string.refuse()
        client: Client = g.client
        scopes = str(client.grants).split()
        return responses.make_response(
            {"client": client.id, "scopes": scopes, "limits": limits.document(client)}, root="caller"
        )
