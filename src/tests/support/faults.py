"""A way to the real service that loses, delays or refuses the first requests, one fault each."""

from collections.abc import Callable, Iterable

import httpx

Fault = Callable[[httpx.BaseTransport, httpx.Request], httpx.Response]


class FaultyWay(httpx.BaseTransport):
    """Passes requests on to the service, after the faults; ``requests`` are all that were sent."""

    def __init__(self, service: httpx.BaseTransport, faults: Iterable[Fault]) -> None:
        self.requests: list[httpx.Request] = []
        self._service = service
        self._faults = iter(faults)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return next(self._faults, passed_on)(self._service, request)


def passed_on(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    return service.handle_request(request)


def unreachable(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def unreachable_by_proxy(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    raise httpx.ProxyError("502 Bad Gateway")


def lost_on_the_way(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("reset")


def timed_out(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


def unreadable(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"no gzip")


def answer_lost(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    """The service carries it out, and is killed before its answer is read."""
    with httpx.Client(transport=service) as client:
        client.send(request)
    raise httpx.RemoteProtocolError("disconnected without an answer")


def meanwhile(first: Fault, happens: Callable[[], object]) -> Fault:
    """A fault, and before the caller comes back something else happens there."""

    def fault(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
        try:
            return first(service, request)
        finally:
            happens()

    return fault


def answered(status: int, text: str = "", **headers: str) -> Fault:
    """Something in between answers instead."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def fault(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text=text, headers=named)

    fault.__name__ = f"answered_{status}"
    return fault


class Time:
    """A clock that only sleeping moves, and faults that take long; seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def timed_out(self, after: float) -> Fault:
        def fault(service: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
            self.now += after
            raise httpx.ReadTimeout("no answer")

        return fault


BUSY = answered(
    503,
    '{"type": "/docs/problems/busy", "title": "B", "status": 503, "code": "busy", "detail": "d", "request_id": "r"}',
    Content_Type="application/problem+json",
    Retry_After="1",
)

# What a caller is to try again.
PASSING = [
    unreachable,
    unreachable_by_proxy,
    lost_on_the_way,
    timed_out,
    unreadable,
    BUSY,
    *(answered(status, "<html>") for status in (429, 502, 503, 504)),
]
