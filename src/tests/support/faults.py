"""An httpx2 transport to the real service that injects one fault into each of the first requests."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpx2

Fault = Callable[[httpx2.BaseTransport, httpx2.Request], httpx2.Response]


class FaultyTransport(httpx2.BaseTransport):
    """Applies one fault to each of the first requests, and forwards the others; ``requests`` lists all requests."""

    def __init__(self, service: httpx2.BaseTransport, faults: Iterable[Fault]) -> None:
        self.requests: list[httpx2.Request] = []
        self._service = service
        self._faults = iter(faults)
        self._by_method: dict[str, Fault] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        fault = self._by_method.get(request.method) or next(self._faults, forward)
        return fault(self._service, request)

    @contextmanager
    def fails_at(self, method: str, fault: Fault) -> Iterator[None]:
        """Apply the fault to each request with this method."""
        self._by_method[method] = fault
        yield
        del self._by_method[method]


def forward(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
    return service.handle_request(request)


def unreachable(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused")


def unreachable_by_proxy(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ProxyError("502 Bad Gateway")


def connection_reset(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadError("reset")


def timed_out(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadTimeout("no response")


def unreadable(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=b"no gzip")


def response_lost(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
    """Execute the request, then disconnect before the response is read, as if the service were killed."""
    with httpx2.Client(transport=service) as client:
        client.send(request)
    raise httpx2.RemoteProtocolError("disconnected without a response")


def then_run(first: Fault, action: Callable[[], object]) -> Fault:
    """Return a fault that applies ``first`` and then calls ``action``, before the client retries."""

    def fault(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
        try:
            return first(service, request)
        finally:
            action()

    return fault


def respond(status: int, text: str = "", **headers: str) -> Fault:
    """Return a fault in which a proxy sends this response and does not forward the request."""
    header_values = {name.replace("_", "-"): value for name, value in headers.items()}

    def fault(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, text=text, headers=header_values)

    fault.__name__ = f"status_{status}"
    return fault


class FakeTime:
    """A clock that advances only by ``sleep`` and by slow faults, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def timed_out(self, after: float) -> Fault:
        """Return a fault in which the request times out after this number of seconds."""

        def fault(service: httpx2.BaseTransport, request: httpx2.Request) -> httpx2.Response:
            self.now += after
            raise httpx2.ReadTimeout("no response")

        return fault


BUSY = respond(
    503,
    '{"type": "/docs/problems/busy", "title": "B", "status": 503, "code": "busy", "detail": "d", "request_id": "r"}',
    Content_Type="application/problem+json",
    Retry_After="1",
)

# The faults after which the client retries.
TRANSIENT_FAULTS = [
    unreachable,
    unreachable_by_proxy,
    connection_reset,
    timed_out,
    unreadable,
    BUSY,
    *(respond(status, "<html>") for status in (429, 502, 503, 504)),
]
