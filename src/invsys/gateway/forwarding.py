"""A request passed on to the service behind, and its answer passed back."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, request
from werkzeug.datastructures import Headers

from invsys.chassis import answers, bodies
from invsys.gateway import figures, passing, targets
from invsys.gateway.clients import Client
from invsys.gateway.errors import UpstreamTimeout, UpstreamUnreachable
from invsys.gateway.exchanges import Broken, Exchange
from invsys.gateway.services import Service

# A body up to this size is taken in whole before anything of it is passed on: if it breaks off, that is a 502.
_SMALL = 1024 * 1024

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
            exchange = self._services[service].ask(
                request.method, targets.target(), headers, body, repeatable=repeatable
            )
            return self._answer(exchange)

    def _answer(self, exchange: Exchange) -> Response:
        headers = passing.to_caller(exchange.headers, exchange.url)
        if exchange.has_no_body:
            exchange.end()
            announced = exchange.length if request.method == "HEAD" else None
            return _made(b"", exchange.status, headers, announced)
        if exchange.length is None or exchange.length > _SMALL:
            answer = _made(self._pieces(exchange), exchange.status, headers, exchange.length)
            # Not at the end of the pieces: whoever goes away before the first one leaves them untouched.
            answer.call_on_close(exchange.end)
            return answer
        return _made(self._whole(exchange), exchange.status, headers, exchange.length)

    def _whole(self, exchange: Exchange) -> bytes:
        try:
            return b"".join(exchange.pieces(self._answer_timeout))
        except TimeoutError as error:
            raise UpstreamTimeout("Its answer stopped midway; whether it did what was asked is not known.") from error
        except Broken as error:
            raise UpstreamUnreachable("Its answer broke off; whether it did what was asked is not known.") from error
        finally:
            exchange.end()

    def _pieces(self, exchange: Exchange) -> Iterator[bytes]:
        """Give a large body, or one of unknown length, piece by piece; raises where it breaks off or is endless.

        The server then breaks the connection, so that the caller sees that something is missing.
        """
        size = 0
        for piece in exchange.pieces(self._answer_timeout):
            size += len(piece)
            if size > self._max_answer:
                raise Broken("it is too long")
            yield piece


def _made(
    content: bytes | Iterator[bytes], status: int, headers: list[tuple[str, str]], length: int | None
) -> Response:
    # Not as keywords: the response would add a Content-Type of its own where the answer has none.
    made = answers.Answer(content, status)
    made.headers = Headers(headers if length is None else [*headers, ("Content-Length", str(length))])
    return made
