"""A request passed on to the service behind, and its answer passed back."""

import logging
import time
from collections.abc import Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Response, g, request

from invsys.chassis.access import gateway_secret
from invsys.chassis.http import request_body, responses
from invsys.gateway import metrics as gateway_metrics
from invsys.gateway.auth.clients import Client
from invsys.gateway.errors import UpstreamTimeout, UpstreamUnreachable
from invsys.gateway.upstream import headers as upstream_headers
from invsys.gateway.upstream import paths
from invsys.gateway.upstream.response import Broken, Exchange
from invsys.gateway.upstream.service import Service

logger = logging.getLogger(__name__)

# A body up to this size is taken in whole before anything of it is passed on: if it breaks off, that is a 502.
_SMALL = 1024 * 1024

_CHUNK = 64 * 1024
_UNKNOWN = "whether it did what was asked is not known."

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Forwarding:
    """Passes requests on; ``settings`` is the section ``[upstream]``, ``max_body`` the bytes that a body may have."""

    def __init__(self, services: Mapping[str, Service], settings: Mapping[str, Any], max_body: int) -> None:
        self._services = services
        self._max_answer = settings["max_answer"]
        self._answer_timeout = settings["answer_timeout"]
        self._max_body = max_body
        self._secret = {gateway_secret.HEADER: settings["secret"]} if settings["secret"] else {}

    def forward(self, service: str, client: Client | None, own: bool) -> Response:
        """Pass on the request at hand in the name of ``client``, and give the answer.

        ``own``: the client may see its own allocations only. Unless the request only reads, sets ``g.changes``,
        the number of changes that the service made. Raises BodyTooLarge, UpstreamUnreachable, UpstreamTimeout.
        """
        method = request.method
        body = request_body.read(self._max_body) if method in _WITH_BODY else None
        headers = {**upstream_headers.to_service(client, own), **self._secret}
        only_reads = method in ("GET", "HEAD")
        repeatable = only_reads or (method == "POST" and "Idempotency-Key" in headers)
        started, outcome = time.perf_counter(), "failed"
        try:
            exchange = self._services[service].ask(method, paths.target(), headers, body, repeatable=repeatable)
            try:
                if not only_reads:
                    g.changes = upstream_headers.number_of_changes(exchange.headers)
                answer = self._answer(exchange)
            except BaseException:
                exchange.end()
                raise
            outcome = "answered"
            return answer
        finally:
            gateway_metrics.observe(service, started, outcome)

    def _answer(self, exchange: Exchange) -> Response:
        status, headers = exchange.status, upstream_headers.to_caller(exchange.headers, exchange.url)
        length = exchange.length
        if exchange.has_no_body:
            exchange.end()
            return _made(b"", status, headers, length if request.method == "HEAD" else None)
        if length is None:
            return _sent(self._kept(exchange), status, headers)
        if _SMALL < length <= self._max_answer:
            answer = _made(self._streamed(exchange), status, headers, length)
            # Not only at the end of the stream: whoever goes away before its beginning leaves it untouched.
            answer.call_on_close(exchange.end)
            return answer
        return _made(b"".join(self._pieces(exchange)), status, headers, length)

    def _streamed(self, exchange: Exchange) -> Iterator[bytes]:
        """Give a large body piece by piece; raises where it breaks off.

        The server then breaks the connection, as less has come than was announced.
        """
        try:
            yield from exchange.pieces(self._answer_timeout, self._max_answer)
        except (Broken, TimeoutError) as error:
            logger.warning("an answer of %s broke off: %s", exchange.url, error)
            raise
        finally:
            exchange.end()

    def _kept(self, exchange: Exchange) -> IO[bytes]:
        """Take in a body of unknown length, on disk if it is large: the server could not show that such a one broke."""
        kept: IO[bytes] = SpooledTemporaryFile(_SMALL)  # noqa: SIM115 - the answer closes it
        try:
            for piece in self._pieces(exchange):
                kept.write(piece)
        except OSError as error:
            kept.close()
            raise UpstreamUnreachable(f"There is no room for its answer; {_UNKNOWN}") from error
        except BaseException:
            kept.close()
            raise
        return kept

    def _pieces(self, exchange: Exchange) -> Iterator[bytes]:
        """Give a body that is taken in whole piece by piece; raises UpstreamUnreachable, UpstreamTimeout."""
        try:
            yield from exchange.pieces(self._answer_timeout, self._max_answer)
        except TimeoutError as error:
            raise UpstreamTimeout(f"Its answer stopped midway; {_UNKNOWN}") from error
        except Broken as error:
            raise UpstreamUnreachable(f"Its answer broke off, or is too long; {_UNKNOWN}") from error
        finally:
            exchange.end()


def _sent(kept: IO[bytes], status: int, headers: list[tuple[str, str]]) -> Response:
    length = kept.tell()
    kept.seek(0)
    if length <= _SMALL:
        with kept:
            return _made(kept.read(), status, headers, length)
    answer = _made(iter(lambda: kept.read(_CHUNK), b""), status, headers, length)
    answer.call_on_close(kept.close)
    return answer


def _made(
    content: bytes | Iterator[bytes], status: int, headers: list[tuple[str, str]], length: int | None
) -> Response:
    made = responses.CompleteResponse(
        None, status, headers if length is None else [*headers, ("Content-Length", str(length))]
    )
    # Not as the first argument, which would set a length of its own, also where an answer to HEAD has another one.
    made.response = [content] if isinstance(content, bytes) else content
    if not any(name.lower() == "content-type" for name, _ in headers):
        del made.headers["Content-Type"]  # one that the answer does not have
    return made
