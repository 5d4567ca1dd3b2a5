"""A request passed on to the service behind, and its answer passed back."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import urllib3
from flask import Response, request
from urllib3.exceptions import HTTPError, ReadTimeoutError

from invsys.chassis import answers, bodies
from invsys.gateway import figures, passing, targets
from invsys.gateway.clients import Client
from invsys.gateway.errors import UpstreamTimeout, UpstreamUnreachable
from invsys.gateway.services import Host, Service

# A body up to this size is taken in whole before anything of it is passed on: if it breaks off, that is a 502.
_SMALL = 1024 * 1024
_CHUNK = 64 * 1024

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Forwarding:
    """Passes requests on; ``settings`` is the section ``[upstream]``, ``max_body`` the bytes that a body may have."""

    def __init__(self, services: Mapping[str, Service], settings: Mapping[str, Any], max_body: int) -> None:
        self._services = services
        self._max_answer = settings["max_answer"]
        self._answer_timeout = settings["answer_timeout"]
        self._max_body = max_body

    def forward(self, service: str, client: Client | None, own: bool) -> Response:
        """Pass on the request at hand in the name of ``client``, and give the answer.

        ``own``: the client may see its own allocations only. Raises BodyTooLarge, UpstreamUnreachable, UpstreamTimeout.
        """
        body = bodies.read(self._max_body) if request.method in _WITH_BODY else None
        headers = passing.to_service(client, own)
        repeatable = request.method in ("GET", "HEAD") or (request.method == "POST" and "Idempotency-Key" in headers)
        with figures.timed(service):
            host, received = self._services[service].ask(
                request.method, targets.target(), headers, body, repeatable=repeatable
            )
            return self._answer(host, received)

    def _answer(self, host: Host, received: urllib3.BaseHTTPResponse) -> Response:
        # Not an httplib that believes anything: a status that is none, or two lengths, and nobody knows what follows.
        lengths = set(received.headers.getlist("content-length"))
        if not 200 <= received.status <= 599 or len(lengths) > 1:
            received.close()
            raise UpstreamUnreachable("Its answer makes no sense; whether it did what was asked is not known.")
        headers = passing.to_caller(received.headers.iteritems(), host.url)
        length = int(next(iter(lengths))) if lengths and next(iter(lengths)).isdecimal() else None
        if request.method == "HEAD" or received.status in (204, 304):
            received.drain_conn()
            kept = [*headers, ("Content-Length", str(length))] if length is not None else headers
            return _made(b"", received.status, kept)
        if length is not None and length <= _SMALL:
            content = _whole(received)
            return _made(content, received.status, [*headers, ("Content-Length", str(len(content)))])
        return _made(self._pieces(received), received.status, headers)

    def _pieces(self, received: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Give a large body, or one of unknown length, piece by piece; raises where it breaks off or is endless.

        The server then breaks the connection, so that the caller sees that something is missing.
        """
        ends, size = time.monotonic() + self._answer_timeout, 0
        try:
            for piece in received.stream(_CHUNK, decode_content=False):
                size += len(piece)
                if size > self._max_answer or time.monotonic() > ends:
                    raise UpstreamUnreachable("Its answer is too long.")
                yield piece
        finally:
            received.close()


def _whole(received: urllib3.BaseHTTPResponse) -> bytes:
    try:
        content: bytes = received.read(decode_content=False)
    except ReadTimeoutError as error:
        raise UpstreamTimeout("Its answer stopped midway; whether it did what was asked is not known.") from error
    except HTTPError as error:
        raise UpstreamUnreachable("Its answer broke off; whether it did what was asked is not known.") from error
    return content


def _made(content: bytes | Iterator[bytes], status: int, headers: list[tuple[str, str]]) -> Response:
    made = answers.Answer(content, status)
    made.headers.clear()
    made.headers.extend(headers)
    return made
