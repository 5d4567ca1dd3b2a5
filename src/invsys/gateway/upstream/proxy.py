"""Forwards requests to the services and their responses to the callers."""

import logging
import time
from collections.abc import Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Response, g, request

from invsys.chassis.access import gateway_secret
from invsys.chassis.http import request_body, responses
from invsys.chassis.http.problems import NotFound
from invsys.gateway import metrics as gateway_metrics
from invsys.gateway.auth.clients import Client
from invsys.gateway.errors import UpstreamTimeout, UpstreamUnreachable
from invsys.gateway.upstream import headers as upstream_headers
from invsys.gateway.upstream import paths
from invsys.gateway.upstream.response import BrokenResponse, UpstreamResponse
from invsys.gateway.upstream.service import Service

logger = logging.getLogger(__name__)

# A body of up to this size is buffered completely before any of it is forwarded, so that a truncated one becomes a 502.
MAX_BUFFERED = 1024 * 1024

_CHUNK = 64 * 1024
_MAYBE_EXECUTED = "the request may have been executed."

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Proxy:
    """Forwards requests; ``settings`` is the section ``[upstream]``, ``max_body`` limits request bodies (bytes).

    The keys of ``services`` are pairs of a service name and a fleet; None: the service is of no fleet.
    """

    def __init__(
        self, services: Mapping[tuple[str, str | None], Service], settings: Mapping[str, Any], max_body: int
    ) -> None:
        self._services = services
        self._max_answer = settings["max_answer"]
        self._answer_timeout = settings["answer_timeout"]
        self._max_body = max_body
        self._secret = {gateway_secret.HEADER: settings["secret"]} if settings["secret"] else {}

    def require_service(self, service: str, fleet: str | None) -> None:
        """Raise NotFound if the fleet has no such service: there is none without a fleet, or only there."""
        if (service, fleet) not in self._services:
            raise NotFound("Nothing is served at this path.")

    def forward(self, service: str, fleet: str | None, client: Client | None, owned_only: bool) -> Response:
        """Forward the current request on behalf of ``client`` and return the response.

        ``owned_only``: restrict the client to its own allocations. Unless the request is a GET or HEAD, sets
        ``g.changes``, the number of changes that the service made.

        Raises UpstreamUnreachable, UpstreamTimeout, the exceptions of ``request_body.read``, and marshmallow's
        ValidationError for a header with invalid characters.
        """
        method = request.method
        body = request_body.read(self._max_body) if method in _WITH_BODY else None
        headers = {**upstream_headers.for_service(client, owned_only), **self._secret}
        is_read = method in ("GET", "HEAD")
        repeatable = is_read or (method == "POST" and "Idempotency-Key" in headers)
        started, outcome = time.perf_counter(), "failed"
        try:
            upstream = self._services[service, fleet].send(method, paths.target(), headers, body, repeatable=repeatable)
            try:
                if not is_read:
                    g.changes = upstream_headers.number_of_changes(upstream.headers)
                response = self._convert(upstream)
            except BaseException:
                upstream.close()
                raise
            outcome = "answered"
            return response
        finally:
            gateway_metrics.observe(service, fleet, started, outcome)

    def _convert(self, upstream: UpstreamResponse) -> Response:
        """Return the response for the caller: streamed if its Content-Length is large, otherwise buffered."""
        status, headers = upstream.status, upstream_headers.for_caller(upstream.headers, upstream.url)
        length = upstream.length
        if upstream.has_no_body:
            upstream.close()
            return _response(b"", status, headers, length if request.method == "HEAD" else None)
        if length is None:
            return _file_response(self._spool(upstream), status, headers)
        if MAX_BUFFERED < length <= self._max_answer:
            response = _response(self._stream(upstream), status, headers, length)
            # The generator does not close it if the caller disconnects before the first chunk is read.
            response.call_on_close(upstream.close)
            return response
        return _response(b"".join(self._read(upstream)), status, headers, length)

    def _stream(self, upstream: UpstreamResponse) -> Iterator[bytes]:
        """Yield a long body in chunks; raises if it is truncated.

        The server then closes the connection before Content-Length is reached, so that the caller can detect this.
        """
        try:
            yield from upstream.iter_body(self._answer_timeout, self._max_answer)
        except (BrokenResponse, TimeoutError) as error:
            logger.warning("the response of %s was truncated: %s", upstream.url, error)
            raise
        finally:
            upstream.close()

    def _spool(self, upstream: UpstreamResponse) -> IO[bytes]:
        """Buffer a body without a length, on disk if it is long.

        If the body were streamed, the caller could not detect that it is truncated.
        """
        buffer: IO[bytes] = SpooledTemporaryFile(MAX_BUFFERED)  # noqa: SIM115 - the response closes it
        try:
            for chunk in self._read(upstream):
                buffer.write(chunk)
        except OSError as error:
            buffer.close()
            raise UpstreamUnreachable(f"The response cannot be buffered on disk; {_MAYBE_EXECUTED}") from error
        except BaseException:
            buffer.close()
            raise
        return buffer

    def _read(self, upstream: UpstreamResponse) -> Iterator[bytes]:
        """Yield the chunks of a body that is buffered; raises UpstreamUnreachable, UpstreamTimeout."""
        try:
            yield from upstream.iter_body(self._answer_timeout, self._max_answer)
        except TimeoutError as error:
            raise UpstreamTimeout(f"The response was not complete in time; {_MAYBE_EXECUTED}") from error
        except BrokenResponse as error:
            raise UpstreamUnreachable(f"The response was truncated or is too long; {_MAYBE_EXECUTED}") from error
        finally:
            upstream.close()


def _file_response(buffer: IO[bytes], status: int, headers: list[tuple[str, str]]) -> Response:
    length = buffer.tell()
    buffer.seek(0)
    if length <= MAX_BUFFERED:
        with buffer:
            return _response(buffer.read(), status, headers, length)
    response = _response(iter(lambda: buffer.read(_CHUNK), b""), status, headers, length)
    response.call_on_close(buffer.close)
    return response


def _response(
    content: bytes | Iterator[bytes], status: int, headers: list[tuple[str, str]], length: int | None
) -> Response:
    length_header = [] if length is None else [("Content-Length", str(length))]
    response = responses.RawHeadersResponse(None, status, [*headers, *length_header])
    # Not as the first argument: Werkzeug would set Content-Length from it, which is wrong for a response to HEAD.
    response.response = [content] if isinstance(content, bytes) else content
    if not any(name.lower() == "content-type" for name, _ in headers):
        del response.headers["Content-Type"]  # remove Flask's default
    return response
