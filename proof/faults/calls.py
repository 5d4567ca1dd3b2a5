"""Requests of the faults themselves."""

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

_SECONDS = 20.0


@dataclass(frozen=True)
class Response:
    """The status, the body and the header Retry-After of a response."""

    status: int
    body: bytes
    retry_after: str | None = None


def call(url: str, method: str, path: str, headers: Mapping[str, str], body: object = None) -> Response:
    """Send a request over a new connection; raises OSError or HTTPException if there is no response."""
    address = urlsplit(url)
    assert address.hostname is not None
    with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=_SECONDS)) as connection:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return Response(response.status, response.read(), response.headers.get("Retry-After"))
